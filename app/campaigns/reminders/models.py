"""The reminder of a coupon, and which copies were reminded of."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandRow, Instant, refer


class CouponReminder(BrandRow, table=True):
    """What is said to those who still hold a coupon before their copies end. `store_no` is the coupon's."""

    __table_args__ = refer(Index("ix_coupon_reminder_due", "brand_id", "due_at"), coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    hours_before: int
    send_at: str
    """The time of day at which it goes, `11:00` of the brand's clock."""
    messages: list[dict[str, Any]] = Field(sa_type=JSONB)
    sender_policy: str | None = None
    holdout_ratio: float = 0.0
    tracking: str = "campaign"
    store_no: int | None = None
    due_at: datetime = Field(sa_type=Instant)
    """When it is asked next who is to be reminded."""
    reminded_on: date | None = None
    """The last day on which it was sent: a day has one run of it."""
    run_id: UUID | None = None
    """That run."""


class CouponReminded(BrandRow, table=True):
    """A copy that a run reminds of, so that no other does.

    A table of its own: a mark on the copy would keep a till waiting that redeems it meanwhile. It has no foreign keys,
    as deliveries have none: a hundred thousand rows are written at once.
    """

    __table_args__ = (Index("ix_coupon_reminded_brand_id_run_id", "brand_id", "run_id"),)

    issued_coupon_id: UUID = Field(primary_key=True)
    run_id: UUID
