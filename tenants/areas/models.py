"""Districts of stores that are marketed together."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class Area(BrandTable, table=True):
    """Stores marketed together; areas form a tree."""

    __table_args__ = refer(parent_id="area")

    name: str
    parent_id: UUID | None = None
    trade_zone: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class AreaStore(BrandRow, table=True):
    """A store's membership of an area."""

    __table_args__ = refer(area_id="area", store_id="store")

    area_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int
