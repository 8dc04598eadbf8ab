"""What is answered to what people write or tap, by reply token."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant, refer


class AutoReply(BrandTable, table=True):
    """Words that answer certain words or taps, perhaps with a coupon, perhaps only while a weather rule holds."""

    __table_args__ = refer(coupon_id="coupon", weather_rule_id="weather_rule")

    name: str
    status: str = "live"
    """`live` or `paused`."""
    trigger: dict[str, Any] = Field(sa_type=JSONB)
    """`{"keywords", "match", "postbacks"}`."""
    line_account_ids: list[UUID] | None = Field(default=None, sa_type=ARRAY(Uuid))
    """The accounts at which it answers; null means all of the brand's."""
    hours: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """When it answers, by the clock of the brand; `{"from", "to"}`."""
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    otherwise_messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What is said where there is no coupon for her, or the weather rule does not hold."""
    coupon_id: UUID | None = None
    weather_rule_id: UUID | None = None
    priority: int = 0
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
