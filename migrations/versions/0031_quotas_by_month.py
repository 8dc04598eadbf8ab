"""Quotas: what we sent beside what LINE tells, when LINE was asked, alerts; reservations by month; who goes first.

All columns may be left out by the code before this revision. A `sent` that is null is of a row that it made.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("quota_month", sa.Column("sent", sa.Integer(), nullable=True))
    for name in ("others", "unbilled"):
        op.add_column("quota_month", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("quota_month", sa.Column("line_used", sa.Integer(), nullable=True))
    op.add_column("quota_month", sa.Column("marks", postgresql.JSONB(), nullable=False, server_default="[]"))
    op.add_column("quota_month", sa.Column("asked_at", INSTANT, nullable=True))
    op.add_column("quota_month", sa.Column("ask_error", sa.Text(), nullable=True))
    op.add_column("quota_month", sa.Column("alerted_percent", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("batch", sa.Column("reserved_on", sa.Date(), nullable=True))
    op.add_column("campaign", sa.Column("trim_by", sa.Text(), nullable=True))
