"""Points on the wire."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from app.schemas import (
    Body,
    CustomerId,
    Instant,
    Name,
    OneLine,
    OrderId,
    PointEntryId,
    PointProgrammeId,
    Read,
    StoreId,
    VisitId,
    example,
)

Points = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$", examples=["gold"])]
SourceRef = Annotated[OneLine, Field(max_length=200)]
EntryKind = Literal["earn", "spend", "expire", "adjust", "refund", "return"]
Payer = Literal["brand", "store"]
Origin = Literal["api", "order", "visit", "action", "stamps", "referral", "expiry"]


class StoreRate(Body):
    """A store where an order earns otherwise; an online shop is a store too."""

    store_id: StoreId
    yen_per_point: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class OrderRule(Body):
    """One point for every so many yen of an order; what is left over earns nothing."""

    yen_per_point: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    stores: Annotated[list[StoreRate], Field(default_factory=list, max_length=1_000)]

    @model_validator(mode="after")
    def _name_stores_once(self) -> "OrderRule":
        if len({one.store_id for one in self.stores}) < len(self.stores):
            raise ValueError("name each store once")
        return self


class VisitRule(Body):
    """So many points for each visit, for the first ones of a local day."""

    points: Points
    most_per_day: Annotated[int, Field(strict=True, ge=1, le=100)] = 1


class ActionRule(Body):
    """So many points for something that a customer does, as often as said, in all."""

    key: Key
    event: Literal["friend.followed", "link.clicked", "message.received"]
    points: Points
    most: Annotated[int, Field(strict=True, ge=1, le=1_000, description="How often one customer earns it.")] = 1


class RankLevel(Body):
    """A rank, and what it takes to have it."""

    key: Annotated[Key, Field(description="How segments, tills and the card name it.")]
    name_ja: Name
    name_en: Name
    at_least: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)]


class RankRule(Body):
    """Ranks by yen spent, or by points earned, over the last months; nobody needs to be told who fell out of them."""

    by: Literal["spend", "points"]
    window_months: Annotated[int, Field(strict=True, ge=1, le=120)] = 12
    levels: Annotated[list[RankLevel], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _tell_levels_apart(self) -> "RankRule":
        for name in ("key", "at_least"):
            if len({getattr(one, name) for one in self.levels}) < len(self.levels):
                raise ValueError(f"each level needs {name} of its own")
        return self


class StampRule(Body):
    """So many points for every so many visits."""

    visits: Annotated[int, Field(strict=True, ge=1, le=1_000)]
    points: Points
    most_per_day: Annotated[
        int, Field(strict=True, ge=1, le=100, description="Visits of one local day that count.")
    ] = 1


class ReferralRule(Body):
    """What both are paid when a customer brings another, once for each newcomer."""

    referrer_points: Points
    newcomer_points: Points
    within_days: Annotated[
        int, Field(strict=True, ge=1, le=365, description="Since when at most the newcomer is known to the brand.")
    ] = 30


class ProgrammePut(Body):
    """How points are earned from now on. What is left out earns nothing."""

    model_config = example(
        orders={"yen_per_point": 100},
        visits={"points": 10, "most_per_day": 1},
        actions=[{"key": "line-friend", "event": "friend.followed", "points": 50}],
        expires_after_months=12,
        ranks={
            "by": "spend",
            "window_months": 12,
            "levels": [
                {"key": "regular", "name_ja": "レギュラー", "name_en": "Regular", "at_least": 0},
                {"key": "gold", "name_ja": "ゴールド", "name_en": "Gold", "at_least": 50_000},
            ],
        },
        stamps={"visits": 10, "points": 500},
        referral={"referrer_points": 300, "newcomer_points": 300},
    )

    orders: OrderRule | None = None
    visits: VisitRule | None = None
    actions: Annotated[list[ActionRule], Field(default_factory=list, max_length=20)]
    expires_after_months: Annotated[
        int | None,
        Field(
            strict=True, ge=1, le=120, description="Points go at the end of the day so many months after. Null: never."
        ),
    ] = None
    payer: Annotated[
        Payer, Field(description="Who pays for points earned at a store; the brand pays for all others.")
    ] = "brand"
    ranks: RankRule | None = None
    stamps: StampRule | None = None
    referral: ReferralRule | None = None

    @model_validator(mode="after")
    def _tell_actions_apart(self) -> "ProgrammePut":
        if len({one.key for one in self.actions}) < len(self.actions):
            raise ValueError("each action needs a key of its own")
        return self


class ProgrammeRead(Read):
    """How points are earned, since `starts_at`. To a store, `orders.stores` are its own."""

    id: PointProgrammeId
    orders: OrderRule | None
    visits: VisitRule | None
    actions: list[ActionRule]
    expires_after_months: int | None
    payer: Payer
    ranks: RankRule | None
    stamps: StampRule | None
    referral: ReferralRule | None
    starts_at: Instant


class PointEntryCreate(Body):
    """Points given (`delta` above zero) or taken. The same `source_ref` of the same kind counts once."""

    model_config = example(
        customer_id="cus_01h455vb4pex5vsknk084sn02q",
        delta=300,
        reason="雨の日のご来店",
        source_ref="R-20261121-0042",
        store_id="store_01h455vb4pex5vsknk084sn02q",
    )

    customer_id: CustomerId
    delta: Annotated[
        int,
        Field(
            strict=True,
            ge=-1_000_000_000,
            le=1_000_000_000,
            json_schema_extra={"not": {"const": 0}},
            description="Never zero.",
        ),
    ]
    reason: Annotated[OneLine, Field(max_length=200)] | None = None
    source_ref: Annotated[SourceRef, Field(description="What it is for, in your own numbers, such as a receipt's.")]
    store_id: Annotated[
        StoreId | None, Field(description="Where it was; a key of one store need not say. Null is the brand.")
    ] = None
    kind: Annotated[
        Literal["earn", "spend", "adjust", "refund", "return"] | None,
        Field(
            description="Left out, `earn` above zero and `spend` below. `refund` takes back what an entry of the kind"
            " `earn` gave, and `return` gives back what one of the kind `spend` took; `undoes` names that entry."
        ),
    ] = None
    undoes: Annotated[
        SourceRef | None, Field(description="The `source_ref` of the entry that a refund or a return undoes.")
    ] = None
    payer: Annotated[Payer | None, Field(description="Who pays; as the programme says of a store, else the brand.")] = (
        None
    )
    occurred_at: Annotated[Instant | None, Field(description="Never in the future; left out, now.")] = None

    @model_validator(mode="after")
    def _fit_kind(self) -> "PointEntryCreate":
        if self.delta == 0:
            raise ValueError("delta must not be zero")
        if self.kind in ("earn", "return") and self.delta < 0:
            raise ValueError(f"a {self.kind} gives points: delta must be above zero")
        if self.kind in ("spend", "refund") and self.delta > 0:
            raise ValueError(f"a {self.kind} takes points: delta must be below zero")
        if (self.kind in ("refund", "return")) != (self.undoes is not None):
            raise ValueError("undoes goes with a refund or a return, and those need it")
        if self.payer == "store" and self.store_id is None:
            raise ValueError("name the store that pays")
        return self


class PointEntryRead(Read):
    """One line of the ledger."""

    id: PointEntryId
    customer_id: CustomerId
    kind: EntryKind
    origin: Annotated[Origin, Field(description="What wrote it.")]
    delta: int
    reason: str | None
    source_ref: str
    store_id: StoreId | None
    payer: Payer | None
    order_id: OrderId | None
    visit_id: VisitId | None
    occurred_at: Instant
    expires_at: Annotated[Instant | None, Field(description="Of points given: when what is left of them goes.")]
    created_at: Instant


class RankRead(Read):
    """A rank of the programme."""

    key: str
    name_ja: str
    name_en: str
    at_least: int


class NextRankRead(RankRead):
    """The next rank, and what is missing for it."""

    missing: Annotated[
        int | None,
        Field(description="In yen or in points; null to a store, which is not told what she does elsewhere."),
    ]


class NextExpiryRead(Read):
    """The points that go next."""

    points: int
    expires_at: Instant


class StandingRead(Read):
    """What a customer has: the sum of her entries, which is `points` less `debt`."""

    customer_id: CustomerId
    points: Annotated[int | None, Field(description="What she may spend; null until the brand has a programme.")]
    debt: Annotated[
        int, Field(description="Points that were taken back after she had spent them; the next ones pay it off.")
    ]
    rank: RankRead | None
    next_rank: NextRankRead | None
    next_expiry: NextExpiryRead | None


class ReferralCodeRead(Read):
    """The code by which a customer brings others."""

    customer_id: CustomerId
    code: Annotated[str, Field(examples=["7K2P9QXM"])]


class ReferralCreate(Body):
    """Who was brought, and by whose code."""

    model_config = example(referrer_code="7K2P9QXM", customer_id="cus_01h455vb4pex5vsknk084sn02r")

    referrer_code: Annotated[OneLine, Field(max_length=40)]
    customer_id: Annotated[CustomerId, Field(description="The newcomer.")]


class ReferralRead(Read):
    """What a referral paid."""

    id: Annotated[PointEntryId, Field(description="Of the newcomer's entry.")]
    customer_id: Annotated[CustomerId, Field(description="The newcomer.")]
    referrer_points: int
    newcomer_points: int
    created_at: Instant
