"""The feeds as they were fetched and what was read from them. Nothing here belongs to a brand."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import Instant, Table


class Feed(Table, table=True):
    """How a feed is doing: what time it says it is, and how its last fetches went."""

    __tablename__ = "weather_feed"

    name: str = Field(primary_key=True)
    own_clock_at: datetime | None = Field(default=None, sa_type=Instant)
    """What time the feed itself last said it was. It stands still when the feed does, whatever the server answers."""
    checked_at: datetime | None = Field(default=None, sa_type=Instant)
    """When a fetch last succeeded, by our clock."""
    tried_at: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
    """Fetches that failed in a row."""
    retry_at: datetime | None = Field(default=None, sa_type=Instant)
    """Before this the feed is left alone: it has failed too often in a row."""
    problem: str | None = None
    """Why the last fetch failed, or what is odd in what it brought; null when all is in order."""


class FeedBody(Table, table=True):
    """One body as it was fetched, kept for good, once however often it came."""

    __tablename__ = "weather_feed_body"
    __table_args__ = (UniqueConstraint("feed", "key", "content_hash"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    feed: str
    key: str
    """Which of the feed's files it is: a station, a moment, a batch of cells."""
    content_hash: bytes
    issued_at: datetime | None = Field(default=None, sa_type=Instant)
    fetched_at: datetime = Field(sa_type=Instant)
    last_modified: str | None = None
    parse_status: str
    """`ok` or `malformed`."""
    detail: str | None = None
    raw: bytes
    """The body under gzip; of a malformed one the beginning."""


class FeedFile(Table, table=True):
    """The newest body of one of a feed's files, and how to ask for it next time."""

    __tablename__ = "weather_feed_file"

    feed: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_id: UUID | None = Field(default=None, foreign_key="weather_feed_body.id")
    etag: str | None = None
    last_modified: str | None = None
    checked_at: datetime = Field(sa_type=Instant)


class WarningReport(Table, table=True):
    """The newest report of one office about one kind of weather: the state of warnings is all of these together.

    A warning stays in force in a report however old, so none is dropped by its age.
    """

    __tablename__ = "weather_warning_report"

    office: str = Field(primary_key=True)
    product: str = Field(primary_key=True)
    """JMA's `dataTypeCode`, `VPWW55` and on."""
    issued_at: datetime = Field(sa_type=Instant)
    areas: dict[str, dict[str, list[dict[str, str]]]] = Field(sa_type=JSONB)
    """By level, `class10` and `class20`, and area: its kinds, each with `status` and, if it has one, `code`."""
    missing_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when the file no longer holds such a report: then the office's state is unknown."""


class StationDay(Table, table=True):
    """What a station observed on one Japanese date, added to with each map of observations."""

    __tablename__ = "weather_station_day"

    station: str = Field(primary_key=True)
    day_on: date = Field(primary_key=True, sa_type=Date)
    high_c: float | None = None
    low_c: float | None = None
    rain_mm: float | None = None
    """The sum of the hours in `rain_hours`."""
    snowed: bool | None = None
    """Null where nobody looks for snow."""
    hours: int = 0
    """Bit `n` is set once the hour from `n`:00 has been taken in."""
    rain_hours: int = 0


class CellHours(Table, table=True):
    """The second source's newest run for one cell of 0.05 degrees."""

    __tablename__ = "weather_cell_hours"

    cell: str = Field(primary_key=True)
    """`35.65,139.70`."""
    issued_at: datetime = Field(sa_type=Instant)
    """When the run of the model began."""
    fetched_at: datetime = Field(sa_type=Instant)
    is_commercial: bool
    body_id: UUID = Field(foreign_key="weather_feed_body.id")
    hours: dict[str, Any] = Field(sa_type=JSONB)
    """`from`, and lists by the hour from there: `rain_mm`, `apparent_c`, `wind_speed_ms`, … with null where empty."""
