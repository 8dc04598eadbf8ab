"""What customers bought, and when they came."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from tenants.tables import SHOWN, BrandTable, Instant, refer


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
    ordered_at: datetime = Field(sa_type=Instant)


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
