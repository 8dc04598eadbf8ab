"""Saved rules about customers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer


class Segment(BrandTable, table=True):
    """A saved rule, of head office (`store_no` null) or of one store."""

    __table_args__ = refer(store_id="store")

    name: str
    rule: dict[str, Any] = Field(sa_type=JSONB)
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
