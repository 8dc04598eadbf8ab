"""The programme, the ledger of points, and what it comes to for each member."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class PointProgramme(BrandTable, table=True):
    """The rules by which the brand gives points, from `starts_at` until the next row's. Rows are never changed.

    So what an order earns does not change with the rules of a later day, however often it is sent again.
    """

    __table_args__ = (UniqueConstraint("brand_id", "starts_at"),)

    starts_at: datetime = Field(sa_type=Instant)
    rules: dict[str, Any] = Field(sa_type=JSONB)


class PointEntry(BrandTable, table=True):
    """One line of the ledger. It is never changed, but for whose it is (a merge) and its words (an erasure)."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "kind", "origin", "source_ref"),
        Index("ix_point_entry_brand_id_customer_id", "brand_id", "customer_id", "id"),
        Index("ix_point_entry_brand_id_order_id", "brand_id", "order_id", postgresql_where="order_id IS NOT NULL"),
        Index("ix_point_entry_brand_id_visit_id", "brand_id", "visit_id", postgresql_where="visit_id IS NOT NULL"),
        Index(
            "ix_point_entry_brand_id_store_no", "brand_id", "store_no", "id", postgresql_where="store_no IS NOT NULL"
        ),
        customer_id="customer",
        store_id="store",
        order_id="order",
        visit_id="visit",
    )

    customer_id: UUID
    kind: str = Field(sa_column_kwargs=SHOWN)
    """`earn`, `spend`, `expire`, `adjust`, `refund` (of an earning) or `return` (of a spending)."""
    origin: str = Field(sa_column_kwargs=SHOWN)
    """What wrote it: `api`, `order`, `visit`, `action`, `stamps`, `referral` or `expiry`."""
    delta: int = Field(sa_type=BigInteger)
    reason: str | None = Field(default=None, sa_column_kwargs=MASKED)
    source_ref: str = Field(sa_column_kwargs=SHOWN)
    """What it is for: the same source counts once for each kind and origin."""
    store_id: UUID | None = None
    store_no: int | None = None
    payer: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """Who pays for points that are given, and is paid back what is taken back of them: `brand` or `store`."""
    lot_id: UUID | None = None
    """The points with which these expire, by the id of the entry that gave them first; what an order earns her later
    joins them. A refund and an expiry name the lot that they lessen; a spending names none."""
    order_id: UUID | None = None
    visit_id: UUID | None = None
    undoes_id: UUID | None = None
    """The entry that a caller's refund or return undoes."""
    occurred_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class LoyaltyMember(BrandRow, table=True):
    """What the ledger comes to for one customer. Whoever adds an entry adds up anew under the lock of her own row."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "referral_code"),
        Index("ix_loyalty_member_due", "brand_id", "due_at", postgresql_where="due_at IS NOT NULL"),
        customer_id="customer",
    )

    customer_id: UUID = Field(primary_key=True)
    points: int = Field(default=0, sa_type=BigInteger)
    """The sum of her entries; below zero it is a debt."""
    rank: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """The key of her rank; null where the programme has none for her."""
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When to look at her again, since points of hers expire."""
    referral_code: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """The code by which she brings others."""
    updated_at: datetime = Field(sa_type=Instant)
