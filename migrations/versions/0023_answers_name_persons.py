"""Whom a kept answer names, so that it goes when she is erased; raw events found by their age."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("idempotency_key", sa.Column("customer_ids", postgresql.ARRAY(sa.Uuid()), nullable=True))
    # Only what is worked off and not emptied yet: taking an event in costs nothing more.
    op.create_index(
        "ix_line_event_kept",
        "line_event",
        ["brand_id", "received_at"],
        postgresql_where=sa.text("worked_at IS NOT NULL AND body IS NOT NULL"),
    )
