"""Orders and visits, recorded so that the customer's summary is exact beside them."""

from collections.abc import Sequence
from datetime import datetime

from app.commerce import recording
from app.commerce.events import OrderPaid, VisitRecorded
from app.commerce.models import Order, Visit
from app.commerce.recording import Kind, Recorded, Said
from app.commerce.schemas import OrderUpsert, VisitUpsert
from app.customers.models import Customer
from app.customers.summary import add_orders, add_visits
from tenants.problems import Problem
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


def upsert_orders(
    session: ScopedSession, wanted: Sequence[OrderUpsert], *, scope: Scope, makes_people: bool = False, now: datetime
) -> list[Recorded[Order] | Problem]:
    """Record orders, or change those known by their external_id; see `recording.upsert`."""
    return recording.upsert(session, _ORDERS, wanted, scope=scope, makes_people=makes_people, now=now)


def upsert_visits(
    session: ScopedSession, wanted: Sequence[VisitUpsert], *, scope: Scope, makes_people: bool = False, now: datetime
) -> list[Recorded[Visit] | Problem]:
    """Record visits, or change those known by their external_id; see `recording.upsert`."""
    return recording.upsert(session, _VISITS, wanted, scope=scope, makes_people=makes_people, now=now)


def _count_order(
    session: ScopedSession, customer: Customer, store: Store, times: int, said: Said, now: datetime
) -> None:
    ordered_at = said.at if times > 0 else None
    spend_yen = times * said.left_yen
    add_orders(session, customer, store, orders=times, spend_yen=spend_yen, ordered_at=ordered_at, now=now)


def _count_visit(
    session: ScopedSession, customer: Customer, store: Store, times: int, said: Said, now: datetime
) -> None:
    visited_at = said.at if times > 0 else None
    add_visits(session, customer, store, visits=times, visited_at=visited_at, now=now)


def _tell_order(order: Order, said: Said, amount_yen: int, delta: int, now: datetime) -> OrderPaid:
    return OrderPaid(
        occurred_at=said.at,
        customer_id=said.customer_id,
        store_no=said.store_no,
        order_id=order.id,
        amount_yen=amount_yen,
        orders_delta=delta,
        told_at=now,
    )


def _tell_visit(visit: Visit, said: Said, amount_yen: int, delta: int, now: datetime) -> VisitRecorded:
    return VisitRecorded(
        occurred_at=said.at,
        customer_id=said.customer_id,
        store_no=said.store_no,
        visit_id=visit.id,
        visits_delta=delta,
        told_at=now,
    )


_ORDERS = Kind("order", Order, at="ordered_at", last="last_order_at", count=_count_order, tell=_tell_order)
_VISITS = Kind("visit", Visit, at="visited_at", last="last_visit_at", count=_count_visit, tell=_tell_visit)
