"""Coupons: more caps, money set aside at issue, times of use, sets, templates and occasions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    # The index first, since what follows is one transaction: a column that stands already is left as it is.
    reserved = sa.Column("reserved_yen", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("issued_coupon", reserved, if_not_exists=True)
    with op.get_context().autocommit_block():
        # It waits for every transaction that began before it, and holds nobody up meanwhile.
        op.execute("SET lock_timeout = 0")
        # What an attempt that was broken off left behind is of no use.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_issued_coupon_reserved")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_issued_coupon_reserved ON issued_coupon (brand_id, expires_at)"
            " WHERE reserved_yen > 0"
        )
        op.execute("SET lock_timeout = '3s'")
    op.add_column("coupon_tally", sa.Column("counted_on", sa.Date(), nullable=True))
    op.add_column("coupon_tally", sa.Column("issued_that_day", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("coupon_tally", sa.Column("reserved_yen", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("coupon_budget", sa.Column("is_counted", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "coupon_counter",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("redeemed", sa.Integer(), nullable=False),
        sa.Column("discount_yen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_coupon_counter_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", "kind", "key", name=op.f("pk_coupon_counter")),
    )
    protect("coupon_counter")
    op.add_column("coupon", sa.Column("usable_times", postgresql.JSONB(), nullable=True))
    op.add_column("coupon", sa.Column("combinable_with", postgresql.JSONB(), nullable=True))
    op.add_column("coupon", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("coupon", sa.Column("is_template", sa.Boolean(), nullable=False, server_default="false"))
    op.add_column("coupon", sa.Column("occasion", sa.Text(), nullable=True))
    op.add_column("coupon", sa.Column("welcome_messages", postgresql.JSONB(), nullable=True))
