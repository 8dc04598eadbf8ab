"""What crosses the wire about segments."""

from typing import Annotated, Any

from app.schemas import Body, CustomerId, Instant, LineAccountId, Name, NotNull, Read, SegmentId, StoreId, example


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


class SampleRead(Read):
    """A customer, as an example of whom the rule chooses."""

    id: CustomerId
    name: str | None


class PreviewRead(Read):
    """Whom a rule chooses now; who follows several accounts counts for each of them, but once in `reachable`."""

    customers: int
    reachable: int
    by_line_account: list[Reach]
    fresh_at: Instant
    sample: list[SampleRead]
