"""Feeds beside the forecasts: their state, their bodies, warnings, observed days, hours of a second source."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import open_to_app

revision = "0050"
down_revision = "0049"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "weather_feed",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("own_clock_at", INSTANT, nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.Column("tried_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_weather_feed")),
    )
    op.create_table(
        "weather_feed_body",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=True),
        sa.Column("fetched_at", INSTANT, nullable=False),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("parse_status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weather_feed_body")),
        sa.UniqueConstraint("feed", "key", "content_hash", name=op.f("uq_weather_feed_body_feed_key_content_hash")),
    )
    op.create_table(
        "weather_feed_file",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("checked_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["weather_feed_body.id"], name=op.f("fk_weather_feed_file_body_id")),
        sa.PrimaryKeyConstraint("feed", "key", name=op.f("pk_weather_feed_file")),
    )
    op.create_table(
        "weather_warning_report",
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("areas", postgresql.JSONB(), nullable=False),
        sa.Column("missing_since", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("office", "product", name=op.f("pk_weather_warning_report")),
    )
    op.create_table(
        "weather_station_day",
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("high_c", sa.Float(), nullable=True),
        sa.Column("low_c", sa.Float(), nullable=True),
        sa.Column("rain_mm", sa.Float(), nullable=True),
        sa.Column("snowed", sa.Boolean(), nullable=True),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("rain_hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("station", "day_on", name=op.f("pk_weather_station_day")),
    )
    op.create_table(
        "weather_cell_hours",
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("fetched_at", INSTANT, nullable=False),
        sa.Column("is_commercial", sa.Boolean(), nullable=False),
        sa.Column("body_id", sa.Uuid(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["weather_feed_body.id"], name=op.f("fk_weather_cell_hours_body_id")),
        sa.PrimaryKeyConstraint("cell", name=op.f("pk_weather_cell_hours")),
    )
    # A station that code of before wrote is one whose temperature is forecast, and nothing is known of its elements.
    op.add_column("weather_station", sa.Column("elements", sa.Text(), nullable=False, server_default=""))
    op.add_column("weather_station", sa.Column("is_forecast", sa.Boolean(), nullable=False, server_default="true"))
    op.add_column("weather_station", sa.Column("predecessor", sa.Text(), nullable=True))
    for table in ("weather_feed", "weather_warning_report", "weather_cell_hours", "weather_feed_file"):
        open_to_app(table)
    open_to_app("weather_feed_body", "SELECT, INSERT")
    open_to_app("weather_station_day")
