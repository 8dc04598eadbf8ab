"""Giving money of an order back, with all that hung on it: her figures, the sales, and the coupons used on it.

What the order had earned in points follows by its fact, as it does for an order whose amount changed.
"""

from datetime import datetime
from uuid import UUID

from app.commerce.events import OrderRefunded
from app.commerce.models import Order, OrderRefund
from app.commerce.problems import RefundExceedsOrder
from app.commerce.schemas import RefundCreate
from app.coupons import redeeming
from app.coupons.problems import RedemptionReversed
from app.coupons.uses import name_order
from app.customers.consents.service import CLOCKS_DIFFER_BY
from app.customers.locks import lock_found, lock_names
from app.customers.summary import add_orders, settle_usual_stores
from app.events.service import record
from app.refunds import queries
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store


def refund(
    session: ScopedSession, order_id: UUID, wanted: RefundCreate, *, scope: Scope, now: datetime
) -> tuple[Order, bool]:
    """Give money of an order back; the order as it stands then, and whether this was new. Needs the whole brand.

    When nothing is left of the order, the coupons that were used on it by its `external_id` are usable again. Raises
    NotFound for an order that `scope` does not see, Invalid for an instant that cannot be, Conflict for another refund
    by the same `external_id`, and RefundExceedsOrder.
    """
    order, store = queries.get_order(session, order_id, scope)
    lock_names(session, [f"order:{order.external_id}", name_order(store, order.external_id)])
    people = lock_found(session, lambda: queries.list_people(session, order_id))
    order, store = queries.get_order(session, order_id, scope)
    known = queries.find_refund(session, order_id, wanted.external_id)
    if known is not None:
        if known.amount_yen != wanted.amount_yen:
            raise Conflict("Another refund of this order has this external_id.")
        return order, False
    _check(order, wanted, now)
    # Of somebody who was erased the figures are nobody's, and what is said of the refund may be about her.
    customer = people.get(order.customer_id) if order.customer_id is not None else None
    is_erased = order.customer_id is not None and customer is None
    made = OrderRefund(
        id=uuid7(),
        created_at=now,
        order_id=order.id,
        store_no=order.store_no,
        external_id=wanted.external_id,
        amount_yen=wanted.amount_yen,
        refunded_at=wanted.refunded_at,
        reason=None if is_erased else wanted.reason,
        lines=[line.model_dump() for line in wanted.lines] if wanted.lines is not None else None,
    )
    order.refunded_yen += wanted.amount_yen
    session.add(order)
    if customer is not None:
        add_orders(session, customer, store, orders=0, spend_yen=-wanted.amount_yen, now=now)
        settle_usual_stores(session, [customer])
    fact = OrderRefunded(
        occurred_at=wanted.refunded_at,
        customer_id=order.customer_id,
        store_no=order.store_no,
        order_id=order.id,
        refund_id=made.id,
        amount_yen=wanted.amount_yen,
        left_yen=order.amount_yen - order.refunded_yen,
    )
    record(session, fact)
    if order.refunded_yen == order.amount_yen:
        made.reversed_redemptions = _reverse_coupons(session, store, order, made.reason, scope, now)
    session.add(made)
    session.flush()
    return order, True


def _check(order: Order, wanted: RefundCreate, now: datetime) -> None:
    """Raises Invalid or RefundExceedsOrder where this cannot have been given back."""
    if wanted.refunded_at > now + CLOCKS_DIFFER_BY:
        raise Invalid.at("/refunded_at", "Must not lie in the future.")
    if wanted.refunded_at < order.ordered_at - CLOCKS_DIFFER_BY:
        raise Invalid.at("/refunded_at", "Must not lie before the order.")
    left_yen = order.amount_yen - order.refunded_yen
    if wanted.amount_yen > left_yen:
        raise RefundExceedsOrder(paid_yen=order.amount_yen, refunded_yen=order.refunded_yen, left_yen=left_yen)


def _reverse_coupons(
    session: ScopedSession, store: Store, order: Order, reason: str | None, scope: Scope, now: datetime
) -> list[str]:
    """Undo every use of a coupon that stands on this order; the ids of those undone, as texts."""
    undone = []
    for redemption_id in queries.list_standing_uses(session, store.no, order.external_id):
        try:
            redeeming.reverse(session, redemption_id, reason=reason, scope=scope, now=now)
        except RedemptionReversed:  # somebody undid it since it was found
            continue
        undone.append(str(redemption_id))
    return undone
