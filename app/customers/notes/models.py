"""Notes about customers."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandTable, Instant, refer


class CustomerNote(BrandTable, table=True):
    """What head office (`store_no` null) or a store wrote down about a customer."""

    __table_args__ = refer(
        Index("ix_customer_note_brand_id_customer_id", "brand_id", "customer_id"),
        customer_id="customer",
        store_id="store",
    )

    customer_id: UUID
    store_id: UUID | None = None
    store_no: int | None = None
    text: str = Field(sa_column_kwargs=MASKED)
    author: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    updated_at: datetime = Field(sa_type=Instant)
