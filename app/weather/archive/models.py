"""What was forecast and observed, kept for good in a form that a year of it is read from in no time. Of no brand.

JMA publishes no past forecasts: what is not here is known to nobody any more.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import REAL, Date, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from tenants.tables import Instant, Table


class ArchivedForecast(Table, table=True):
    """What one issue said of a district (class10): rain by 6-hour block, weather by date; null is not stated."""

    district: str = Field(primary_key=True)
    issued_at: datetime = Field(primary_key=True, sa_type=Instant)
    known_at: datetime = Field(primary_key=True, sa_type=Instant)
    """When we had it; of an imported issue when it was issued, as nobody knows better."""
    first_block_at: datetime = Field(sa_type=Instant)
    rain: list[int | None] = Field(sa_type=ARRAY(SmallInteger))
    """Probability (%) of the 6-hour blocks from the first on."""
    first_on: date = Field(sa_type=Date)
    codes: list[str | None] = Field(sa_type=ARRAY(Text))
    """JMA's weather codes from the first date on."""
    texts: list[str | None] | None = Field(default=None, sa_type=ARRAY(Text))
    """The weather in JMA's words, which only our own bodies have: thunder is seldom in the codes."""


class ArchivedTemperature(Table, table=True):
    """What one issue said of a station's temperatures (°C), from the first date on; null is not stated."""

    station: str = Field(primary_key=True)
    issued_at: datetime = Field(primary_key=True, sa_type=Instant)
    known_at: datetime = Field(primary_key=True, sa_type=Instant)
    first_on: date = Field(sa_type=Date)
    highs: list[int | None] = Field(sa_type=ARRAY(SmallInteger))
    """Daytime maxima."""
    lows: list[int | None] = Field(sa_type=ARRAY(SmallInteger))
    """Morning minima; of the issue's own date there is none."""
    day_high: int | None = Field(default=None, sa_type=SmallInteger)
    """The full first day's maximum, where it is stated."""


class ArchivedObservation(Table, table=True):
    """What a station measured on a Japanese date: 24 values, the first at 01:00, the last at 24:00; null is missing."""

    station: str = Field(primary_key=True)
    observed_on: date = Field(primary_key=True, sa_type=Date)
    rain_mm: list[float | None] = Field(sa_type=ARRAY(REAL))
    """Rain of the hour that ends then."""
    temperatures_c: list[float | None] = Field(sa_type=ARRAY(REAL))
    """Temperature at that moment."""


class ArchivedIssue(Table, table=True):
    """A body of our own that is in the archive."""

    forecast_issue_id: UUID = Field(primary_key=True, foreign_key="forecast_issue.id")


class ArchivedMap(Table, table=True):
    """A map of observations of our own that is in the archive."""

    body_id: UUID = Field(primary_key=True, foreign_key="weather_feed_body.id")
