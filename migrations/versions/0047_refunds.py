"""Refunds of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0047"
down_revision = "0046"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("order", sa.Column("refunded_yen", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "order_refund",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lines", postgresql.JSONB(), nullable=True),
        sa.Column("reversed_redemptions", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["order.brand_id", "order.id"], name=op.f("fk_order_refund_order_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_order_refund")),
        sa.UniqueConstraint(
            "brand_id", "order_id", "external_id", name=op.f("uq_order_refund_brand_id_order_id_external_id")
        ),
    )
    protect("order_refund", store="store_no")
