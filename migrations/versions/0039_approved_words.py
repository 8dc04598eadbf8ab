"""What stood in the blocks of a store's campaign when head office approved it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("campaign", sa.Column("approved_blocks", postgresql.JSONB(), nullable=True))
