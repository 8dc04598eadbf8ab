"""Resolving a card: who stands at the counter, and what each of her coupons would give on this basket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.coupons import limits, queries, uses
from app.coupons.guessing import Guesser
from app.coupons.limits import Use
from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.scanning import OpenKey, find_scanned
from app.customers.events import CustomerUpdated
from app.customers.locks import lock_customer
from app.customers.models import Customer
from app.customers.queries import find_display_name
from app.customers.summary import tie_to_store
from app.events.service import record
from app.loyalty.queries import LoyaltyStanding, read_standing
from tenants.problems import Problem
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True)
class CardCopy:
    """A copy in her hands: what it would give now, in yen where that is known, or why it cannot be used."""

    issued: IssuedCoupon
    coupon: Coupon
    discount_yen: int | None
    problem: Problem | None


@dataclass(frozen=True)
class Card:
    """A person, the name to greet her with, and her copies, those that end first ahead."""

    customer: Customer
    nickname: str | None
    copies: Sequence[CardCopy]
    shows_codes: bool
    """Whether she showed a code herself. A number is printed and easy to guess: it opens no coupon."""
    standing: LoyaltyStanding


@dataclass(frozen=True)
class Basket:
    """What she is about to pay for: the amount, and the order that other coupons may be used on."""

    amount_yen: int | None
    order_ref: str | None


def resolve(
    session: ScopedSession,
    open_key: OpenKey,
    typed: str,
    *,
    store: Store | None,
    basket: Basket | None = None,
    guesser: Guesser | None = None,
    now: datetime,
) -> Card:
    """Whoever holds this coupon code, card or member number, at whatever store of the brand she got it.

    From then on the store sees her. Her coupons are those that the store takes now; with a basket all in her hands,
    with the reason where one cannot be used. Without a store they are weighed as far as they are the same everywhere.
    Needs a session of the whole brand. Raises as `find_scanned` does.
    """
    scanned = find_scanned(session, open_key, typed, now, guesser=guesser)
    customer = scanned.customer
    if store is not None and store.no not in customer.store_nos:
        customer = lock_customer(session, customer.id)
        tie_to_store(session, customer, store, tied_at=now)
        about: dict[str, Any] = {"occurred_at": now, "customer_id": customer.id, "store_no": store.no}
        record(session, CustomerUpdated(fields=("store_ids",), **about))
    zone = queries.zone_of(session)
    held = queries.list_current_copies(session, customer.id, now, also_later=basket is not None)
    copies = [_weigh(session, *one, customer, store, basket or Basket(None, None), now, zone) for one in held]
    taken = [copy for copy in copies if basket is not None or copy.problem is None]
    nickname = find_display_name(session, customer.id) or customer.name
    return Card(customer, nickname, taken, scanned.is_shown, read_standing(session, customer.id, now))


def _weigh(
    session: ScopedSession,
    issued: IssuedCoupon,
    coupon: Coupon,
    customer: Customer,
    store: Store | None,
    basket: Basket,
    now: datetime,
    zone: ZoneInfo,
) -> CardCopy:
    """What a copy would give, as things stand: nothing is locked or counted."""
    discount_yen = None
    try:
        if basket.amount_yen is not None or not uses.needs_amount(coupon):
            discount_yen = uses.discount(coupon, basket.amount_yen)
        if store is not None:
            uses.check_copy(session, issued, coupon, store, now)
            uses.check_time(coupon, store, now, zone)
            uses.check_combinable(session, coupon, store, basket.order_ref)
    except Problem as problem:
        return CardCopy(issued, coupon, None, problem)
    refusal = None
    if store is not None:
        business_on = uses.business_day(store, now, zone)
        # Of a discount that is not known yet, one yen at least.
        cost_yen = 1 if discount_yen is None else discount_yen
        refusal = limits.find_refusal(session, coupon, Use(customer.id, store.no, business_on, cost_yen))
    return CardCopy(issued, coupon, discount_yen if refusal is None else None, refusal)
