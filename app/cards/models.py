"""The member card: a number that stands for one person at every till of the brand."""

from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from tenants.tables import MASKED, BrandTable, refer


class MemberCard(BrandTable, table=True):
    """One person's card. It stays with the customer for whom it was made; readers follow a merge to who she is now."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "number"),
        UniqueConstraint("brand_id", "customer_id"),
        customer_id="customer",
    )

    customer_id: UUID
    number: str = Field(sa_column_kwargs=MASKED)
    """13 digits that read as JAN-13: 29, ten at random, a check digit."""
