"""What crosses the wire about segments."""

from typing import Annotated, Any

from pydantic import Field

from app.schemas import (
    Body,
    CustomerId,
    Instant,
    LineAccountId,
    LocalDate,
    Name,
    NotNull,
    Read,
    SegmentId,
    StoreId,
    example,
)


class SegmentCreate(Body):
    """A rule to save; `store_id` makes it a store's own instead of head office's."""

    model_config = example(name="三度以上の方", rule={"field": "order_count", "op": ">=", "value": 3})

    name: Name
    rule: dict[str, Any]
    store_id: StoreId | None = None


class SegmentUpdate(Body):
    """What may change. A new rule replaces the old one as a whole: merging two rules makes neither."""

    model_config = example(name="常連の方")

    name: Annotated[Name | None, NotNull()] = None
    rule: Annotated[dict[str, Any] | None, NotNull()] = None


class SegmentRead(Read):
    """A saved rule."""

    id: SegmentId
    name: str
    rule: dict[str, Any]
    store_id: StoreId | None
    created_at: Instant


class PreviewRequest(Body):
    """A rule to try, saved or not."""

    model_config = example(rule={"field": "order_count", "op": ">=", "value": 3})

    rule: dict[str, Any]


class Reach(Read):
    """How many of the customers one account reaches."""

    line_account_id: LineAccountId
    reachable: int


class AtStore(Read):
    """How many of the customers are tied to one store."""

    store_id: StoreId
    customers: int


class SegmentSizeRead(Read):
    """How many a rule chooses now; who follows several accounts, or is tied to several stores, counts for each of them,
    but once in `customers` and `reachable`."""

    customers: int
    reachable: Annotated[int, Field(description="Those whom one of the accounts reaches.")]
    by_line_account: list[Reach]
    by_store: list[AtStore]
    fresh_at: Annotated[Instant, Field(description="When it was counted. What is recorded counts at once.")]


class ChosenRead(Read):
    """A customer whom a rule chooses."""

    id: CustomerId


class SampleRead(ChosenRead):
    """A customer, as an example of whom the rule chooses."""

    name: str | None


class SampleList(Read):
    """Customers drawn by chance, each as likely as any other."""

    items: list[SampleRead]


class PreviewRead(SegmentSizeRead):
    """Whom a rule chooses now."""

    sample: list[SampleRead]


class DayCountRead(Read):
    """How many a segment chose on one day, when it was counted last."""

    counted_on: LocalDate
    counted_at: Instant
    customers: int
    reachable: int
    by_line_account: list[Reach]
    by_store: list[AtStore]


class DayCountList(Read):
    """What was counted, the first day first."""

    items: list[DayCountRead]


class ExplainedRead(Read):
    """One comparison of the rule, and what the customer has of it."""

    pointer: Annotated[str, Field(description="Where it stands.", examples=["/rule/all/1"])]
    field: Annotated[str, Field(examples=["last_order_at"])]
    op: Annotated[str, Field(examples=["within_days"])]
    value: Annotated[Any, Field(examples=[90])]
    negated: Annotated[
        bool, Field(examples=[False], description="Whether `not` stands around it, so that it must not hold.")
    ]
    matches: Annotated[bool, Field(examples=[False], description="Whether it holds as it stands, without that `not`.")]
    actual: Annotated[Any, Field(description="What she has, if anything.", examples=["2026-08-02T03:00:00Z"])]
    detail: Annotated[str, Field(description="The same in words.", examples=["2026-08-02 is 111 days ago"])]
    detail_ja: Annotated[str, Field(examples=["2026-08-02（111日前）"])]


class ExplanationRead(Read):
    """Why a segment chooses a customer, or does not. A store is told what it sees of her."""

    customer_id: CustomerId
    segment_id: SegmentId
    matches: Annotated[bool, Field(examples=[False])]
    text: Annotated[str, Field(examples=["matched tag; failed last_order_at: 2026-08-02 is 111 days ago"])]
    text_ja: Annotated[str, Field(examples=["一致：タグ／不一致：最終購入日、2026-08-02（111日前）"])]
    tree: Annotated[list[ExplainedRead], Field(description="Every comparison, in the order of the rule.")]
