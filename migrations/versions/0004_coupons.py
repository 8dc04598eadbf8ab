"""Coupons: the offer, the copies, their use."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0004"
down_revision = "0003"


def upgrade() -> None:

    op.create_table(
        "coupon",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("benefit", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("validity", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("redeemable_store_nos", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("area_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("min_spend_yen", sa.BigInteger(), nullable=False),
        sa.Column("funding", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("combinable", sa.Boolean(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_coupon_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_coupon")),
    )
    op.create_table(
        "coupon_tally",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_coupon_tally_coupon_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", name=op.f("pk_coupon_tally")),
    )
    op.create_table(
        "coupon_budget",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("redeemed", sa.Integer(), nullable=False),
        sa.Column("discount_yen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_coupon_budget_coupon_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", name=op.f("pk_coupon_budget")),
    )
    op.create_table(
        "issued_coupon",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=True),
        sa.Column("account_no", sa.Integer(), nullable=True),
        sa.Column("campaign_id", sa.Uuid(), nullable=True),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"],
            ["coupon.brand_id", "coupon.id"],
            name=op.f("fk_issued_coupon_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_issued_coupon_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_issued_coupon")),
        sa.UniqueConstraint("brand_id", "code", name=op.f("uq_issued_coupon_brand_id_code")),
        sa.UniqueConstraint(
            "brand_id",
            "coupon_id",
            "customer_id",
            "source",
            name=op.f("uq_issued_coupon_brand_id_coupon_id_customer_id_source"),
        ),
    )
    op.create_index("ix_issued_coupon_brand_id_customer_id", "issued_coupon", ["brand_id", "customer_id"], unique=False)
    op.create_index(
        "ix_issued_coupon_brand_id_run_id",
        "issued_coupon",
        ["brand_id", "run_id"],
        unique=False,
        postgresql_where="run_id IS NOT NULL",
    )
    op.create_table(
        "redemption",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_coupon_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("amount_yen", sa.BigInteger(), nullable=True),
        sa.Column("discount_yen", sa.BigInteger(), nullable=False),
        sa.Column("order_ref", sa.Text(), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_on", sa.Date(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reverse_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_redemption_coupon_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_redemption_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "issued_coupon_id"],
            ["issued_coupon.brand_id", "issued_coupon.id"],
            name=op.f("fk_redemption_issued_coupon_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_redemption_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_redemption")),
    )
    op.create_index(
        "ix_redemption_brand_id_coupon_id",
        "redemption",
        ["brand_id", "coupon_id", "store_no", "business_on"],
        unique=False,
    )
    op.create_index("ix_redemption_brand_id_store_no", "redemption", ["brand_id", "store_no", "id"], unique=False)
    op.create_index("ix_redemption_brand_id_customer_id", "redemption", ["brand_id", "customer_id"], unique=False)
    op.create_index(
        "uq_redemption_standing",
        "redemption",
        ["brand_id", "issued_coupon_id"],
        unique=True,
        postgresql_where="reversed_at IS NULL",
    )

    protect("coupon", shared="store_no")
    protect("coupon_tally")
    protect("coupon_budget")
    protect("issued_coupon", store="store_no")
    protect("redemption", store="store_no")
