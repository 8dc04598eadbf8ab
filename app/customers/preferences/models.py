"""What a person has set for herself, beside her consents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import SHOWN, BrandRow, Instant, refer


class CustomerPreference(BrandRow, table=True):
    """How she wants to be written to. Only who has set something has a row.

    A merge leaves rows with the customers of whom they were set; readers ask for her and those merged into her, and the
    stricter holds.
    """

    __table_args__ = refer(customer_id="customer")

    customer_id: UUID = Field(primary_key=True)
    paused_until: datetime | None = Field(default=None, sa_type=Instant)
    """Until then nothing is sent to her but answers."""
    muted_store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """Stores from which she wants to hear nothing."""
    hours: dict[str, str] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=SHOWN)
    """`{"from", "to"}`: only within these hours of the brand's day, which may pass midnight; null: at any hour."""
    updated_at: datetime = Field(sa_type=Instant)
