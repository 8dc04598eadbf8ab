"""LINE's own coupons of offers."""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0056"
down_revision = "0055"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("coupon", sa.Column("line_coupon", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "line_coupon",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("account_no", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("line_coupon_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_line_coupon_coupon_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_line_coupon_line_account_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "coupon_id", "line_account_id", name=op.f("pk_line_coupon")),
    )
    op.create_index(
        "ix_line_coupon_due", "line_coupon", ["brand_id", "due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    protect("line_coupon")
