"""Lists of customers."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0033"
down_revision = "0032"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "customer_list",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_customer_list_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_customer_list")),
    )
    protect("customer_list", shared="store_no")
    op.create_table(
        "customer_list_member",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "list_id"],
            ["customer_list.brand_id", "customer_list.id"],
            name=op.f("fk_customer_list_member_list_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_customer_list_member_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "list_id", "customer_id", name=op.f("pk_customer_list_member")),
    )
    op.create_index("ix_customer_list_member_brand_id_customer_id", "customer_list_member", ["brand_id", "customer_id"])
    protect("customer_list_member", shared="store_no")
