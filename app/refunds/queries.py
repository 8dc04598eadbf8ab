"""Reads of an order that is refunded, and of what hangs on it."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select

from app.commerce.models import Order, OrderRefund
from app.coupons.models import Redemption
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


def get_order(session: ScopedSession, order_id: UUID, scope: Scope) -> tuple[Order, Store]:
    """An order and its store, as they stand now. Raises NotFound unless it is at a store of the scope."""
    order = session.exec(
        select(Order).where(col(Order.id) == order_id).execution_options(populate_existing=True)
    ).one_or_none()
    if order is None or not scope.sees_store(order.store_no):
        raise NotFound
    return order, session.exec(select(Store).where(col(Store.id) == order.store_id)).one()


def find_refund(session: ScopedSession, order_id: UUID, external_id: str) -> OrderRefund | None:
    """The refund of an order by the partner's own id."""
    known = select(OrderRefund).where(col(OrderRefund.order_id) == order_id)
    return session.exec(known.where(col(OrderRefund.external_id) == external_id)).one_or_none()


def list_standing_uses(session: ScopedSession, store_no: int, order_ref: str) -> Sequence[UUID]:
    """Redemptions that stand on an order of a store."""
    uses = select(Redemption.id).where(
        col(Redemption.store_no) == store_no,
        col(Redemption.order_ref) == order_ref,
        col(Redemption.reversed_at).is_(None),
    )
    return session.exec(uses.order_by(col(Redemption.id))).all()


def list_people(session: ScopedSession, order_id: UUID) -> Collection[UUID]:
    """Whose order it is, and who used coupons on it."""
    of_order = select(Order.customer_id, Order.store_no, Order.external_id).where(col(Order.id) == order_id)
    customer_id, store_no, order_ref = session.exec(of_order).one()
    holders = select(Redemption.customer_id).where(
        col(Redemption.store_no) == store_no,
        col(Redemption.order_ref) == order_ref,
        col(Redemption.reversed_at).is_(None),
    )
    return {*session.exec(holders).all(), *([customer_id] if customer_id is not None else [])}
