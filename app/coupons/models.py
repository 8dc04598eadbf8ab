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
    combinable_with: list[str] | None = Field(default=None, sa_type=JSONB)
    """Names of sets: it combines with coupons that name one of the same, also where it is not `combinable`."""
    priority: int = 0
    """Coupons with a higher one are shown and proposed first."""
    usable_times: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The times of the day and the week at which copies are used, as `CouponTimes` has them; null: at any."""
    is_template: bool = False
    """Whether it is only there to be copied: no copy of a template is ever issued."""
    occasion: str | None = None
    """`welcome` or `birthday`: what makes us give a copy unasked."""
    welcome_messages: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    """What who gets it as a welcome is answered with, instead of her account's greeting."""
    line_coupon: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether LINE's own coupon of it stands at each account that it is sent from."""
    store_id: UUID | None = None
    store_no: int | None = None
    archived_at: datetime | None = Field(default=None, sa_type=Instant)


class CouponTally(BrandRow, table=True):
    """How many copies of a coupon there are. Whoever issues locks this row, so that caps on copies are exact."""

    __table_args__ = refer(coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    issued: int = 0
    """Copies in customers' hands, used ones included, void ones not."""
    counted_on: date | None = None
    """The day of the brand's calendar that `issued_that_day` is of."""
    issued_that_day: int = 0
    reserved_yen: int = Field(default=0, sa_type=BigInteger)
    """What is set aside for copies, the sum of theirs."""
    counts_stores: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether copies are counted by store too, in `CouponStoreTally`; once they are, they always are."""


class CouponStoreTally(BrandRow, table=True):
    """How many copies of a coupon came from one store, void ones not; written under the lock of the coupon's tally."""

    __table_args__ = refer(coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    store_no: int = Field(primary_key=True)
    issued: int


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
    is_counted: bool = False
    """Whether uses are counted by store and by day too, in `CouponCounter`; once they are, they always are."""


class CouponCounter(BrandRow, table=True):
    """How often a coupon was used at one store or on one day, and what that cost; reversed uses do not count.

    It is written under the lock of the coupon's budget, and only for coupons with a cap that asks for it.
    """

    __table_args__ = refer(coupon_id="coupon")

    coupon_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    """`store` or `day`."""
    key: int = Field(primary_key=True)
    """The store's number, or the business day as 20261121."""
    redeemed: int
    discount_yen: int = Field(sa_type=BigInteger)


class IssuedCoupon(BrandTable, table=True):
    """One copy of a coupon in one customer's hands, redeemed at most once."""

    __table_args__ = refer(
        UniqueConstraint("brand_id", "code"),
        UniqueConstraint("brand_id", "coupon_id", "customer_id", "source"),
        Index("ix_issued_coupon_brand_id_customer_id", "brand_id", "customer_id"),
        Index("ix_issued_coupon_brand_id_run_id", "brand_id", "run_id", postgresql_where="run_id IS NOT NULL"),
        Index("ix_issued_coupon_reserved", "brand_id", "expires_at", postgresql_where="reserved_yen > 0"),
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
    reserved_yen: int = Field(default=0, sa_type=BigInteger)
    """What is set aside of the coupon's budget for its use."""


class CouponExtension(BrandRow, table=True):
    """A copy that would have ended during a safety stop, and is good for longer because of it."""

    __table_args__ = (Index("ix_coupon_extension_brand_id_safety_stop_id", "brand_id", "safety_stop_id"),)

    issued_coupon_id: UUID = Field(primary_key=True)
    safety_stop_id: UUID = Field(primary_key=True)
    would_expire_at: datetime = Field(sa_type=Instant)
    """When it would have ended otherwise."""


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
        Index("ix_redemption_brand_id_redeemed_at", "brand_id", "redeemed_at"),
        Index(
            "ix_redemption_brand_id_reversed_at",
            "brand_id",
            "reversed_at",
            postgresql_where="reversed_at IS NOT NULL",
        ),
        Index(
            "ix_redemption_brand_id_order_ref",
            "brand_id",
            "store_no",
            "order_ref",
            postgresql_where="order_ref IS NOT NULL",
        ),
        Index(
            "uq_redemption_settle_ref",
            "brand_id",
            "store_no",
            "settle_ref",
            unique=True,
            postgresql_where="settle_ref IS NOT NULL",
        ),
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
    funding: dict[str, int] | None = Field(default=None, sa_type=JSONB, sa_column_kwargs=SHOWN)
    """Who bears how many yen of it, as the coupon had it at that moment; null in rows from before this was kept."""
    order_ref: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    redeemed_at: datetime = Field(sa_type=Instant)
    business_on: date = Field(sa_column_kwargs=SHOWN)
    """The store's business day, by which its daily limit counts."""
    reversed_at: datetime | None = Field(default=None, sa_type=Instant)
    reverse_reason: str | None = Field(default=None, sa_column_kwargs=MASKED)
    device_id: UUID | None = None
    """The till that it was used at, where it was one of ours."""
    settle_ref: str | None = Field(default=None, sa_column_kwargs=SHOWN)
    """The till's own id of a use that it granted offline and told later; the same settles once."""
