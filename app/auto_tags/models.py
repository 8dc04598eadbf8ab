"""Rules that tag."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer


class AutoTag(BrandTable, table=True):
    """A rule that tags customers: on an event, or those whom a segment's rule chooses. `store_no` as of its tag."""

    __table_args__ = refer(tag_id="tag", store_id="store")

    name: str
    tag_id: UUID
    trigger: dict[str, Any] = Field(sa_type=JSONB)
    expires_after_days: int | None = None
    status: str = "live"
    """`live` or `paused`."""
    store_id: UUID | None = None
    store_no: int | None = None
    ran_at: datetime | None = Field(default=None, sa_type=Instant)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
