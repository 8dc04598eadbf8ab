"""What crosses the wire about coupons, their copies and their use."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from app.coupons.funding import adds_up
from app.coupons.terms import CouponTimes, Limits, Occasion, Priority, Sets, WelcomeMessages, unless_null
from app.schemas import (
    AreaId,
    Body,
    CampaignId,
    Count,
    CouponId,
    CustomerId,
    Flag,
    Instant,
    IssuedCouponId,
    LineAccountId,
    Name,
    NotNull,
    Ratio,
    Read,
    RunId,
    StoreId,
    WeatherRuleId,
    Yen,
    Yes,
    example,
    write_instant,
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)


def _read_edge(value: str) -> str:
    """A date as it stands, or an instant in UTC. Raises ValueError in words for the caller."""
    try:
        if _DATE.fullmatch(value):
            edge: date = date.fromisoformat(value)
        elif _INSTANT.fullmatch(value):
            edge = datetime.fromisoformat(value.upper()).astimezone(UTC)
        else:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a date, or an instant with its zone") from error
    if not 1970 <= edge.year <= 2200:
        raise ValueError("must lie between 1970 and 2200")
    return write_instant(edge) if isinstance(edge, datetime) else value


Edge = Annotated[str, AfterValidator(_read_edge)]


class Benefit(Body):
    """What the coupon gives: yen off, percent off, or something else that `item` names.

    Without a discount: `free_item` and `gift` are things, `service` is what is done for her (a larger portion),
    `early_access` what she may have before others. `amount_yen` of these is what it counts as; early access costs
    nothing.
    """

    model_config = example(kind="amount_off", amount_yen=200)

    kind: Literal["amount_off", "percent_off", "free_item", "gift", "service", "early_access"]
    amount_yen: Yen | None = unless_null()
    percent: Annotated[int, Field(strict=True, ge=1, le=100)] | None = unless_null()
    most_yen: Yen | None = unless_null(description="With `percent_off`: the most that one use takes off.")
    item: Name | None = unless_null()


BenefitText = Annotated[str, Field(description="The benefit in words.", examples=["200 yen off"])]
BenefitTextJa = Annotated[str, Field(description="The same in Japanese.", examples=["200円引き"])]


class Validity(Body):
    """When a copy may be used: one of three forms. Dates are whole days of the brand's calendar."""

    model_config = ConfigDict(serialize_by_alias=True) | example(hours_after_issue=72)

    from_: Edge | None = unless_null(alias="from")
    to: Edge | None = unless_null()
    hours_after_issue: Annotated[int, Field(strict=True, ge=1, le=26_280)] | None = unless_null()
    weather_day: Yes | None = unless_null(description="The business day, until the stores close.")


class Split(Body):
    """The shares of a discount, together 1. Each is rounded down to whole yen; `rest_to` bears what is left over.

    Of a copy that no store issued, head office bears the issuing store's share.
    """

    model_config = example(brand_ratio=0.5, redeeming_store_ratio=0.5, rest_to="brand")

    brand_ratio: Ratio = 0
    issuing_store_ratio: Ratio = 0
    redeeming_store_ratio: Ratio = 0
    rest_to: Annotated[
        Literal["brand", "issuing_store", "redeeming_store"], Field(description="Who bears the yen left by rounding.")
    ] = "brand"

    @model_validator(mode="after")
    def _is_whole(self) -> "Split":
        if not adds_up(self.brand_ratio, self.issuing_store_ratio, self.redeeming_store_ratio):
            raise ValueError("must add up to 1")
        return self


class Funding(Body):
    """Who bears the discount, by the rule that stands when a copy is used."""

    model_config = example(payer="split", split={"brand_ratio": 0.5, "redeeming_store_ratio": 0.5})

    payer: Literal["brand", "issuing_store", "redeeming_store", "split"]
    split: Split | None = unless_null(
        description="With `payer` split: the shares; head office and the redeeming store half each if left out."
    )

    @model_validator(mode="after")
    def _splits(self) -> "Funding":
        if self.split is not None and self.payer != "split":
            raise ValueError("has shares only where payer is split")
        return self


LineCouponFlag = Annotated[
    Flag,
    Field(
        description="Whether LINE's own coupon stands for it too: it is made at each account that speaks for a store"
        ' where the offer is redeemed, and closed with the offer. Messages hold it as `{"type": "coupon",'
        ' "couponId": "{{ coupon.line_id }}"}`. Its use is a tap of hers that LINE reports to nobody: it counts for'
        " no cap, no figure and no settlement. Needs a validity of `from` and `to`."
    ),
]


class CouponCreate(Body):
    """An offer. Exactly one of `store_ids`, `area_ids` and `all_stores` says where it is redeemed.

    `store_id` makes it a store's own instead of head office's.
    """

    model_config = example(
        name="雨の日クーポン",
        benefit={"kind": "amount_off", "amount_yen": 200},
        validity={"weather_day": True},
        limits={"total": 1000, "per_customer": 1},
        all_stores=True,
        min_spend_yen=800,
    )

    name: Name
    benefit: Benefit
    validity: Validity
    limits: Limits = Limits()
    store_ids: Annotated[list[StoreId], Field(min_length=1, max_length=10_000)] | None = None
    area_ids: Annotated[list[AreaId], Field(min_length=1, max_length=1_000)] | None = None
    all_stores: Flag | None = None
    min_spend_yen: Yen = 0
    funding: Funding = Funding(payer="brand")
    combinable: Flag = False
    combinable_with: Sets | None = None
    priority: Priority = 0
    usable_times: CouponTimes | None = None
    is_template: Annotated[Flag, Field(description="Only there to be copied: no copy is ever issued of it.")] = False
    occasion: Occasion | None = None
    welcome_messages: WelcomeMessages | None = None
    line_coupon: LineCouponFlag = False
    store_id: StoreId | None = None


class CouponUpdate(Body):
    """What may change. `limits` are merged; every other field that is given replaces what stands.

    What a coupon gives cannot change once it has been issued.
    """

    model_config = example(name="雨の日クーポン", limits={"total": 2000})

    name: Annotated[Name | None, NotNull()] = None
    benefit: Annotated[Benefit | None, NotNull()] = None
    validity: Annotated[Validity | None, NotNull()] = None
    limits: Limits | None = None
    store_ids: Annotated[list[StoreId], Field(min_length=1, max_length=10_000)] | None = None
    area_ids: Annotated[list[AreaId], Field(min_length=1, max_length=1_000)] | None = None
    all_stores: Flag | None = None
    min_spend_yen: Annotated[Yen | None, NotNull()] = None
    funding: Annotated[Funding | None, NotNull()] = None
    combinable: Annotated[Flag | None, NotNull()] = None
    combinable_with: Sets | None = None
    priority: Annotated[Priority | None, NotNull()] = None
    usable_times: CouponTimes | None = None
    occasion: Occasion | None = None
    welcome_messages: WelcomeMessages | None = None
    line_coupon: Annotated[LineCouponFlag | None, NotNull()] = None


class LineCouponRead(Read):
    """LINE's coupon of an offer at one account."""

    line_account_id: LineAccountId
    status: Annotated[
        Literal["waiting", "created", "failed", "closing", "closed"],
        Field(description="`waiting` to be made; `failed`: LINE refuses it, and is asked again every hour."),
    ]
    line_coupon_id: Annotated[
        str | None, Field(description="LINE's own id of it.", examples=["01JYNW8JMQVFBNWF1APF8Z3FS7"])
    ]
    detail: Annotated[
        str | None, Field(description="What LINE said when it was asked last and did not do it.", examples=[None])
    ]
    due_at: Annotated[Instant | None, Field(description="When LINE is asked again.", examples=[None])]


class CouponRead(Read):
    """An offer. `store_ids` are those that the caller sees."""

    id: CouponId
    name: str
    benefit: Benefit
    benefit_text: BenefitText
    benefit_text_ja: BenefitTextJa
    validity: Validity
    limits: Limits
    store_ids: list[StoreId] | None
    area_ids: list[AreaId] | None
    all_stores: bool
    min_spend_yen: int
    funding: Funding
    combinable: bool
    combinable_with: list[str] | None
    priority: int
    usable_times: CouponTimes | None
    is_template: bool
    occasion: Occasion | None
    welcome_messages: list[dict[str, Any]] | None
    line_coupon: bool
    line_coupons: Annotated[
        list[LineCouponRead],
        Field(description="What became of it at LINE, at each account that the caller sees."),
    ]
    store_id: StoreId | None
    created_at: Instant


class CouponCopy(Body):
    """What is other about the new offer. A store's copy is redeemed at that store."""

    model_config = example(name="雨の日クーポン 12月")

    name: Name | None = None
    is_template: Flag = False
    store_id: StoreId | None = None


class CouponStatsRead(Read):
    """What became of a coupon. For a store: copies it issued, redemptions at its counter; what is left is head
    office's to know."""

    coupon_id: CouponId
    issued: int
    redeemed: int
    redeemed_ratio: float | None
    discount_yen: int
    remaining: int | None
    reserved_yen: Annotated[int | None, Field(description="Set aside for copies; null without `reserve`.")]
    budget_remaining_yen: Annotated[int | None, Field(description="Neither spent nor set aside.")]


class IssueRequest(Body):
    """Whom to give a copy, and what for: the same source gives the same customer one copy, however often it is sent."""

    model_config = example(customer_ids=["cus_01h455vb4pex5vsknk084sn02q"], source="welcome")

    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=1_000)]
    source: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class IssuedCouponRead(Read):
    """A copy in one customer's hands."""

    id: IssuedCouponId
    coupon_id: CouponId
    customer_id: CustomerId
    code: Annotated[
        str,
        Field(
            description="As good as cash: masked but for its last four characters unless you may issue coupons"
            " (`coupons:issue`), or asked for this very code."
        ),
    ]
    status: Literal["issued", "redeemed", "expired", "void"]
    starts_at: Instant
    expires_at: Instant
    campaign_id: CampaignId | None
    weather_rule_id: WeatherRuleId | None
    run_id: RunId | None
    created_at: Instant


class IssueItem(Read):
    """What became of one of the customers: 201 a new copy, 200 the copy she had, else the problem."""

    index: Count
    status: int
    id: IssuedCouponId | None
    problem: dict[str, Any] | None
    issued_coupon: IssuedCouponRead | None


class IssueRead(Read):
    """One item for each customer, in the order in which they were named."""

    items: list[IssueItem]
