"""Resolving a card: who stands at the counter, and which of her coupons this store takes now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.coupons import queries
from app.coupons.codes import find_code
from app.coupons.models import Coupon, IssuedCoupon
from app.customers.events import CustomerUpdated
from app.customers.locks import lock_customer
from app.customers.models import Customer
from app.customers.queries import find_display_name
from app.customers.summary import tie_to_store
from app.events.service import record
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store


@dataclass(frozen=True)
class Card:
    """A person, the name to greet her with, and her copies that can be used, with their offers."""

    customer: Customer
    nickname: str | None
    copies: Sequence[tuple[IssuedCoupon, Coupon]]
    shows_codes: bool
    """Whether she showed a code herself. A member number is printed and easy to guess: it opens no coupon."""


def resolve(session: ScopedSession, typed: str, *, store: Store | None, now: datetime) -> Card:
    """Whoever holds this coupon code or has this member number, at whatever store of the brand she got it.

    From then on the store sees her. Without a store her coupons are those that any store takes. Needs a session of the
    whole brand. Raises NotFound.
    """
    code = find_code(typed)
    customer = queries.find_holder(session, code) if code is not None else None
    by_code = customer is not None
    if customer is None:
        customer = queries.find_member(session, typed.strip())
    if customer is None:
        raise NotFound
    if store is not None and store.no not in customer.store_nos:
        customer = lock_customer(session, customer.id)
        tie_to_store(session, customer, store, tied_at=now)
        about: dict[str, Any] = {"occurred_at": now, "customer_id": customer.id, "store_no": store.no}
        record(session, CustomerUpdated(fields=("store_ids",), **about))
    copies = [
        (copy, coupon)
        for copy, coupon in queries.list_current_copies(session, customer.id, now)
        if store is None or _is_taken(session, coupon, store, now)
    ]
    return Card(customer, find_display_name(session, customer.id) or customer.name, copies, by_code)


def _is_taken(session: ScopedSession, coupon: Coupon, store: Store, now: datetime) -> bool:
    """Whether this store would take the coupon now, whatever she spends: by place, by day and by budget."""
    if coupon.redeemable_store_nos is not None and store.no not in coupon.redeemable_store_nos:
        return False
    per_day, budget_yen = coupon.limits.get("per_store_per_day"), coupon.limits.get("budget_yen")
    if per_day is not None:
        on = opening_hours.business_day(store.opening_hours, now, queries.zone_of(session))
        if queries.count_of_day(session, coupon.id, store.no, on) >= per_day:
            return False
    return budget_yen is None or queries.get_budget(session, coupon.id).discount_yen < budget_yen
