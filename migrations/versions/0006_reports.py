"""Rollups."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0006"
down_revision = "0005"


def upgrade() -> None:

    op.create_table(
        "daily_metric",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("friends", sa.BigInteger(), nullable=False),
        sa.Column("blocked", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("clicked", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("redeemed", sa.BigInteger(), nullable=False),
        sa.Column("discount_yen", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("sales_yen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "brand_id",
            "day_on",
            "store_no",
            "account_no",
            "campaign_id",
            "weather_rule_id",
            "coupon_id",
            name=op.f("pk_daily_metric"),
        ),
    )
    op.create_index(
        "ix_daily_metric_brand_id_store_no", "daily_metric", ["brand_id", "store_no", "day_on"], unique=False
    )

    protect("daily_metric", store="store_no")
