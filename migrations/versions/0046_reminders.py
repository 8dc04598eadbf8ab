"""Reminders of coupons that end soon."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, protect

revision = "0046"
down_revision = "0045"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "coupon_reminder",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("hours_before", sa.Integer(), nullable=False),
        sa.Column("send_at", sa.Text(), nullable=False),
        sa.Column("messages", postgresql.JSONB(), nullable=False),
        sa.Column("sender_policy", sa.Text(), nullable=True),
        sa.Column("holdout_ratio", sa.Float(), nullable=False),
        sa.Column("tracking", sa.Text(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_coupon_reminder_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", name=op.f("pk_coupon_reminder")),
    )
    op.create_index("ix_coupon_reminder_due", "coupon_reminder", ["brand_id", "due_at"])
    protect("coupon_reminder", shared="store_no")
    let_lookup_read("coupon_reminder", "brand_id, due_at")
    lookup(
        "list_brands_with_due_reminders(moment timestamptz)",
        "SETOF uuid",
        "SELECT DISTINCT brand_id FROM coupon_reminder WHERE due_at <= moment",
    )
    op.create_table(
        "coupon_reminded",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("issued_coupon_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "issued_coupon_id", name=op.f("pk_coupon_reminded")),
    )
    op.create_index("ix_coupon_reminded_brand_id_run_id", "coupon_reminded", ["brand_id", "run_id"])
    protect("coupon_reminded")
