"""What is left of an erasure."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import SHOWN, BrandTable, Instant


class ErasureReceipt(BrandTable, table=True):
    """That a person's data was made to go: when, why, and how much of it; nothing of hers."""

    __table_args__ = (Index("ix_erasure_receipt_brand_id_customer_id", "brand_id", "customer_id"),)

    customer_id: UUID
    reason: str = Field(sa_column_kwargs=SHOWN)
    """`asked`, `retention` or `line`."""
    asked_by: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    erased_at: datetime = Field(sa_type=Instant)
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=SHOWN)
    """How many rows were emptied or deleted, by table."""
