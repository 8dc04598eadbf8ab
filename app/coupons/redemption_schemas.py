"""What crosses the wire when coupons are used: at a till, by one that was offline, and when a card is shown."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from app.coupons.schemas import Benefit, BenefitText, BenefitTextJa
from app.schemas import (
    Body,
    Count,
    CouponId,
    CustomerId,
    Instant,
    IssuedCouponId,
    Name,
    Read,
    RedemptionId,
    StoreId,
    Yen,
    example,
)

Code = Annotated[str, Field(min_length=1, max_length=64, description="As shown, typed or scanned.")]
OrderRef = Annotated[str, Field(min_length=1, max_length=200)]


class RedemptionCreate(Body):
    """A code used at a store. `redeemed_at` is for tills that settle late: up to 72 hours back."""

    model_config = example(
        code="7K2P9QXM4TRC",
        store_id="store_01h455vb4pex5vsknk084sn02q",
        amount_yen=1280,
        order_ref="R-20261121-0042",
    )

    code: Code
    store_id: StoreId | None = None
    amount_yen: Yen | None = None
    order_ref: OrderRef | None = None
    redeemed_at: Instant | None = None


class LateRedemption(Body):
    """A use that a till granted while it was offline. The same `ref` of a store is settled once."""

    model_config = example(ref="till-3-000217", code="7K2P9QXM4TRC", redeemed_at="2026-11-21T02:10:00Z")

    ref: Annotated[str, Field(min_length=1, max_length=100, description="The till's own id of that use.")]
    code: Code
    redeemed_at: Annotated[Instant, Field(description="By the till's clock: up to 72 hours back.")]
    amount_yen: Yen | None = None
    order_ref: OrderRef | None = None


class RedemptionBatch(Body):
    """What a store's till granted while it was offline. Each item is taken or refused on its own."""

    model_config = example(
        store_id="store_01h455vb4pex5vsknk084sn02q",
        items=[{"ref": "till-3-000217", "code": "7K2P9QXM4TRC", "redeemed_at": "2026-11-21T02:10:00Z"}],
    )

    store_id: StoreId | None = None
    items: Annotated[
        list[Any],
        Field(min_length=1, max_length=500),
        WithJsonSchema({"type": "array", "minItems": 1, "maxItems": 500, "items": LateRedemption.model_json_schema()}),
    ]


class SettledItem(Read):
    """What became of one use: 201 counted now, 200 counted before under this `ref`, else the problem."""

    index: Count
    status: int
    id: RedemptionId | None
    problem: dict[str, Any] | None


class RedemptionBatchRead(Read):
    """One item for each use, in the order in which they were sent."""

    items: list[SettledItem]


class RedemptionReverse(Body):
    """Why a redemption is undone."""

    model_config = example(reason="Rung up twice.")

    reason: Annotated[str, Field(max_length=500)] | None = None


class RedemptionRead(Read):
    """One use of a copy at a store."""

    id: RedemptionId
    issued_coupon_id: IssuedCouponId
    coupon_id: CouponId
    customer_id: CustomerId
    store_id: StoreId
    status: Literal["redeemed", "reversed"]
    amount_yen: int | None
    discount_yen: int
    order_ref: str | None
    settle_ref: Annotated[str | None, Field(description="The till's own id of it, where it was granted offline.")]
    redeemed_at: Instant
    reversed_at: Instant | None
    reverse_reason: str | None


class BasketItem(Body):
    """One line of what she is about to buy."""

    model_config = example(name="味噌ラーメン", quantity=2, unit_price_yen=890)

    quantity: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    unit_price_yen: Yen
    name: Name | None = None


class CardResolve(Body):
    """What a till scanned or a clerk typed. A key of one store need not name it; head office may leave it out."""

    model_config = example(code="7K2P9QXM4TRC", amount_yen=1280)

    code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="A coupon's code or a card as shown on her phone, or the number of a card or member.",
        ),
    ]
    store_id: StoreId | None = None
    amount_yen: Annotated[Yen | None, Field(description="What she is about to pay; else the sum of `basket`.")] = None
    basket: Annotated[list[BasketItem], Field(max_length=500)] | None = None
    order_ref: Annotated[
        OrderRef | None, Field(description="The order, by which it is known what was used on it already.")
    ] = None


class CardCustomer(Read):
    """Who stands at the counter."""

    id: CustomerId
    nickname: Annotated[str | None, Field(description="The name that LINE shows, or else the one we know.")]
    rank: Annotated[str | None, Field(description="By its key; null until the brand has a programme with ranks.")]


class CardCoupon(Read):
    """A copy in her hands, and whether she can use it now."""

    issued_coupon_id: IssuedCouponId
    coupon_id: CouponId
    name: str
    benefit: Benefit
    benefit_text: BenefitText
    benefit_text_ja: BenefitTextJa
    min_spend_yen: int
    combinable: bool
    code: Annotated[
        str, Field(description="Masked but for its last four characters after a number: she shows it herself.")
    ]
    expires_at: Instant
    applies: Annotated[bool, Field(description="Whether the store would take it now, on this basket.")]
    problem: Annotated[
        dict[str, Any] | None,
        Field(description="Why not: the problem that redeeming it would answer.", examples=[None]),
    ]
    discount_yen: Annotated[
        int | None, Field(description="What it would give; null where that depends on an amount that was not told.")
    ]


class CardRead(Read):
    """A customer as a till needs her, with her coupons, those that end first ahead.

    They are those that the store takes now. Where an amount, a basket or an order is told, they are all that are in her
    hands, each with whether it applies, and why not.
    """

    customer: CardCustomer
    coupons: list[CardCoupon]
    points: Annotated[int | None, Field(description="What she may spend; null until the brand has a programme.")]
    points_debt: Annotated[
        int | None, Field(description="What was taken back after she had spent it: the next points pay it off.")
    ]


class SignalRead(Read):
    """Something odd at tills, for somebody to look into. It accuses nobody."""

    kind: Annotated[
        Literal["many_reversals", "many_stores", "offline_conflicts", "guessing"],
        Field(
            description="`many_reversals`: one store gave back five uses or more on one day. `many_stores`: one"
            " customer used coupons at three stores or more within an hour. `offline_conflicts`: a store's tills"
            " granted uses offline that could not be counted. `guessing`: one credential or device asked for twenty"
            " codes or more on one day that nobody has."
        ),
    ]
    store_id: StoreId | None
    customer_id: CustomerId | None
    count: Count
    first_at: Instant
    last_at: Instant


class SignalList(Read):
    """The latest first, at most 200; one for each day, and store or customer."""

    items: list[SignalRead]
