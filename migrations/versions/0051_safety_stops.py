"""Safety stops, copies of coupons that are good for longer because of one, and what became of a firing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0051"
down_revision = "0050"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "safety_stop",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("store_no", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("warnings", postgresql.JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.Column("clean_at", INSTANT, nullable=True),
        sa.Column("signal_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("lapsed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "store_id"], ["store.brand_id", "store.id"], name=op.f("fk_safety_stop_store_id")
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_safety_stop")),
    )
    op.create_index(
        "uq_safety_stop_standing",
        "safety_stop",
        ["brand_id", "store_no"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_safety_stop_signal", "safety_stop", ["brand_id", "signal_id"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(
        "ix_safety_stop_overridden",
        "safety_stop",
        ["brand_id", "store_no"],
        postgresql_where=sa.text("ended_by = 'person' AND lapsed_at IS NULL"),
    )
    protect("safety_stop", store="store_no")
    op.create_table(
        "coupon_extension",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("issued_coupon_id", sa.Uuid(), nullable=False),
        sa.Column("safety_stop_id", sa.Uuid(), nullable=False),
        sa.Column("would_expire_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("brand_id", "issued_coupon_id", "safety_stop_id", name=op.f("pk_coupon_extension")),
    )
    op.create_index("ix_coupon_extension_brand_id_safety_stop_id", "coupon_extension", ["brand_id", "safety_stop_id"])
    protect("coupon_extension")
    op.add_column("weather_decision", sa.Column("outcome", sa.Text(), nullable=True))
