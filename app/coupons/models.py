"""The offer, the copy in one customer's hands, and its use."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from tenants.tables import MASKED, SHOWN, BrandRow, BrandTable, Instant, refer


class Coupon(BrandTable, table=True):
    """The offer: what it gives, where, how often and how long. `store_no` is null for head office's."""

    __table_args__ = refer(Index("ix_coupon_id", "id"), store_id="store")

    name: str
    benefit: dict[str, Any] = Field(sa_type=JSONB)
    validity: dict[str, Any] = Field(sa_type=JSONB)
    limits: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    redeemable_store_nos: list[int] | None = Field(default=None, sa_type=ARRAY(Integer))
    """Stores where it is redeemed, flattened from stores and areas; null means every store of the brand."""
    area_ids: list[str] | None = Field(default=None, sa_type=JSONB)
    """The areas that were asked for, as TypeIDs, so that the answer repeats the request."""
    min_spend_yen: int = Field(default=0, sa_type=BigInteger)
    funding: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    combinable: bool = False
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class CouponTally(BrandRow, table=True):
    """How many copies of a coupon there are. Whoever issues locks this row, so that caps on copies are exact."""

    __table_args__ = refer(coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    issued: int = 0
    """Copies in customers' hands, used ones included, void ones not."""


class CouponBudget(BrandRow, table=True):
    """What a coupon has cost. Whoever redeems locks this row, so that caps on use are exact.

    It is a table of its own, since a run that issues a hundred thousand copies holds the tally for seconds, and no
    till shall wait for that.
    """

    __table_args__ = refer(coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    redeemed: int = 0
    """Redemptions that stand, not reversed."""
    discount_yen: int = Field(default=0, sa_type=BigInteger)


class IssuedCoupon(BrandTable, table=True):
    """One copy of a coupon in one customer's hands, redeemed at most once."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "code"),
        UniqueConstraint("brand_id", "coupon_id", "customer_id", "source"),
        Index("ix_issued_coupon_brand_id_customer_id", "brand_id", "customer_id"),
        Index("ix_issued_coupon_brand_id_run_id", "brand_id", "run_id", postgresql_where="run_id IS NOT NULL"),
        coupon_id="coupon",
        customer_id="customer",
    )

    coupon_id: UUID
    customer_id: UUID
    code: str = Field(sa_column_kwargs=MASKED)
    source: str = Field(sa_column_kwargs=SHOWN)
    """What caused it, such as `run:<uuid>` or `api:…`: the same source issues once to the same customer."""
    store_no: int | None = None
    """The store that issued it, where there is one."""
    account_no: int | None = None
    campaign_id: UUID | None = None
    weather_rule_id: UUID | None = None
    run_id: UUID | None = None
    status: str = Field(default="issued", sa_column_kwargs=SHOWN)
    """`issued`, `redeemed` or `void`; that it has expired is what the clock says, and is not stored."""
    starts_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)


class Redemption(BrandTable, table=True):
    """One use of an issued coupon at a store; a reversal is written on it and frees the code."""

    __table_args__ = refer(
        Index(
            "uq_redemption_standing",
            "brand_id",
            "issued_coupon_id",
            unique=True,
            postgresql_where="reversed_at IS NULL",
        ),
        Index("ix_redemption_brand_id_coupon_id", "brand_id", "coupon_id", "store_no", "business_on"),
        Index("ix_redemption_brand_id_store_no", "brand_id", "store_no", "id"),
        Index("ix_redemption_brand_id_customer_id", "brand_id", "customer_id"),
        issued_coupon_id="issued_coupon",
        coupon_id="coupon",
        customer_id="customer",
        store_id="store",
    )

    issued_coupon_id: UUID
    coupon_id: UUID
    customer_id: UUID
    store_id: UUID
    store_no: int
    amount_yen: int | None = Field(default=None, sa_type=BigInteger)
    discount_yen: int = Field(sa_type=BigInteger)
    order_ref: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    redeemed_at: datetime = Field(sa_type=Instant)
    business_on: date = Field(sa_column_kwargs=SHOWN)
    """The store's business day, by which its daily limit counts."""
    reversed_at: datetime | None = Field(default=None, sa_type=Instant)
    reverse_reason: str | None = Field(default=None, sa_column_kwargs=MASKED)
    device_id: UUID | None = None
    """The till that it was used at, where it was one of ours."""
