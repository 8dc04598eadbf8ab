"""What was forecast and observed, in a form to test rules on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import open_to_app

revision = "0049"
down_revision = "0048"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "archived_forecast",
        sa.Column("district", sa.Text(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("known_at", INSTANT, nullable=False),
        sa.Column("first_block_at", INSTANT, nullable=False),
        sa.Column("rain", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("district", "issued_at", "known_at", name=op.f("pk_archived_forecast")),
    )
    op.create_table(
        "archived_temperature",
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("known_at", INSTANT, nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("highs", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("lows", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("day_high", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("station", "issued_at", "known_at", name=op.f("pk_archived_temperature")),
    )
    op.create_table(
        "archived_observation",
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("rain_mm", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("temperatures_c", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.PrimaryKeyConstraint("station", "observed_on", name=op.f("pk_archived_observation")),
    )
    op.create_table(
        "archived_issue",
        sa.Column("forecast_issue_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["forecast_issue_id"], ["forecast_issue.id"], name=op.f("fk_archived_issue_forecast_issue_id")
        ),
        sa.PrimaryKeyConstraint("forecast_issue_id", name=op.f("pk_archived_issue")),
    )
    for table in ("archived_forecast", "archived_temperature", "archived_issue"):
        open_to_app(table, "SELECT, INSERT")
    open_to_app("archived_observation", "SELECT, INSERT, UPDATE")
