"""Outside ids, merges and their undoing, conflicts that wait for somebody, and links under way."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer, utc_now


class ExternalId(BrandRow, table=True):
    """What another system, such as a till's or a shop's, calls a customer."""

    __table_args__ = refer(
        Index("ix_external_id_brand_id_customer_id", "brand_id", "customer_id"),
        Index("ix_external_id_brand_id_value", "brand_id", "value"),
        customer_id="customer",
    )

    system: str = Field(primary_key=True, sa_column_kwargs=SHOWN)
    value: str = Field(primary_key=True, sa_column_kwargs=MASKED)
    created_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    customer_id: UUID


class CustomerMerge(BrandTable, table=True):
    """Two customers who are one person: on what proof, and all that is needed to take them apart again."""

    __table_args__ = refer(
        Index("ix_customer_merge_brand_id_from_customer_id", "brand_id", "from_customer_id"),
        Index("ix_customer_merge_brand_id_into_customer_id", "brand_id", "into_customer_id"),
        from_customer_id="customer",
        into_customer_id="customer",
    )

    from_customer_id: UUID
    into_customer_id: UUID
    source: str = Field(sa_column_kwargs=SHOWN)
    proof: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=MASKED)
    merged_by: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """Both rows and what was summed up of them, as they stood."""
    moved: dict[str, Any] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=MASKED)
    """The keys of the rows that changed hands, by table."""
    undone_at: datetime | None = Field(default=None, sa_type=Instant)
    undone_by: str | None = Field(default=None, sa_column_kwargs=SHOWN)


class CustomerConflict(BrandTable, table=True):
    """Keys that name two people: for somebody to decide, never for us to guess."""

    __table_args__ = (
        Index(
            "uq_customer_conflict_open",
            "brand_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )

    customer_ids: list[UUID] = Field(sa_type=ARRAY(Uuid))
    """Sorted."""
    keys: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs=SHOWN)
    """The names of the keys that disagree, sorted; never their values."""
    fingerprint: str = Field(sa_column_kwargs=SHOWN)
    """A digest of both, by which an open conflict is known again."""
    source: str = Field(sa_column_kwargs=SHOWN)
    seen_at: datetime = Field(sa_type=Instant)
    seen_count: int = 1
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    resolution: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """`merged`, `dismissed` or `gone`."""


class AccountLink(BrandTable, table=True):
    """A nonce that will tell which customer has linked her LINE account; LINE's flow of that name."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "nonce_digest"), customer_id="customer", line_account_id="line_account"
    )

    nonce_digest: bytes
    customer_id: UUID
    line_account_id: UUID
    expires_at: datetime = Field(sa_type=Instant)
    consented_at: datetime | None = Field(default=None, sa_type=Instant)
    """When she agreed to be known as one person over accounts, where the brand's own page asked her."""
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    failed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE told that somebody else had opened the link, which spoils it."""
