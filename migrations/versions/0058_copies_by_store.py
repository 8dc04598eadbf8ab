"""Copies of coupons by the store that they came from."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    op.add_column("coupon_tally", sa.Column("counts_stores", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "coupon_store_tally",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_coupon_store_tally_coupon_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", "store_no", name=op.f("pk_coupon_store_tally")),
    )
    protect("coupon_store_tally", store="store_no")
