"""Saved rules about customers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class Segment(BrandTable, table=True):
    """A saved rule, of head office (`store_no` null) or of one store."""

    __table_args__ = refer(store_id="store")

    name: str
    rule: dict[str, Any] = Field(sa_type=JSONB)
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class SegmentCount(BrandRow, table=True):
    """How many a saved segment chose on one day, for a line over time. `store_no` is the segment's owner's."""

    __table_args__ = refer(segment_id="segment")

    segment_id: UUID = Field(primary_key=True)
    counted_on: date = Field(primary_key=True)
    counted_at: datetime = Field(sa_type=Instant)
    store_no: int | None = None
    customers: int
    reachable: int
    by_account_no: dict[str, int] = Field(default_factory=dict, sa_type=JSONB)
    by_store_no: dict[str, int] = Field(default_factory=dict, sa_type=JSONB)
