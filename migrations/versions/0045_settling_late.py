"""Uses that tills granted offline and told later, those that could not be counted, and who guesses codes.

The columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0045"
down_revision = "0044"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("redemption", sa.Column("settle_ref", sa.Text(), nullable=True))
    op.create_index(
        "uq_redemption_settle_ref",
        "redemption",
        ["brand_id", "store_no", "settle_ref"],
        unique=True,
        postgresql_where=sa.text("settle_ref IS NOT NULL"),
    )
    # Whether coupons go together is asked of every order that names itself.
    op.create_index(
        "ix_redemption_brand_id_order_ref",
        "redemption",
        ["brand_id", "store_no", "order_ref"],
        postgresql_where=sa.text("order_ref IS NOT NULL"),
    )
    # What looks odd is looked for among what was used or given back of late.
    op.create_index("ix_redemption_brand_id_redeemed_at", "redemption", ["brand_id", "redeemed_at"])
    op.create_index(
        "ix_redemption_brand_id_reversed_at",
        "redemption",
        ["brand_id", "reversed_at"],
        postgresql_where=sa.text("reversed_at IS NOT NULL"),
    )
    op.create_table(
        "code_guess",
        *_columns(),
        sa.Column("guesser_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("minute_at", INSTANT, nullable=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_code_guess")),
        sa.UniqueConstraint(
            "brand_id",
            "guesser_id",
            "store_no",
            "minute_at",
            name=op.f("uq_code_guess_brand_id_guesser_id_store_no_minute_at"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_code_guess_brand_id_minute_at", "code_guess", ["brand_id", "minute_at"])
    protect("code_guess", store="store_no")
    op.create_table(
        "settlement_conflict",
        *_columns(),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("issued_coupon_id", sa.Uuid(), nullable=True),
        sa.Column("redeemed_at", INSTANT, nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=False),
        _refer("store_id", "store"),
        _refer("issued_coupon_id", "issued_coupon"),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_settlement_conflict")),
        sa.UniqueConstraint("brand_id", "store_no", "ref", name=op.f("uq_settlement_conflict_brand_id_store_no_ref")),
    )
    op.create_index("ix_settlement_conflict_brand_id_created_at", "settlement_conflict", ["brand_id", "created_at"])
    op.create_index(
        "ix_settlement_conflict_brand_id_issued_coupon_id", "settlement_conflict", ["brand_id", "issued_coupon_id"]
    )
    protect("settlement_conflict", store="store_no")


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    ]


def _refer(column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["brand_id", column], [f"{other}.brand_id", f"{other}.id"], name=op.f(f"fk_settlement_conflict_{column}")
    )
