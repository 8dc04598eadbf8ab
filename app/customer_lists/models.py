"""Lists of customers that somebody made by hand, or from whom a run did not reach."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from tenants.tables import BrandRow, BrandTable, Instant, refer


class CustomerList(BrandTable, table=True):
    """People chosen one by one. `store_no` is null for head office's."""

    __table_args__ = refer(store_id="store")

    name: str
    description: str | None = None
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class CustomerListMember(BrandRow, table=True):
    """One person on a list."""

    __table_args__ = refer(
        Index("ix_customer_list_member_brand_id_customer_id", "brand_id", "customer_id"),
        list_id="customer_list",
        customer_id="customer",
    )

    list_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    store_no: int | None = None
    """The list's store."""
    added_at: datetime = Field(sa_type=Instant)
