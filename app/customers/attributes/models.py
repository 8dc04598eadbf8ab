"""Attributes that a brand declares."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from tenants.tables import BrandTable, Instant


class CustomerAttribute(BrandTable, table=True):
    """A field of the brand's own, by its name in `Customer.attributes`, with the type its values must have."""

    __table_args__ = (
        Index(
            "uq_customer_attribute_brand_id_name",
            "brand_id",
            "name",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
    )

    name: str
    label: str | None = None
    type: str
    """`text`, `number`, `boolean`, `date` or `choice`."""
    choices: list[str] | None = Field(default=None, sa_type=JSONB)
    archived_at: datetime | None = Field(default=None, sa_type=Instant)
