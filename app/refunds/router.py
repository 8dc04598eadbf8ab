"""Refunds of orders over HTTP."""

from typing import Any

from fastapi import APIRouter, Response

from app.auth import BrandWide, Caller, Now, allow
from app.commerce.schemas import OrderRead, RefundCreate
from app.commerce.showing import read_order
from app.refunds import service
from app.routes import ApiRoute
from app.schemas import OrderId

refunds = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=ApiRoute)
routers = [refunds]

_KNOWN: dict[int | str, dict[str, Any]] = {
    200: {"model": OrderRead, "description": "This refund was recorded before; the order as it stands."}
}


@refunds.post("/{order_id}/refunds", status_code=201, responses=_KNOWN, dependencies=[allow("orders:write")])
def refund_order(
    order_id: OrderId, body: RefundCreate, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> OrderRead:
    """Give money of an order back, in part or all of it: 201 with the order, 200 if this refund is known already.

    Never more than is left of it: 409 `refund-exceeds-order` says how much that is. Sales and the customer's figures go
    down at once, on the day of the refund; points that the order had earned are taken back in proportion, within
    moments. When nothing is left of the order, coupons that were redeemed at its store with its `external_id` as their
    `order_ref` are reversed, and `reversed_redemption_ids` names them. An order must be recorded before it can be
    refunded: else 404.
    """
    order, is_new = service.refund(session, order_id, body, scope=caller.scope, now=now)
    if not is_new:
        response.status_code = 200
    return read_order(session, order)
