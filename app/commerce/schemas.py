"""Orders and visits as they cross the wire."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, WithJsonSchema, WrapValidator, model_validator

from app.customers.schemas import Code, Phone
from app.problems import malformed
from app.schemas import Body, Count, CustomerId, Instant, Name, OrderId, Read, StoreId, VisitId, Yen, example

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
    amount_yen: Yen
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


class OrderRead(Read):
    """A sale at a store."""

    id: OrderId
    external_id: str
    customer_id: CustomerId | None
    store_id: StoreId
    amount_yen: int
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
