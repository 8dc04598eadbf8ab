"""Coupons and their copies."""

from datetime import timedelta
from typing import Any

from app.coupons.codes import new_code
from app.coupons.models import Coupon, CouponTally, IssuedCoupon
from app.coupons.offers import add_coupon
from app.customers.models import Customer
from tenants.session import ScopedSession
from tenants.tables import utc_now


def coupon(session: ScopedSession, **changes: Any) -> Coupon:
    """Head office's coupon: 200 yen off at every store, for a day from its issue."""
    values: dict[str, Any] = {
        "name": "雨の日200円引き",
        "benefit": {"kind": "amount_off", "amount_yen": 200},
        "validity": {"hours_after_issue": 24},
        "funding": {"payer": "brand"},
    }
    return add_coupon(session, Coupon(**{**values, **changes}))


def issued_coupon(
    session: ScopedSession, coupon_: Coupon | None = None, customer: Customer | None = None, **changes: Any
) -> IssuedCoupon:
    """A copy good from an hour ago until tomorrow, in the hands of a new customer unless the test names one."""
    offer = coupon_ or coupon(session)
    if customer is None:
        customer = Customer()
        session.add(customer)
        session.flush()
    now = utc_now()
    code = new_code()
    values: dict[str, Any] = {
        "coupon_id": offer.id,
        "customer_id": customer.id,
        "code": code,
        "source": f"test:{code}",
        "starts_at": now - timedelta(hours=1),
        "expires_at": now + timedelta(days=1),
    }
    row = IssuedCoupon(**{**values, **changes})
    session.add(row)
    tally = session.get_one(CouponTally, (session.scope.brand_id, offer.id))
    tally.issued += 1
    session.add(tally)
    session.flush()
    return row
