"""One person across accounts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer, utc_now


class Customer(BrandTable, table=True):
    """One person to the brand, with the summary that segments ask for.

    The detail tables are the truth; the arrays, counts and dates here are changed in the same transaction.
    """

    __table_args__ = refer(
        UniqueConstraint("brand_id", "external_id"),
        UniqueConstraint("brand_id", "member_number"),
        Index("ix_customer_brand_id_phone", "brand_id", "phone"),
        Index("ix_customer_brand_id_email", "brand_id", "email"),
        Index("ix_customer_brand_id_updated_at", "brand_id", "updated_at"),
        Index(
            "ix_customer_brand_id_merged_into_id",
            "brand_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        home_store_id="store",
    )

    updated_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    profile_updated_at: datetime | None = Field(default=None, sa_type=Instant)
    """When something changed that every one of her stores sees; null until it does. What she does at one store counts
    in `updated_at` and there, and no other store learns when."""
    written_by: dict[str, int] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=MASKED)
    """The number of the store that wrote a field last, by `name` or `attributes.size`; the brand wrote all others."""
    external_id: str | None = Field(default=None, sa_column_kwargs=MASKED)
    member_number: str | None = Field(default=None, sa_column_kwargs=MASKED)
    name: str | None = Field(default=None, sa_column_kwargs=MASKED)
    kana: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """How the name is read, in full-width katakana."""
    phone: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """E.164, such as +819012345678."""
    email: str | None = Field(default=None, sa_column_kwargs=MASKED)
    birthday_on: date | None = Field(default=None, sa_column_kwargs=MASKED)
    gender: str | None = Field(default=None, sa_column_kwargs=MASKED)
    postal_code: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """Seven digits."""
    address: str | None = Field(default=None, sa_column_kwargs=MASKED)
    municipality_code: str | None = Field(default=None, sa_column_kwargs=MASKED)
    """JIS X 0402 without the check digit, such as 13113; its first two digits are the prefecture."""
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, sa_column_kwargs=MASKED)
    home_store_id: UUID | None = None
    home_store_no: int | None = None
    """The home store as somebody stated it; `usual_store_no` stands in where nobody did."""
    usual_store_no: int | None = None
    """The store where she came and bought most often: found from `CustomerStore`, never stated."""
    tag_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """Stores she is tied to: friend of an account there, order, visit, home store."""
    account_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """Accounts that reach her: those she follows."""
    order_count: int = 0
    spend_yen: int = Field(default=0, sa_type=BigInteger)
    visit_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    last_order_at: datetime | None = Field(default=None, sa_type=Instant)
    last_visit_at: datetime | None = Field(default=None, sa_type=Instant)
    first_seen_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the brand met her first, where that was before her row was made; else null, and `created_at` tells."""
    merged_into_id: UUID | None = None
    """Who she turned out to be: her row waits, found by nobody, for the merge to be undone."""
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class Identity(BrandTable, table=True):
    """A customer's LINE user id in one provider, with the profile that LINE shows."""

    __table_args__ = refer(
        Index(
            "uq_identity_brand_id_provider_id_line_user_id",
            "brand_id",
            "provider_id",
            "line_user_id",
            "account_no",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_identity_brand_id_customer_id", "brand_id", "customer_id"),
        customer_id="customer",
    )

    customer_id: UUID
    provider_id: str = Field(sa_column_kwargs=SHOWN)
    line_user_id: str = Field(sa_column_kwargs=MASKED)
    account_no: int | None = None
    """The one account at which the id stands for her, where the brand had no basis for joining when they met; null: at
    every account of the provider."""
    display_name: str | None = Field(default=None, sa_column_kwargs=MASKED)
    picture_url: str | None = Field(default=None, sa_column_kwargs=MASKED)
    language: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    profile_at: datetime | None = Field(default=None, sa_type=Instant)


class Friend(BrandTable, table=True):
    """An identity's tie to one account. `status` is following, blocked or unknown."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "line_account_id", "identity_id"),
        Index("ix_friend_brand_id_customer_id", "brand_id", "customer_id"),
        Index("ix_friend_brand_id_account_no", "brand_id", "account_no"),
        line_account_id="line_account",
        identity_id="identity",
        customer_id="customer",
    )

    line_account_id: UUID
    account_no: int
    identity_id: UUID
    customer_id: UUID
    store_nos: list[int] = Field(default_factory=list, sa_type=ARRAY(Integer))
    """The account's stores, repeated for the stores' wall."""
    status: str = Field(sa_column_kwargs=SHOWN)
    source: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    qr_code_id: UUID | None = None
    """The QR code by which she first added the account, where that is known. Never written over."""
    followed_at: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    """LINE's time of the newest event that set the status; older events do not move it back."""
    asked_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE was last asked for her profile by this account."""
    missing_at: datetime | None = Field(default=None, sa_type=Instant)
    """When LINE first answered that it does not know her there, while it still does."""


class CustomerStore(BrandRow, table=True):
    """What one customer did at one store; the row exists for every tie between them."""

    __table_args__ = refer(
        Index("ix_customer_store_brand_id_store_no", "brand_id", "store_no", "customer_id"),
        customer_id="customer",
        store_id="store",
    )

    customer_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    store_no: int
    order_count: int = 0
    visit_count: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    spend_yen: int = Field(default=0, sa_type=BigInteger)
    last_order_at: datetime | None = Field(default=None, sa_type=Instant)
    last_visit_at: datetime | None = Field(default=None, sa_type=Instant)
    updated_at: datetime | None = Field(default=None, sa_type=Instant)
    """When she was tied to the store, or did something there last."""


class Tag(BrandTable, table=True):
    """A label for customers, of the brand (`store_no` null) or of one store."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "no"),
        # What is archived gives its name free.
        Index(
            "uq_tag_brand_id_store_no_name",
            "brand_id",
            "store_no",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
        store_id="store",
    )

    no: int
    name: str
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class CustomerTag(BrandRow, table=True):
    """A tag on a customer: the truth behind `Customer.tag_nos`."""

    __table_args__ = refer(
        Index("ix_customer_tag_expiring", "brand_id", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        customer_id="customer",
        tag_id="tag",
    )

    customer_id: UUID = Field(primary_key=True)
    tag_id: UUID = Field(primary_key=True)
    tag_no: int
    store_no: int | None = None
    source: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    tagged_at: datetime = Field(default_factory=utc_now, sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
