"""Areas and forecasts, which belong to no brand; rules and their decisions, which do."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.ids import uuid7
from tenants.tables import BrandTable, Instant, Table, refer, utc_now


class WeatherArea(Table, table=True):
    """One area of JMA's tables. A code means something only together with its level."""

    level: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    name: str
    parent: str | None = None
    stations: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Of a class10: the stations whose temperatures its forecast gives, the main one first."""
    synced_at: datetime = Field(sa_type=Instant)


class WeatherStation(Table, table=True):
    """A station whose temperature is forecast, and where it stands."""

    code: str = Field(primary_key=True)
    name: str
    latitude: float
    longitude: float


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
    audience: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    priority: int = 0
    cooldown_days: int = 0
    max_age_minutes: int | None = None
    holdout_ratio: float = 0.0
    budget_yen: int | None = Field(default=None, sa_type=BigInteger)
    blackout_on: list[date] = Field(default_factory=list, sa_type=ARRAY(Date))
    decided_until: datetime = Field(default_factory=utc_now, sa_type=Instant)
    """The latest of its decide times that the schedule has worked off, or when it was last made live."""
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class WeatherDecision(BrandTable, table=True):
    """What a rule concluded for one store at one moment, and the readings it used; written for "no" as well."""

    __table_args__ = refer(
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
        weather_rule_id="weather_rule",
        store_id="store",
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
