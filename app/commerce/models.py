"""What customers bought, and when they came."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandTable, Instant, refer


class Order(BrandTable, table=True):
    """A sale at a store or online, known by the partner's own id."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "external_id"),
        Index("ix_order_brand_id_customer_id", "brand_id", "customer_id", "ordered_at"),
        customer_id="customer",
        store_id="store",
    )

    external_id: str = Field(sa_column_kwargs=SHOWN)
    customer_id: UUID | None = None
    store_id: UUID
    store_no: int
    amount_yen: int = Field(sa_type=BigInteger)
    """What was paid; refunds do not change it."""
    refunded_yen: int = Field(default=0, sa_type=BigInteger)
    """What of it was given back, the sum of its refunds."""
    ordered_at: datetime = Field(sa_type=Instant)


class OrderRefund(BrandTable, table=True):
    """Money of an order that was given back, known by the partner's own id among the refunds of this order."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "order_id", "external_id"),
        order_id="order",
    )

    order_id: UUID
    store_no: int
    """The order's store."""
    external_id: str = Field(sa_column_kwargs=SHOWN)
    amount_yen: int = Field(sa_type=BigInteger)
    refunded_at: datetime = Field(sa_type=Instant)
    reason: str | None = Field(default=None, sa_column_kwargs=MASKED)
    lines: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=SHOWN)
    """What was given back, as it was told."""
    reversed_redemptions: list[str] = Field(default_factory=list, sa_type=JSONB, sa_column_kwargs=SHOWN)
    """The ids of the uses of coupons that it undid, as texts."""


class Visit(BrandTable, table=True):
    """That somebody came to a store, known by the partner's own id."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "external_id"),
        Index("ix_visit_brand_id_customer_id", "brand_id", "customer_id", "visited_at"),
        Index("ix_visit_brand_id_store_no", "brand_id", "store_no", "id"),
        customer_id="customer",
        store_id="store",
    )

    external_id: str = Field(sa_column_kwargs=SHOWN)
    customer_id: UUID | None = None
    store_id: UUID
    store_no: int
    visited_at: datetime = Field(sa_type=Instant)
