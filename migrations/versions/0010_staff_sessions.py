"""Sessions of staff know which of their secrets is the present one, and which it replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("staff_session", sa.Column("secret_id", sa.Uuid(), nullable=True))
    op.add_column("staff_session", sa.Column("previous_secret_id", sa.Uuid(), nullable=True))
