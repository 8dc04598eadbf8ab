"""Campaigns, runs, deliveries, batches and quotas."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0005"
down_revision = "0004"


def upgrade() -> None:

    op.create_table(
        "delivery",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("batch_no", sa.Integer(), nullable=True),
        sa.Column("account_no", sa.Integer(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("line_user_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", "run_id", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_brand_id_run_id_batch_no",
        "delivery",
        ["brand_id", "run_id", "batch_no", "customer_id"],
        unique=False,
    )
    op.create_table(
        "delivery_failure",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("brand_id", "run_id", "customer_id", name=op.f("pk_delivery_failure")),
    )
    op.create_table(
        "campaign",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("sender_policy", sa.Text(), nullable=True),
        sa.Column("holdout_ratio", sa.Float(), nullable=False),
        sa.Column("quota_policy", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_campaign_coupon_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_campaign_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "quota_month",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_quota_month_line_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "month_on", name=op.f("pk_quota_month")),
    )
    op.create_table(
        "run",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=True),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("business_on", sa.Date(), nullable=True),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("holdout_salt", sa.Text(), nullable=False),
        sa.Column("brand_name", sa.Text(), nullable=False),
        sa.Column("coupon_name", sa.Text(), nullable=True),
        sa.Column("clock_shift_seconds", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("chosen", sa.Integer(), nullable=False),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_run_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_brand_id_campaign_id", "run", ["brand_id", "campaign_id"], unique=False)
    op.create_index(
        "ix_run_brand_id_weather_rule_id", "run", ["brand_id", "weather_rule_id", "business_on"], unique=False
    )
    op.create_table(
        "batch",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("batch_no", sa.Integer(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retry_key", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("first_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_batch_line_account_id"),
        ),
        sa.ForeignKeyConstraint(["brand_id", "run_id"], ["run.brand_id", "run.id"], name=op.f("fk_batch_run_id")),
        sa.PrimaryKeyConstraint("brand_id", "run_id", "batch_no", name=op.f("pk_batch")),
    )
    op.create_index(
        "ix_batch_waiting",
        "batch",
        ["brand_id", "line_account_id", "run_id", "batch_no"],
        unique=False,
        postgresql_where="state = 'waiting'",
    )

    protect("campaign", shared="store_no")
    protect("run", shared="store_no")
    protect("delivery", store="store_no")
    protect("delivery_failure", store="store_no")
    protect("batch")
    protect("quota_month")
