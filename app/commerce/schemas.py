"""Orders as they cross the wire."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, ValidationError, WithJsonSchema, WrapValidator, model_validator

from app.customers.schemas import Phone
from app.problems import malformed
from app.schemas import Body, Count, CustomerId, Instant, Name, OrderId, Read, StoreId, Yen, example

MOST_IN_BULK = 1000


class OrderUpsert(Body):
    """A sale, known by your own id. Whose it was is told by one of four fields, or not at all."""

    model_config = example(
        external_id="R-20261121-0042",
        store_id="store_01h455vb4pex5vsknk084sn02q",
        amount_yen=1280,
        ordered_at="2026-11-21T11:10:00+09:00",
        phone="090-1234-5678",
    )

    external_id: Annotated[Name, Field(description="Your own id of the order; sent again, it changes the order.")]
    store_id: StoreId
    amount_yen: Yen
    ordered_at: Instant
    customer_id: CustomerId | None = None
    customer_external_id: Annotated[Name | None, Field(description="The customer's `external_id`.")] = None
    member_number: Name | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _name_her_once(self) -> "OrderUpsert":
        if len([key for key in CUSTOMER_FIELDS if getattr(self, key) is not None]) > 1:
            raise ValueError(f"name the customer by one of {', '.join(CUSTOMER_FIELDS)}")
        return self


CUSTOMER_FIELDS = ("customer_id", "customer_external_id", "member_number", "phone")

_ITEMS = {"type": "array", "maxItems": MOST_IN_BULK, "items": {"$ref": "#/components/schemas/OrderUpsert"}}


class OrderBulk(Body):
    """Up to 1,000 orders. Each is taken or refused on its own."""

    items: Annotated[list[Any], Field(max_length=MOST_IN_BULK), WithJsonSchema(_ITEMS)]


def _read_one_or_many(value: Any, handler: Callable[[Any], Any]) -> OrderUpsert | OrderBulk:
    """The body by its shape. A union would report the errors of both shapes, under names that are in neither."""
    shape = OrderBulk if isinstance(value, dict) and "items" in value else OrderUpsert
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise malformed([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


OrderPost = Annotated[OrderUpsert | OrderBulk, WrapValidator(_read_one_or_many)]


class OrderRead(Read):
    """A sale at a store."""

    id: OrderId
    external_id: str
    customer_id: CustomerId | None
    store_id: StoreId
    amount_yen: int
    ordered_at: Instant
    created_at: Instant


class OrderItem(Read):
    """What became of one order of a list: 201 new, 200 known, else the problem."""

    index: Count
    status: int
    id: OrderId | None
    problem: dict[str, Any] | None


class OrderBulkRead(Read):
    """One item for each order, in the order in which they were sent."""

    items: list[OrderItem]
