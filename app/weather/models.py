"""Areas and forecasts, which belong to no brand; rules and their decisions, which do."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandRow, BrandTable, Instant, Table, refer, utc_now


class WeatherArea(Table, table=True):
    """One area of JMA's tables. A code means something only together with its level."""

    level: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    name: str
    parent: str | None = None
    stations: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Of a class10: the stations whose temperatures its forecast gives, the main one first. Of a class20: the observing
    stations near it, as JMA lists them."""
    synced_at: datetime = Field(sa_type=Instant)


class WeatherStation(Table, table=True):
    """A station that observes, and where it stands."""

    code: str = Field(primary_key=True)
    name: str
    latitude: float
    longitude: float
    elements: str = ""
    """Eight digits, of which one that is not 0 says that it measures temperature, rain, wind direction, wind speed,
    sun, snow, humidity, pressure; empty where that is not known."""
    is_forecast: bool = True
    """Whether its temperature is forecast."""
    predecessor: str | None = None
    """The station that stood here before it was rebuilt under a new number."""


class ForecastIssue(Table, table=True):
    """One body as it was fetched, kept for good: nobody else keeps past forecasts."""

    __table_args__ = (UniqueConstraint("office", "content_hash"),)

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    office: str
    content_hash: bytes
    issued_at: datetime | None = Field(default=None, sa_type=Instant)
    fetched_at: datetime = Field(sa_type=Instant)
    last_modified: str | None = None
    parse_status: str
    """`ok` or `malformed`."""
    detail: str | None = None
    """Why it is malformed; or the values that were dropped or read by a fallback."""
    raw: bytes
    """The body under gzip; of a malformed one the beginning."""


class ForecastOffice(Table, table=True):
    """What is known of one office's file: the newest body, and how the last fetch went."""

    office: str = Field(primary_key=True)
    issue_id: UUID | None = Field(default=None, foreign_key="forecast_issue.id")
    etag: str | None = None
    last_modified: str | None = None
    checked_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the file was last seen, whether it had changed or not."""
    tried_at: datetime = Field(sa_type=Instant)
    problem: str | None = None
    """Why the last fetch failed; null once one has succeeded."""


class WeatherRule(BrandTable, table=True):
    """A condition on readings, for stores, and what goes out when it holds. `store_no` is null for head office's."""

    __table_args__ = refer(store_id="store", coupon_id="coupon")

    name: str
    status: str = "draft"
    """`draft`, `live` or `paused`."""
    condition: dict[str, Any] = Field(sa_type=JSONB)
    off_condition: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    window: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    decide_times: list[str] = Field(sa_type=JSONB)
    all_stores: bool = False
    store_ids: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid))
    area_ids: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid))
    coupon_id: UUID | None = None
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    fallback_messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What those get for whom no copy of the coupon is left; None: they get nothing."""
    audience: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    priority: int = 0
    cooldown_days: int = 0
    max_age_minutes: int | None = None
    holdout_ratio: float = 0.0
    budget_yen: int | None = Field(default=None, sa_type=BigInteger)
    blackout_on: list[date] = Field(default_factory=list, sa_type=ARRAY(Date))
    approval: str = Field(default="none", sa_column_kwargs={"server_default": "none"})
    """`none`; or `before_send`: somebody looks at each day's firings before they go out."""
    late_until: str | None = None
    """The clock time until which a corrected forecast may still make it fire after its decide times."""
    season_confirmed_on: date | None = None
    """The date until which the operator vouches that the first of this season has not come."""
    decided_until: datetime = Field(default_factory=utc_now, sa_type=Instant)
    """The latest of its decide times that the schedule has worked off, or when it was last made live."""
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the schedule last let it decide."""
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class WeatherDecision(BrandTable, table=True):
    """What a rule concluded for one store at one moment, and the readings it used; written for "no" as well.

    Rule and store are named without a reference: they are never deleted, and a tick writes thousands.
    """

    __table_args__ = (
        Index("ix_weather_decision_brand_id_weather_rule_id", "brand_id", "weather_rule_id", "store_no", "business_on"),
        Index("ix_weather_decision_brand_id_store_no", "brand_id", "store_no", "business_on"),
        Index(
            "uq_weather_decision_fired",
            "brand_id",
            "weather_rule_id",
            "store_no",
            "business_on",
            unique=True,
            postgresql_where="fired",
        ),
    )

    weather_rule_id: UUID
    store_id: UUID
    store_no: int
    business_on: date
    decided_at: datetime = Field(sa_type=Instant)
    fired: bool
    reason: str
    detail: str
    state_on: bool
    """Whether the rule is on, from which its next decision of the day starts."""
    readings: list[dict[str, Any]] = Field(sa_type=JSONB)
    forecast_issue_id: UUID | None = None
    """The body that the readings come from; kept without a foreign key, as reference data is not sharded."""
    clock_shift_seconds: int = 0
    """How far the clock of a rehearsed tick was from the real one."""
    run_id: UUID | None = None
    """The run that it caused, once the worker has started it."""
    outcome: str | None = None
    """What became of a firing: `cancelled` before it was sent, or `false_alarm` where the forecast flipped after."""


class WeatherFirst(BrandRow, table=True):
    """The business day on which a rule fired for the first time of a season in a district; it does so no other day."""

    __table_args__ = refer(weather_rule_id="weather_rule")

    weather_rule_id: UUID = Field(primary_key=True)
    class10: str = Field(primary_key=True)
    season: str = Field(primary_key=True)
    """What is counted and since when, such as `weather snow 2026-08-01`."""
    first_on: date


class PollenSpell(BrandTable, table=True):
    """How much pollen flies in an area, or in all of the brand's, on some dates: as the operator has set it."""

    __table_args__ = refer(area_id="area")

    area_id: UUID | None = None
    from_on: date
    to_on: date
    """The last day of it."""
    level: str
