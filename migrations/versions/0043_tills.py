"""Tills: browsers at a store's counter, and which of them a coupon was used at."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.create_table(
        "till_device",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pin_digest", sa.LargeBinary(), nullable=False),
        sa.Column("wrong_pins", sa.Integer(), nullable=False),
        sa.Column("invited_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_till_device_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_till_device")),
    )
    op.create_index("ix_till_device_brand_id_store_no", "till_device", ["brand_id", "store_no"])
    protect("till_device", store="store_no")
    # Without a default, so that the table is not rewritten and code that knows of no tills goes on writing uses.
    op.add_column("redemption", sa.Column("device_id", sa.Uuid(), nullable=True))
