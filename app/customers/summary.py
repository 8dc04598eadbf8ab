"""What a customer's row tells of the details behind it: her stores, orders, spend and visits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Integer, all_, func, literal, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from app.customers.models import Customer, CustomerStore
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


def tie_to_store(session: ScopedSession, customer: Customer, store: Store, *, tied_at: datetime | None = None) -> None:
    """From now on this store sees her. Needs a session that sees all stores; a second time changes nothing."""
    if store.no in customer.store_nos:
        return
    session.flush()
    at = literal(tied_at, DateTime(timezone=True)) if tied_at is not None else func.now()
    # The row first: whoever changes what a customer did at a store holds it. By the class: so the audit log is told.
    tie = (
        update(Customer)
        .where(col(Customer.id) == customer.id, literal(store.no, Integer) != all_(col(Customer.store_nos)))
        .values(
            store_nos=func.array_append(col(Customer.store_nos), store.no),
            updated_at=func.greatest(col(Customer.updated_at), at),
        )
        .returning(col(Customer.store_nos), col(Customer.updated_at))
    )
    tied = session.execute(tie, execution_options={"synchronize_session": False}).one_or_none()
    if tied is not None:
        set_committed_value(customer, "store_nos", tied.store_nos)
        set_committed_value(customer, "updated_at", tied.updated_at)
    key = {"brand_id": session.scope.brand_id, "customer_id": customer.id}
    row = {**key, "store_id": store.id, "store_no": store.no, "order_count": 0, "spend_yen": 0}
    row["updated_at"] = tied_at or func.now()
    session.connection().execute(insert(CustomerStore).values(row).on_conflict_do_nothing())


def tie_sql(source: str) -> str:
    """Parts of a larger statement that do what `tie_to_store` does, once `source` has its row.

    They take `brand_id`, `customer_id`, `store_id` and `store_no`; `tied` has her row as it was and is, if it changed.
    Her row must be locked, and the audit log be told.
    """
    return f"""
    tied AS (
        UPDATE customer
        SET store_nos = array_append(customer.store_nos, CAST(%(store_no)s AS int)),
            updated_at = greatest(customer.updated_at, now())
        FROM {source}
        WHERE customer.brand_id = %(brand_id)s AND customer.id = %(customer_id)s
            AND CAST(%(store_no)s AS int) <> ALL (customer.store_nos)
        RETURNING old.store_nos AS had_store_nos, old.updated_at AS had_updated_at, new.store_nos, new.updated_at
    ),
    tie AS (
        INSERT INTO customer_store (brand_id, customer_id, store_id, store_no, order_count, spend_yen, updated_at)
        SELECT %(brand_id)s, %(customer_id)s, %(store_id)s, CAST(%(store_no)s AS int), 0, 0, now() FROM {source}
        ON CONFLICT DO NOTHING
    )"""


def add_orders(
    session: ScopedSession,
    customer: Customer,
    store: Store,
    *,
    orders: int,
    spend_yen: int,
    ordered_at: datetime | None = None,
    now: datetime,
) -> None:
    """Add orders to what a locked customer did, at the store and in all, and tie her to it. Both may be negative.

    `settle_usual_stores` must follow in the same transaction; so it must after `add_visits`.
    """
    for summary in _figures(session, customer, store, now):
        summary.order_count += orders
        summary.spend_yen += spend_yen
        summary.last_order_at = _later(summary.last_order_at, ordered_at)


def add_visits(
    session: ScopedSession,
    customer: Customer,
    store: Store,
    *,
    visits: int,
    visited_at: datetime | None = None,
    now: datetime,
) -> None:
    """Add visits to what a locked customer did, at the store and in all, and tie her to it; they may be negative."""
    for summary in _figures(session, customer, store, now):
        summary.visit_count += visits
        summary.last_visit_at = _later(summary.last_visit_at, visited_at)


def _figures(session: ScopedSession, customer: Customer, store: Store, now: datetime) -> tuple[Customer, CustomerStore]:
    """What a locked customer did in all and at a store, both about to change."""
    tie_to_store(session, customer, store)
    at_store = session.get_one(CustomerStore, (session.scope.brand_id, customer.id, store.id))
    customer.updated_at = at_store.updated_at = now
    return customer, at_store


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


def settle_usual_stores(session: ScopedSession, customers: Collection[Customer]) -> None:
    """Find anew where each of these locked customers came and bought most often. Needs a session of all stores.

    Of two stores alike the one where she was last, then the one with the lower number.
    """
    if not customers:
        return
    session.flush()
    values = {"brand_id": session.scope.brand_id, "ids": [customer.id for customer in customers]}
    usual = {row.customer_id: row.store_no for row in session.execute(_USUAL, values)}
    for customer in customers:
        customer.usual_store_no = usual.get(customer.id)


_USUAL = text(
    """
    SELECT DISTINCT ON (customer_id) customer_id, store_no FROM customer_store
    WHERE brand_id = :brand_id AND customer_id = ANY(:ids) AND order_count + visit_count > 0
    ORDER BY customer_id, order_count + visit_count DESC, greatest(last_order_at, last_visit_at) DESC NULLS LAST,
        store_no
    """
)


@dataclass(frozen=True)
class Home:
    """The store where somebody is at home, and whether somebody said so or her orders and visits do."""

    store_no: int
    is_stated: bool


def find_home(customer: Customer, scope: Scope) -> Home | None:
    """Her home store as this scope sees it: the stated one, else the one where she came and bought most often.

    The latter is found by comparing all stores, so a store is not told of it, not even of itself: that it is so, and
    when it ends, would tell what she does elsewhere. Of a stated one it is told where that is its own.
    """
    if customer.home_store_no is not None:
        return Home(customer.home_store_no, is_stated=True) if scope.sees_store(customer.home_store_no) else None
    if scope.store_nos is not None or customer.usual_store_no is None:
        return None
    return Home(customer.usual_store_no, is_stated=False)


def home_column(scope: Scope) -> Any:
    """The number of the home store, as `find_home` would tell it to this scope, for use in a statement on `Customer`.

    In a store's scope it may be another store's number, which the scope's own conditions never name.
    """
    if scope.store_nos is not None:
        return col(Customer.home_store_no)
    return func.coalesce(col(Customer.home_store_no), col(Customer.usual_store_no))
