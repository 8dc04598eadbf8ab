"""Points: the programme, the ledger, and what it comes to for each member."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0041"
down_revision = "0040"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "point_programme",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_point_programme")),
        sa.UniqueConstraint("brand_id", "starts_at", name=op.f("uq_point_programme_brand_id_starts_at")),
    )
    protect("point_programme", append_only=True)
    op.create_table(
        "point_entry",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("payer", sa.Text(), nullable=True),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"], ["customer.brand_id", "customer.id"], name=op.f("fk_point_entry_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_point_entry_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "order_id"], ["order.brand_id", "order.id"], name=op.f("fk_point_entry_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "visit_id"], ["visit.brand_id", "visit.id"], name=op.f("fk_point_entry_visit_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_point_entry")),
        sa.UniqueConstraint(
            "brand_id", "kind", "origin", "source_ref", name=op.f("uq_point_entry_brand_id_kind_origin_source_ref")
        ),
    )
    op.create_index("ix_point_entry_brand_id_customer_id", "point_entry", ["brand_id", "customer_id", "id"])
    op.create_index(
        "ix_point_entry_brand_id_order_id",
        "point_entry",
        ["brand_id", "order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_point_entry_brand_id_visit_id",
        "point_entry",
        ["brand_id", "visit_id"],
        postgresql_where=sa.text("visit_id IS NOT NULL"),
    )
    op.create_index(
        "ix_point_entry_brand_id_store_no",
        "point_entry",
        ["brand_id", "store_no", "id"],
        postgresql_where=sa.text("store_no IS NOT NULL"),
    )
    protect("point_entry", store="store_no", append_only=True)
    # A merge says whose an entry is, and an erasure takes its words away; the figures stay as they were written.
    op.execute("GRANT UPDATE (customer_id, reason) ON point_entry TO noren_app")
    op.create_table(
        "loyalty_member",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Text(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("referral_code", sa.Text(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_loyalty_member_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "customer_id", name=op.f("pk_loyalty_member")),
        sa.UniqueConstraint("brand_id", "referral_code", name=op.f("uq_loyalty_member_brand_id_referral_code")),
    )
    op.create_index(
        "ix_loyalty_member_due",
        "loyalty_member",
        ["brand_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    protect("loyalty_member")
