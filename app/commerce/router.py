"""Orders and visits over HTTP."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.commerce import queries, service
from app.commerce.models import Order, Visit
from app.commerce.recording import Recorded, Row
from app.commerce.schemas import (
    OrderBulk,
    OrderBulkRead,
    OrderItem,
    OrderPost,
    OrderRead,
    OrderUpsert,
    Told,
    VisitBulk,
    VisitBulkRead,
    VisitItem,
    VisitPost,
    VisitRead,
    VisitUpsert,
)
from app.commerce.showing import read_order, read_orders
from app.customers.queries import resolve_id
from app.paging import PagingParams, list_page, make_page
from app.problems import describe, malformed
from app.routes import ApiRoute
from app.schemas import CustomerId, OrderId, Page, StoreId, VisitId
from tenants.problems import Invalid, Problem
from tenants.session import ScopedSession as Session

orders = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=ApiRoute)
visits = APIRouter(prefix="/v1/visits", tags=["visits"], route_class=ApiRoute)
routers = [orders, visits]

ExternalId = Annotated[str | None, Query(min_length=1, max_length=200)]
Upsert = TypeVar("Upsert", bound=Told)

_KNOWN_ORDER: dict[int | str, dict[str, Any]] = {
    200: {"model": OrderRead | OrderBulkRead, "description": "Known before, or what became of each of a list."}
}
_KNOWN_VISIT: dict[int | str, dict[str, Any]] = {
    200: {"model": VisitRead | VisitBulkRead, "description": "Known before, or what became of each of a list."}
}


@orders.post("", status_code=201, responses=_KNOWN_ORDER, dependencies=[allow("orders:write")])
def upsert_orders(
    body: OrderPost, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> OrderRead | OrderBulkRead:
    """Record an order, or change the one that has this external_id: 201 new, 200 known; a store's key gets 200.

    With `items` up to 1,000 at once: 200, and what became of each. A `customer_external_id`, `member_number` or `phone`
    that nobody has answers 404 to head office. For a store's or a partner's key it makes the customer, as recording
    her would: the answer does not tell whom the brand knows. Either way she is tied to the order's store.
    """

    def take(wanted: Sequence[OrderUpsert]) -> list[Recorded[Order] | Problem]:
        makes_people = _makes_people(caller)
        return service.upsert_orders(session, wanted, scope=caller.scope, makes_people=makes_people, now=now)

    if isinstance(body, OrderBulk):
        response.status_code = 200
        items = _take_many(body.items, OrderUpsert, take, caller)
        return OrderBulkRead(items=[OrderItem(**item) for item in items])
    return read_order(session, _take_one(body, take, response, caller))


@orders.get("", dependencies=[allow("orders:read")])
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
    rows = queries.list_rows(Order, _filters(session, caller, customer_id, store_id, external_id))
    shown, next_cursor = list_page(session, rows, Order.id, paging)
    return Page(items=read_orders(session, shown), next_cursor=next_cursor)


@orders.get("/{order_id}", dependencies=[allow("orders:read")])
def get_order(order_id: OrderId, session: ScopedSession) -> OrderRead:
    """One order, with its refunds."""
    return read_order(session, queries.get_row(session, Order, order_id))


@visits.post("", status_code=201, responses=_KNOWN_VISIT, dependencies=[allow("orders:write")])
def upsert_visits(
    body: VisitPost, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> VisitRead | VisitBulkRead:
    """Record a visit, or change the one that has this external_id: 201 new, 200 known; a store's key gets 200.

    With `items` up to 1,000 at once: 200, and what became of each. Who came is named as in an order, and a key that
    nobody has is met as there: 404 to head office, a new customer for a store's or a partner's key. She is tied to the
    store. A purchase is an order; send a visit besides it only where you count both.
    """

    def take(wanted: Sequence[VisitUpsert]) -> list[Recorded[Visit] | Problem]:
        makes_people = _makes_people(caller)
        return service.upsert_visits(session, wanted, scope=caller.scope, makes_people=makes_people, now=now)

    if isinstance(body, VisitBulk):
        response.status_code = 200
        items = _take_many(body.items, VisitUpsert, take, caller)
        return VisitBulkRead(items=[VisitItem(**item) for item in items])
    return VisitRead.model_validate(_take_one(body, take, response, caller))


@visits.get("", dependencies=[allow("orders:read")])
def list_visits(
    session: ScopedSession,
    caller: Caller,
    paging: PagingParams,
    *,
    customer_id: CustomerId | None = None,
    store_id: StoreId | None = None,
    external_id: ExternalId = None,
) -> Page[VisitRead]:
    """Visits, the newest recorded first; for a store, those at its stores."""
    rows = queries.list_rows(Visit, _filters(session, caller, customer_id, store_id, external_id))
    return make_page(session, rows, Visit.id, paging, VisitRead.model_validate)


@visits.get("/{visit_id}", dependencies=[allow("orders:read")])
def get_visit(visit_id: VisitId, session: ScopedSession) -> VisitRead:
    """One visit."""
    return VisitRead.model_validate(queries.get_row(session, Visit, visit_id))


def _makes_people(caller: CallerInfo) -> bool:
    """Whether a key that nobody has makes a customer, since this caller is not to learn whom the brand knows."""
    return caller.is_stores or caller.kind == "partner_key"


def _filters(
    session: Session,
    caller: CallerInfo,
    customer_id: CustomerId | None,
    store_id: StoreId | None,
    external_id: str | None,
) -> queries.Filters:
    store_no = caller.store(session, store_id).no if store_id else None
    return queries.Filters(resolve_id(session, customer_id) if customer_id else None, store_no, external_id)


Take = Callable[[Sequence[Upsert]], list[Recorded[Row] | Problem]]


def _take_one(body: Upsert, take: Take[Upsert, Row], response: Response, caller: CallerInfo) -> Row:
    """The order or visit of a body, recorded. Raises its problem."""
    (outcome,) = take([body])
    if isinstance(outcome, Problem):
        raise outcome
    response.status_code = _status(outcome.is_new, caller)
    return outcome.row


def _take_many(
    items: Sequence[Any], shape: type[Upsert], take: Take[Upsert, Row], caller: CallerInfo
) -> list[dict[str, Any]]:
    """What became of each item of a list."""
    given = [_read(index, item, shape) for index, item in enumerate(items)]
    outcomes = iter(take([one for one in given if not isinstance(one, Problem)]))
    met = [one if isinstance(one, Problem) else next(outcomes) for one in given]
    return [_item(index, one, caller) for index, one in enumerate(met)]


def _read(index: int, item: Any, shape: type[Upsert]) -> Upsert | Problem:
    """One item of a list, or what is wrong with it, with pointers from the top of the body."""
    try:
        return shape.model_validate(item)
    except ValidationError as error:
        return malformed([{**one, "loc": ("body", "items", index, *one["loc"])} for one in error.errors()])


def _item(index: int, outcome: Recorded[Row] | Problem, caller: CallerInfo) -> dict[str, Any]:
    if isinstance(outcome, Problem):
        if isinstance(outcome, Invalid) and not outcome.errors[0]["pointer"].startswith("/items/"):
            outcome = Invalid([{**error, "pointer": f"/items/{index}{error['pointer']}"} for error in outcome.errors])
        return {"index": index, "status": outcome.status, "id": None, "problem": describe(outcome)}
    return {"index": index, "status": _status(outcome.is_new, caller), "id": outcome.row.id, "problem": None}


def _status(is_new: bool, caller: CallerInfo) -> int:
    """201 for what is new, but to a store: it is not told what was known before."""
    return 201 if is_new and not caller.is_stores else 200
