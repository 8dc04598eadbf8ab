"""What a store sees of a customer: who wrote what of her, and when something changed that every store sees.

All three columns may be left out by the code before this revision.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    wrote = sa.Column("written_by", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
    op.add_column("customer", wrote)
    op.add_column("customer", sa.Column("profile_updated_at", INSTANT, nullable=True))
    op.add_column("customer_store", sa.Column("updated_at", INSTANT, nullable=True))
