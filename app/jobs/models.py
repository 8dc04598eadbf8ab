"""Lanes: ids of work, without any wall."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field

from tenants.tables import Instant, Table


class Lane(Table, table=True):
    """Work of one kind waiting for one account or brand. It holds ids only, so it needs no row-level security."""

    kind: str = Field(primary_key=True)
    brand_id: UUID = Field(primary_key=True)
    key: UUID = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Instant)
    touched: int = Field(default=0, sa_type=BigInteger)
    """Counts the calls that brought work, so that a worker does not put to sleep a lane touched meanwhile."""
    leased_until: datetime | None = Field(default=None, sa_type=Instant)
    leased_by: str | None = None
    served_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was claimed last."""
