"""The ledger of consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from tenants.tables import SHOWN, BrandTable, Instant, refer


class Consent(BrandTable, table=True):
    """One entry: she allowed or withdrew a purpose by a channel. Entries are never changed, and stay when she goes.

    A merge leaves entries with the customer of whom they were recorded; readers ask for her and those merged into her.
    """

    __table_args__ = refer(
        Index("ix_consent_brand_id_customer_id", "brand_id", "customer_id"),
        Index("ix_consent_withdrawn", "brand_id", "purpose", "channel", postgresql_where=text("NOT is_granted")),
        customer_id="customer",
    )

    customer_id: UUID
    purpose: str = Field(sa_column_kwargs=SHOWN)
    channel: str = Field(sa_column_kwargs=SHOWN)
    is_granted: bool
    at_store_no: int | None = None
    """The store at which it was said, if at one."""
    source: str = Field(sa_column_kwargs=SHOWN)
    wording: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """The text, or the version of it, that she agreed to."""
    occurred_at: datetime = Field(sa_type=Instant)
    recorded_by: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    merge_id: UUID | None = None
    """The merge that made this entry, since the stricter wins; it counts no more once that is undone."""
