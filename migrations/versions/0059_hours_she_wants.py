"""The hours at which a person wants to be written to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    op.add_column("customer_preference", sa.Column("hours", postgresql.JSONB(), nullable=True))
