"""Which content customers sent, and when LINE was asked for a friend's profile.

The columns of friends may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op

from migrations.policies import protect

revision = "0019"
down_revision = "0016"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("friend", sa.Column("asked_at", INSTANT, nullable=True))
    op.add_column("friend", sa.Column("missing_at", INSTANT, nullable=True))
    op.create_table(
        "line_content",
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("line_account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id", "line_account_id"],
            ["line_account.brand_id", "line_account.id"],
            name=op.f("fk_line_content_line_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["brand_id", "customer_id"],
            ["customer.brand_id", "customer.id"],
            name=op.f("fk_line_content_customer_id"),
        ),
        sa.PrimaryKeyConstraint("brand_id", "line_account_id", "message_id", name=op.f("pk_line_content")),
    )
    op.create_index("ix_line_content_brand_id_customer_id", "line_content", ["brand_id", "customer_id"])
    protect("line_content")
