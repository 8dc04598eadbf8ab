"""What those get for whom no copy of a coupon is left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    for table in ("campaign", "weather_rule", "run"):
        op.add_column(table, sa.Column("fallback_messages", postgresql.JSONB(), nullable=True))
