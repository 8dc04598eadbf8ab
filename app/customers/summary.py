"""What a customer's row tells of the details behind it: her stores, orders, spend and visits."""

from datetime import datetime

from sqlalchemy import DateTime, Integer, all_, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from app.customers.models import Customer, CustomerStore
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
    """Add orders to what a locked customer did, at the store and in all, and tie her to it. Both may be negative."""
    tie_to_store(session, customer, store)
    at_store = session.get_one(CustomerStore, (session.scope.brand_id, customer.id, store.id))
    customer.updated_at = at_store.updated_at = now
    for summary in (customer, at_store):
        summary.order_count += orders
        summary.spend_yen += spend_yen
        if ordered_at is not None and (summary.last_order_at is None or ordered_at > summary.last_order_at):
            summary.last_order_at = ordered_at
