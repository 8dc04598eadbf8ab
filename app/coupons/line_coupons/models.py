"""What stands at LINE of an offer, account by account."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from tenants.tables import BrandRow, Instant, refer


class LineCoupon(BrandRow, table=True):
    """LINE's coupon of an offer at one account: that it is wanted, and how far it is."""

    __table_args__ = refer(
        Index("ix_line_coupon_due", "brand_id", "due_at", postgresql_where="due_at IS NOT NULL"),
        coupon_id="coupon",
        line_account_id="line_account",
    )

    coupon_id: UUID = Field(primary_key=True)
    line_account_id: UUID = Field(primary_key=True)
    account_no: int
    status: str = "waiting"
    """`waiting` to be made, `created`, `failed`: refused by LINE and tried again, `closing`, `closed`."""
    line_coupon_id: str | None = None
    """LINE's own id of it."""
    detail: str | None = None
    """What LINE said when it was asked last and did not do it."""
    attempts: int = 0
    """How often LINE was asked for it. It may be there though no answer came."""
    first_tried_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE is to be asked, or asked again; null: there is nothing to do. Put off by whoever asks."""
