"""The brand's shops."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant


class Store(BrandTable, table=True):
    """One shop. `no` is its small number inside the brand, as arrays on the customer's row carry it."""

    __table_args__ = (
        UniqueConstraint("brand_id", "no"),
        Index("uq_store_brand_id_code", "brand_id", "code", unique=True, postgresql_where=text("archived_at IS NULL")),
        Index("ix_store_quiet_hours", "brand_id", "no", postgresql_where=text("jsonb_typeof(quiet_hours) = 'object'")),
    )

    no: int
    code: str
    name: str
    address: str | None = None
    postal_code: str | None = None
    municipality_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    opening_hours: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    quiet_hours: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """Its own, beside the brand's; `{"from", "to"}`."""
    values: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """What stands behind `{{ store.values.… }}` in messages, by name."""
    weather_area: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """Where JMA's forecast for this shop is found: `{"class20", "class10", "office", "source"}`, codes as text."""
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
