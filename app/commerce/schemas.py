"""Orders and visits as they cross the wire."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, WithJsonSchema, WrapValidator, model_validator

from app.customers.schemas import Code, Phone
from app.problems import malformed
from app.schemas import (
    Body,
    Count,
    CustomerId,
    Instant,
    Name,
    OneLine,
    OrderId,
    Read,
    RedemptionId,
    RefundId,
    StoreId,
    VisitId,
    Yen,
    example,
)

MOST_IN_BULK: Final = 1000
CUSTOMER_FIELDS: Final = ("customer_id", "customer_external_id", "member_number", "phone")


class Told(Body):
    """Something that happened at a store, known by your own id. Whose it was is told by one of four fields, or not."""

    external_id: Name
    store_id: StoreId
    customer_id: CustomerId | None = None
    customer_external_id: Annotated[Code | None, Field(description="The customer's `external_id`.")] = None
    member_number: Code | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _name_her_once(self) -> "Told":
        if len([key for key in CUSTOMER_FIELDS if getattr(self, key) is not None]) > 1:
            raise ValueError(f"name the customer by one of {', '.join(CUSTOMER_FIELDS)}")
        return self


class OrderUpsert(Told):
    """A sale, known by your own id. Whose it was is told by one of four fields, or not at all."""

    model_config = example(
        external_id="R-20261121-0042",
        store_id="store_01h455vb4pex5vsknk084sn02q",
        amount_yen=1280,
        ordered_at="2026-11-21T11:10:00+09:00",
        phone="090-1234-5678",
    )

    external_id: Annotated[Name, Field(description="Your own id of the order; sent again, it changes the order.")]
    amount_yen: Annotated[Yen, Field(description="What was paid. What is given back later is a refund, not less here.")]
    ordered_at: Annotated[Instant, Field(description="Never in the future.")]


class VisitUpsert(Told):
    """That somebody came to a store, known by your own id. Who it was is told by one of four fields, or not at all."""

    model_config = example(
        external_id="V-20261121-0042",
        store_id="store_01h455vb4pex5vsknk084sn02q",
        visited_at="2026-11-21T11:10:00+09:00",
        phone="090-1234-5678",
    )

    external_id: Annotated[Name, Field(description="Your own id of the visit; sent again, it changes the visit.")]
    visited_at: Annotated[Instant, Field(description="Never in the future.")]


def _items_of(name: str) -> WithJsonSchema:
    items = {"$ref": f"#/components/schemas/{name}"}
    return WithJsonSchema({"type": "array", "maxItems": MOST_IN_BULK, "items": items})


class OrderBulk(Body):
    """Up to 1,000 orders. Each is taken or refused on its own."""

    items: Annotated[list[Any], Field(max_length=MOST_IN_BULK), _items_of("OrderUpsert")]


class VisitBulk(Body):
    """Up to 1,000 visits. Each is taken or refused on its own."""

    items: Annotated[list[Any], Field(max_length=MOST_IN_BULK), _items_of("VisitUpsert")]


def _one_or_many(one: type[Body], many: type[Body]) -> WrapValidator:
    """Reads a body by its shape. A union would report the errors of both shapes, under names that are in neither."""

    def read(value: Any, handler: Callable[[Any], Any]) -> Body:
        shape = many if isinstance(value, dict) and "items" in value else one
        try:
            return shape.model_validate(value)
        except ValidationError as error:
            raise malformed([{**wrong, "loc": ("body", *wrong["loc"])} for wrong in error.errors()]) from error

    return WrapValidator(read)


OrderPost = Annotated[OrderUpsert | OrderBulk, _one_or_many(OrderUpsert, OrderBulk)]
VisitPost = Annotated[VisitUpsert | VisitBulk, _one_or_many(VisitUpsert, VisitBulk)]


class RefundLine(Body):
    """One line of what was given back."""

    name: Name
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    amount_yen: Yen


class RefundCreate(Body):
    """Money of an order that was given back, in part or all of it."""

    model_config = example(
        external_id="F-20261122-0007",
        amount_yen=480,
        refunded_at="2026-11-22T10:05:00+09:00",
        reason="Served cold.",
        lines=[{"name": "餃子", "quantity": 1, "amount_yen": 480}],
    )

    external_id: Annotated[
        Name, Field(description="Your own id of the refund, among those of this order; sent again, it changes nothing.")
    ]
    amount_yen: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=1_000_000_000_000,
            description="What was given back: at most what is left of the order.",
        ),
    ]
    refunded_at: Annotated[Instant, Field(description="Never in the future, nor before the order.")]
    reason: Annotated[OneLine, Field(max_length=500)] | None = None
    lines: Annotated[list[RefundLine], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="What was given back. They come to `amount_yen` at most."
    )

    @model_validator(mode="after")
    def _add_up(self) -> "RefundCreate":
        if self.lines is not None and sum(line.amount_yen for line in self.lines) > self.amount_yen:
            raise ValueError("must not have lines that come to more than amount_yen")
        return self


class RefundLineRead(Read):
    """One line of what was given back."""

    name: str
    quantity: int
    amount_yen: int


class RefundRead(Read):
    """Money of an order that was given back."""

    id: RefundId
    external_id: str
    amount_yen: int
    refunded_at: Instant
    reason: str | None
    lines: list[RefundLineRead] | None
    reversed_redemption_ids: Annotated[
        list[RedemptionId],
        Field(description="Uses of coupons on this order that it undid, since nothing was left of the order."),
    ]
    created_at: Instant


class OrderRead(Read):
    """A sale at a store."""

    id: OrderId
    external_id: str
    customer_id: CustomerId | None
    store_id: StoreId
    amount_yen: Annotated[int, Field(description="What was paid; refunds do not change it.")]
    refunded_yen: Annotated[int, Field(description="What of it was given back.")]
    refunds: Annotated[list[RefundRead], Field(description="The refunds, in the order in which they were told.")]
    ordered_at: Instant
    created_at: Instant


class VisitRead(Read):
    """That somebody came to a store."""

    id: VisitId
    external_id: str
    customer_id: CustomerId | None
    store_id: StoreId
    visited_at: Instant
    created_at: Instant


class OrderItem(Read):
    """What became of one order of a list: 201 new, 200 known, else the problem."""

    index: Count
    status: int
    id: OrderId | None
    problem: dict[str, Any] | None


class VisitItem(Read):
    """What became of one visit of a list: 201 new, 200 known, else the problem."""

    index: Count
    status: int
    id: VisitId | None
    problem: dict[str, Any] | None


class OrderBulkRead(Read):
    """One item for each order, in the order in which they were sent."""

    items: list[OrderItem]


class VisitBulkRead(Read):
    """One item for each visit, in the order in which they were sent."""

    items: list[VisitItem]
