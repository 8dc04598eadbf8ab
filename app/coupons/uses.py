"""One use of a copy: whether it is good there and then, what it gives, and what is written of it.

A till that redeems, one that settles what it took offline, and one that only asks what a basket would get all come
through here, so that they are told the same.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from app.coupons import limits, queries
from app.coupons.booking import book
from app.coupons.combining import go_together
from app.coupons.events import CouponRedeemed
from app.coupons.funding import split_discount
from app.coupons.limits import Use
from app.coupons.locks import AnyCoupon, Copy
from app.coupons.models import IssuedCoupon, Redemption
from app.coupons.problems import (
    CouponAlreadyRedeemed,
    CouponEnded,
    CouponMinimumSpend,
    CouponNotCombinable,
    CouponNotHere,
    CouponNotNow,
    CouponNotStarted,
    CouponVoid,
)
from app.coupons.validity import is_usable_at
from tenants.ids import uuid7
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a till tells of a use."""

    store: Store
    at: datetime
    amount_yen: int | None = None
    order_ref: str | None = None
    device_id: UUID | None = None
    settle_ref: str | None = None


def name_order(store: Store, order_ref: str) -> str:
    """The name by which an order of a store is held, before any row: two tills on one order take turns."""
    return f"order:{store.no}:{order_ref}"


def use(session: ScopedSession, copy: Copy, told: Told, now: datetime) -> Redemption:
    """Use a locked copy, on an order that is held: its redemption, written, counted and recorded.

    Raises Invalid or the coupon's problem; then nothing has been counted. The coupon's budget stays locked.
    """
    coupon, store = copy.offer, told.store
    check_copy(session, copy, coupon, store, told.at)
    check_time(coupon, store, told.at, copy.zone)
    discount_yen = discount(coupon, told.amount_yen)
    check_combinable(session, coupon, store, told.order_ref)
    business_on = business_day(store, told.at, copy.zone)
    limits.check(session, coupon, Use(copy.customer_id, store.no, business_on, discount_yen))
    redemption_id = uuid7()
    row = {
        "id": redemption_id,
        "created_at": now,
        "issued_coupon_id": copy.id,
        "coupon_id": coupon.id,
        "customer_id": copy.customer_id,
        "store_id": store.id,
        "store_no": store.no,
        "amount_yen": told.amount_yen,
        "discount_yen": discount_yen,
        "funding": split_discount(coupon.funding, copy.store_no, store.no, discount_yen),
        "order_ref": told.order_ref,
        "redeemed_at": told.at,
        "business_on": business_on,
        "reversed_at": None,
        "reverse_reason": None,
        "device_id": told.device_id,
        "settle_ref": told.settle_ref,
    }
    fact = CouponRedeemed(
        occurred_at=told.at,
        customer_id=copy.customer_id,
        store_no=store.no,
        account_no=copy.account_no,
        coupon_id=coupon.id,
        issued_coupon_id=copy.id,
        campaign_id=copy.campaign_id,
        weather_rule_id=copy.weather_rule_id,
        run_id=copy.run_id,
        redemption_id=redemption_id,
        discount_yen=discount_yen,
        amount_yen=told.amount_yen,
    )
    booked = book(session, copy, row, fact)
    if booked is None:
        raise limits.find_reached(session, coupon, discount_yen)
    if booked.is_counted:
        limits.count_places(session, coupon.id, store.no, business_on, 1, discount_yen)
    return booked.redemption


def check_copy(
    session: ScopedSession, issued: IssuedCoupon | Copy, coupon: AnyCoupon, store: Store, at: datetime
) -> None:
    """Raises the problem of a copy that cannot be used at this store at this moment, whatever she spends."""
    if issued.status == "void":
        raise CouponVoid
    if issued.status == "redeemed":
        raise CouponAlreadyRedeemed(*queries.find_standing(session, issued.id))
    if coupon.redeemable_store_nos is not None and store.no not in coupon.redeemable_store_nos:
        raise CouponNotHere
    if at < issued.starts_at:
        raise CouponNotStarted(issued.starts_at)
    if at >= issued.expires_at:
        raise CouponEnded(issued.expires_at)


def check_time(coupon: AnyCoupon, store: Store, at: datetime, zone: ZoneInfo) -> None:
    """Raises CouponNotNow at an hour or on a weekday at which the coupon is not used at this store."""
    times = coupon.usable_times
    if times is not None and not is_usable_at(times, at, store.opening_hours, zone):
        raise CouponNotNow(bool(times.get("within_opening_hours")), times.get("weekdays"), times.get("hours"))


def discount(coupon: AnyCoupon, amount_yen: int | None) -> int:
    """What using the coupon on this amount costs, in yen. Raises CouponMinimumSpend, or Invalid without an amount."""
    benefit = coupon.benefit
    if amount_yen is None:
        if needs_amount(coupon):
            raise Invalid.at("/amount_yen", "This coupon needs the amount.")
        return int(benefit.get("amount_yen", 0))
    if amount_yen < coupon.min_spend_yen:
        raise CouponMinimumSpend(coupon.min_spend_yen)
    if benefit["kind"] == "percent_off":
        taken_off = amount_yen * int(benefit["percent"]) // 100
        return taken_off if benefit.get("most_yen") is None else min(taken_off, int(benefit["most_yen"]))
    given = int(benefit.get("amount_yen", 0))
    return min(given, amount_yen) if benefit["kind"] == "amount_off" else given


def needs_amount(coupon: AnyCoupon) -> bool:
    """Whether a till must say the amount."""
    return bool(coupon.min_spend_yen) or coupon.benefit["kind"] == "percent_off"


def check_combinable(session: ScopedSession, coupon: AnyCoupon, store: Store, order_ref: str | None) -> None:
    """Raises CouponNotCombinable where a coupon stands on this order of the store that this one does not go with."""
    if order_ref is None:
        return
    for other in queries.list_used_on_order(session, store.no, order_ref):
        if not go_together(coupon, other):
            raise CouponNotCombinable(other.name)


def business_day(store: Store, at: datetime, zone: ZoneInfo) -> date:
    """The store's business day, by which its daily limits count."""
    return opening_hours.business_day(store.opening_hours, at, zone)
