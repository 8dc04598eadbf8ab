"""Member cards, and how people want to be written to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0040"
down_revision = "0039"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "member_card",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_member_card_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_member_card")),
        sa.UniqueConstraint("brand_id", "number", name=op.f("uq_member_card_brand_id_number")),
        sa.UniqueConstraint("brand_id", "customer_id", name=op.f("uq_member_card_brand_id_customer_id")),
    )
    protect("member_card")
    op.create_table(
        "customer_preference",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("paused_until", INSTANT, nullable=True),
        sa.Column("muted_store_nos", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_customer_preference_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", name=op.f("pk_customer_preference")),
    )
    protect("customer_preference")
