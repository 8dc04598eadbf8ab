"""Orders over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.commerce import queries, service
from app.commerce.models import Order
from app.commerce.schemas import OrderBulk, OrderBulkRead, OrderItem, OrderPost, OrderRead, OrderUpsert
from app.commerce.service import Recorded
from app.paging import PagingParams, make_page
from app.problems import describe, malformed
from app.routes import ApiRoute
from app.schemas import CustomerId, OrderId, Page, StoreId
from tenants.problems import Invalid, Problem

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=ApiRoute)
routers = [router]

ExternalId = Annotated[str | None, Query(min_length=1, max_length=200)]


KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": OrderRead | OrderBulkRead, "description": "Known before, or what became of each of a list."}
}


@router.post("", status_code=201, responses=KNOWN, dependencies=[allow("orders:write")])
def upsert_orders(
    body: OrderPost, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> OrderRead | OrderBulkRead:
    """Record an order, or change the one that has this external_id: 201 new, 200 known; a store's key gets 200.

    With `items` up to 1,000 at once: 200, and what became of each. A `customer_external_id`, `member_number` or `phone`
    that nobody has answers 404 to head office. For a store's or a partner's key it makes the customer, as recording
    her would: the answer does not tell whom the brand knows. Either way she is tied to the order's store.
    """
    known_status = 200
    new_status = 200 if caller.is_stores else 201
    makes_people = caller.is_stores or caller.kind == "partner_key"
    if isinstance(body, OrderBulk):
        response.status_code = 200
        given = [_read(index, item) for index, item in enumerate(body.items)]
        outcomes = iter(
            service.upsert_orders(
                session,
                [one for one in given if isinstance(one, OrderUpsert)],
                scope=caller.scope,
                makes_people=makes_people,
                now=now,
            )
        )
        items = [one if isinstance(one, Problem) else next(outcomes) for one in given]
        return OrderBulkRead(items=[_item(index, one, new_status) for index, one in enumerate(items)])
    (outcome,) = service.upsert_orders(session, [body], scope=caller.scope, makes_people=makes_people, now=now)
    if isinstance(outcome, Problem):
        raise outcome
    response.status_code = new_status if outcome.is_new else known_status
    return OrderRead.model_validate(outcome.order)


@router.get("", dependencies=[allow("orders:read")])
def list_orders(
    session: ScopedSession,
    caller: Caller,
    paging: PagingParams,
    *,
    customer_id: CustomerId | None = None,
    store_id: StoreId | None = None,
    external_id: ExternalId = None,
) -> Page[OrderRead]:
    """Orders, the newest recorded first; for a store, those at its stores."""
    store_no = caller.store(session, store_id).no if store_id else None
    filters = queries.OrderFilters(customer_id, store_no, external_id)
    return make_page(session, queries.list_orders(filters), Order.id, paging, OrderRead.model_validate)


@router.get("/{order_id}", dependencies=[allow("orders:read")])
def get_order(order_id: OrderId, session: ScopedSession) -> OrderRead:
    """One order."""
    return OrderRead.model_validate(queries.get_order(session, order_id))


def _read(index: int, item: Any) -> OrderUpsert | Problem:
    """One order of a list, or what is wrong with it, with pointers from the top of the body."""
    try:
        return OrderUpsert.model_validate(item)
    except ValidationError as error:
        return malformed([{**one, "loc": ("body", "items", index, *one["loc"])} for one in error.errors()])


def _item(index: int, outcome: Recorded | Problem, new_status: int) -> OrderItem:
    if isinstance(outcome, Problem):
        if isinstance(outcome, Invalid) and not outcome.errors[0]["pointer"].startswith("/items/"):
            outcome = Invalid([{**error, "pointer": f"/items/{index}{error['pointer']}"} for error in outcome.errors])
        return OrderItem(index=index, status=outcome.status, id=None, problem=describe(outcome))
    status = new_status if outcome.is_new else 200
    return OrderItem(index=index, status=status, id=outcome.order.id, problem=None)
