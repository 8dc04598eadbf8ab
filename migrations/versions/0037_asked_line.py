"""What LINE said of a campaign's messages. The column may be left out by the code before this revision."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("campaign", sa.Column("line_validation", postgresql.JSONB(), nullable=True))
