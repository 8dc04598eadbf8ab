"""Orders as they are shown, with their refunds."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.commerce import queries
from app.commerce.models import Order, OrderRefund
from app.commerce.schemas import OrderRead
from tenants.session import ScopedSession


def read_order(session: ScopedSession, order: Order) -> OrderRead:
    """An order as the session's scope sees it."""
    return read_orders(session, [order])[0]


def read_orders(session: ScopedSession, orders: Sequence[Order]) -> list[OrderRead]:
    """Orders as the session's scope sees them."""
    refunds = queries.map_refunds(session, [order.id for order in orders if order.refunded_yen])
    return [
        OrderRead.model_validate(
            {**order.model_dump(), "refunds": [_refund(refund) for refund in refunds.get(order.id, ())]}
        )
        for order in orders
    ]


def _refund(refund: OrderRefund) -> dict[str, Any]:
    reversed_ids = [UUID(text) for text in refund.reversed_redemptions]
    return {**refund.model_dump(), "reversed_redemption_ids": reversed_ids}
