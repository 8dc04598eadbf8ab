"""Weather: areas, stations and forecasts of no brand; rules and decisions of brands."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import let_lookup_read, lookup, open_to_app, protect

revision = "0008"
down_revision = "0007"


def upgrade() -> None:

    op.create_table(
        "weather_area",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("stations", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("level", "code", name=op.f("pk_weather_area")),
    )
    op.create_table(
        "weather_station",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_weather_station")),
    )
    op.create_table(
        "forecast_issue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("parse_status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast_issue")),
        sa.UniqueConstraint("office", "content_hash", name=op.f("uq_forecast_issue_office_content_hash")),
    )
    op.create_table(
        "forecast_office",
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["issue_id"], ["forecast_issue.id"], name=op.f("fk_forecast_office_issue_id")),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_forecast_office")),
    )
    op.create_table(
        "weather_rule",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("condition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("off_condition", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("window", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("decide_times", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("all_stores", sa.Boolean(), nullable=False),
        sa.Column("store_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("area_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("cooldown_days", sa.Integer(), nullable=False),
        sa.Column("max_age_minutes", sa.Integer(), nullable=True),
        sa.Column("holdout_ratio", sa.Float(), nullable=False),
        sa.Column("budget_yen", sa.BigInteger(), nullable=True),
        sa.Column("blackout_on", postgresql.ARRAY(sa.Date()), nullable=False),
        sa.Column("decided_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_weather_rule_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_weather_rule_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_weather_rule")),
    )
    op.create_table(
        "weather_decision",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state_on", sa.Boolean(), nullable=False),
        sa.Column("readings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("forecast_issue_id", sa.Uuid(), nullable=True),
        sa.Column("clock_shift_seconds", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "weather_rule_id"],
            ["weather_rule.brand_id", "weather_rule.id"],
            name=op.f("fk_weather_decision_weather_rule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_weather_decision_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_weather_decision")),
    )
    op.create_index(
        "ix_weather_decision_brand_id_weather_rule_id",
        "weather_decision",
        ["brand_id", "weather_rule_id", "store_no", "business_on"],
        unique=False,
    )
    op.create_index(
        "ix_weather_decision_brand_id_store_no",
        "weather_decision",
        ["brand_id", "store_no", "business_on"],
        unique=False,
    )
    op.create_index(
        "uq_weather_decision_fired",
        "weather_decision",
        ["brand_id", "weather_rule_id", "store_no", "business_on"],
        unique=True,
        postgresql_where="fired",
    )

    open_to_app("weather_area")
    open_to_app("weather_station")
    open_to_app("forecast_issue", "SELECT, INSERT")
    open_to_app("forecast_office", "SELECT, INSERT, UPDATE")
    protect("weather_rule", shared="store_no")
    protect("weather_decision", store="store_no")
    let_lookup_read("weather_rule", "brand_id, status, archived_at")
    lookup(
        "list_brands_with_live_rules()",
        "SETOF uuid",
        "SELECT DISTINCT brand_id FROM weather_rule WHERE status = 'live' AND archived_at IS NULL",
    )
