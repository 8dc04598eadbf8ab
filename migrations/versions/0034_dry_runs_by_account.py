"""A dry run says how many messages of each account it came to, for the month's forecast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column("dry_run", sa.Column("by_account", postgresql.JSONB(), nullable=True))
