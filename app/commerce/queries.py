"""Reads of orders and visits."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, select

from app.commerce.models import Order, OrderRefund, Visit
from app.customers.models import CustomerStore
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store

Row = TypeVar("Row", Order, Visit)


@dataclass(frozen=True)
class Filters:
    """Which orders or visits a list holds; None does not filter."""

    customer_id: UUID | None = None
    store_no: int | None = None
    external_id: str | None = None


def list_rows(table: type[Row], filters: Filters) -> Any:
    """The orders or visits of the scope, to be paged."""
    rows = select(table)
    if filters.customer_id is not None:
        rows = rows.where(col(table.customer_id) == filters.customer_id)
    if filters.store_no is not None:
        rows = rows.where(col(table.store_no) == filters.store_no)
    if filters.external_id is not None:
        rows = rows.where(col(table.external_id) == filters.external_id)
    return rows


def get_row(session: ScopedSession, table: type[Row], row_id: UUID) -> Row:
    """An order or a visit that the scope sees. Raises NotFound."""
    row = session.exec(select(table).where(col(table.id) == row_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def map_refunds(session: ScopedSession, order_ids: Collection[UUID]) -> Mapping[UUID, list[OrderRefund]]:
    """The refunds of these orders that the scope sees, by order, in the order in which they were told."""
    rows = select(OrderRefund).where(col(OrderRefund.order_id).in_(order_ids)).order_by(col(OrderRefund.id))
    found: defaultdict[UUID, list[OrderRefund]] = defaultdict(list)
    for refund in session.exec(rows).all() if order_ids else ():
        found[refund.order_id].append(refund)
    return found


def map_rows(session: ScopedSession, table: type[Row], external_ids: Collection[str]) -> dict[str, Row]:
    """Orders or visits by the partner's id."""
    rows = select(table).where(col(table.external_id).in_(external_ids))
    return {row.external_id: row for row in session.exec(rows.execution_options(populate_existing=True)).all()}


def map_stores(session: ScopedSession, store_ids: Collection[UUID]) -> dict[UUID, Store]:
    """Stores by id."""
    return {row.id: row for row in session.exec(select(Store).where(col(Store.id).in_(store_ids))).all()}


def list_ties(session: ScopedSession, customer_ids: Collection[UUID]) -> Sequence[CustomerStore]:
    """What locked customers did at each store, as it stands now."""
    rows = select(CustomerStore).where(col(CustomerStore.customer_id).in_(customer_ids))
    return session.exec(rows.execution_options(populate_existing=True)).all()


def move_refunds(session: ScopedSession, order: Order) -> None:
    """Have the refunds of an order be seen where the order is."""
    theirs = update(OrderRefund).where(col(OrderRefund.order_id) == order.id)
    session.execute(theirs.values(store_no=order.store_no), execution_options={"synchronize_session": False})


def find_last_at(
    session: ScopedSession, table: type[Row], at: str, customer_id: UUID, store_id: UUID | None = None
) -> datetime | None:
    """The newest instant (the column `at`) of her orders or visits, at one store or anywhere."""
    newest: Any = func.max(getattr(table, at))
    rows = select(newest).where(col(table.customer_id) == customer_id)
    if store_id is not None:
        rows = rows.where(col(table.store_id) == store_id)
    found: datetime | None = session.exec(rows).one()
    return found
