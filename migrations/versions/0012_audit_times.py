"""Refusals are gathered, so an entry says how many it stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("times", sa.Integer(), server_default="1", nullable=False))
