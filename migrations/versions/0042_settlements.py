"""Who bears what a coupon gave: written on its use, and kept as the lines of each month's statements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0042"
down_revision = "0041"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("redemption", sa.Column("funding", postgresql.JSONB(), nullable=True))
    op.create_table(
        "settlement_line",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("is_reversal", sa.Boolean(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("issuing_store_no", sa.Integer(), nullable=True),
        sa.Column("redeeming_store_no", sa.Integer(), nullable=False),
        sa.Column("redeemed_at", INSTANT, nullable=False),
        sa.Column("shares", postgresql.JSONB(), nullable=False),
        sa.Column("given_yen", sa.BigInteger(), nullable=False),
        sa.Column("own_yen", sa.BigInteger(), nullable=False),
        sa.Column("brand_yen", sa.BigInteger(), nullable=False),
        sa.Column("stores_yen", sa.BigInteger(), nullable=False),
        sa.Column("owes_yen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "redemption_id"],
            ["redemption.brand_id", "redemption.id"],
            name=op.f("fk_settlement_line_redemption_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_settlement_line_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_settlement_line")),
        sa.UniqueConstraint(
            "brand_id",
            "redemption_id",
            "store_no",
            "is_reversal",
            name=op.f("uq_settlement_line_brand_id_redemption_id_store_no_is_reversal"),
        ),
    )
    op.create_index(
        "ix_settlement_line_brand_id_month_on_store_no",
        "settlement_line",
        ["brand_id", "month_on", "store_no", "id"],
        postgresql_include=[
            "is_reversal", "redeeming_store_no", "given_yen", "own_yen", "brand_yen", "stores_yen", "owes_yen",
        ],
    )  # fmt: skip
    protect("settlement_line", store="store_no", append_only=True)
