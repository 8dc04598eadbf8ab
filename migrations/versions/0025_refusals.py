"""Withdrawn consents, found without walking through those that were given."""

from alembic import op
from sqlalchemy import text

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index(
        "ix_consent_withdrawn", "consent", ["brand_id", "purpose", "channel"], postgresql_where=text("NOT is_granted")
    )
