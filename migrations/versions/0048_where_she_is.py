"""What people write, tap or send their place with is answered: auto-replies, and the nearest stores."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import protect

revision = "0048"
down_revision = "0047"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("brand", sa.Column("location_reply", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.create_table(
        "auto_reply",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("trigger", postgresql.JSONB(), nullable=False),
        sa.Column("line_account_ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.Column("hours", postgresql.JSONB(), nullable=True),
        sa.Column("messages", postgresql.JSONB(), nullable=False),
        sa.Column("otherwise_messages", postgresql.JSONB(), nullable=True),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("weather_rule_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("archived_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["brand_id", "coupon_id"], ["coupon.brand_id", "coupon.id"], name=op.f("fk_auto_reply_coupon_id")
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "weather_rule_id"],
            ["weather_rule.brand_id", "weather_rule.id"],
            name=op.f("fk_auto_reply_weather_rule_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "id", name=op.f("pk_auto_reply")),
    )
    protect("auto_reply")
    op.add_column("line_reply", sa.Column("kind", sa.Text(), server_default="greeting", nullable=False))
    op.add_column("line_reply", sa.Column("auto_reply_id", sa.Uuid(), nullable=True))
    op.add_column(
        "line_reply", sa.Column("is_otherwise", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("line_reply", sa.Column("issued_coupon_id", sa.Uuid(), nullable=True))
    # Not checked over the rows that stand, which have none: the locks are brief.
    for column, table in (("auto_reply_id", "auto_reply"), ("issued_coupon_id", "issued_coupon")):
        op.execute(
            f"ALTER TABLE line_reply ADD CONSTRAINT fk_line_reply_{column} FOREIGN KEY (brand_id, {column})"
            f" REFERENCES {table} (brand_id, id) NOT VALID"
        )
        op.execute(f"ALTER TABLE line_reply VALIDATE CONSTRAINT fk_line_reply_{column}")
