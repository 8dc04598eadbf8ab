"""One message, perhaps a coupon, to one audience."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer


class Campaign(BrandTable, table=True):
    """The intent to send; a run is one sending of it. `store_no` is null for head office's."""

    __table_args__ = refer(store_id="store", coupon_id="coupon")

    name: str
    status: str = "draft"
    audience: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    coupon_id: UUID | None = None
    sender_policy: str | None = None
    holdout_ratio: float = 0.0
    quota_policy: str = "trim"
    valid_until: datetime | None = Field(default=None, sa_type=Instant)
    store_id: UUID | None = None
    store_no: int | None = None
    launched_at: datetime | None = Field(default=None, sa_type=Instant)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
