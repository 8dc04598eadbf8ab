"""Names under which LINE counts, and what it counted."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, Instant, refer, utc_now


class InsightUnit(BrandRow, table=True):
    """One name at one account: what a run, or one of its variants, is counted under. LINE calls it a unit."""

    __table_args__ = refer(
        Index("ix_insight_unit_brand_id_run_id", "brand_id", "run_id"),
        Index("ix_insight_unit_brand_id_created_at", "brand_id", "created_at"),
        run_id="run",
        line_account_id="line_account",
    )

    line_account_id: UUID = Field(primary_key=True)
    name: str = Field(primary_key=True)
    run_id: UUID
    variant: int | None = Field(default=None, sa_type=SmallInteger)
    month_on: date
    """In which month of Japan it counts towards the thousand names that LINE allows."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    asked_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE told `figures`."""
    figures: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """As LINE tells them; null within them is what it hides."""
