"""Our own observations in the archive, and the words of our own forecasts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import open_to_app

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    op.add_column("archived_forecast", sa.Column("texts", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_table(
        "archived_map",
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["weather_feed_body.id"], name=op.f("fk_archived_map_body_id")),
        sa.PrimaryKeyConstraint("body_id", name=op.f("pk_archived_map")),
    )
    open_to_app("archived_map", "SELECT, INSERT")
