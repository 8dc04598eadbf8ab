"""Copies of coupons at the till: used, given back and withdrawn.

Uses are counted in turn at the coupon's budget, and copies under the lock of its tally. These are the last locks that a
transaction takes: first the customer, then the copy, then the counter. So caps are exact, and nobody waits in a circle.
"""

from datetime import datetime, timedelta
from uuid import UUID

from app.coupons import guessing, issue_limits, limits, queries
from app.coupons.events import CouponReversed
from app.coupons.guessing import Guesser
from app.coupons.locks import lock_by_code
from app.coupons.models import IssuedCoupon, Redemption
from app.coupons.problems import RedemptionReversed
from app.coupons.scanning import OpenKey, get_copy_code
from app.coupons.uses import Told, name_order, use
from app.customers.locks import lock_names
from app.events.service import record
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store

LATEST_SETTLEMENT = timedelta(hours=72)
"""How long after the fact a till may tell of a redemption."""


def redeem(
    session: ScopedSession,
    typed: str,
    *,
    store: Store,
    open_key: OpenKey | None = None,
    guesser: Guesser | None = None,
    device_id: UUID | None = None,
    settle_ref: str | None = None,
    amount_yen: int | None = None,
    order_ref: str | None = None,
    redeemed_at: datetime | None = None,
    now: datetime,
) -> Redemption:
    """Use a copy at a store, once; from then on the store sees the customer. Needs a session of the whole brand.

    What changes every 30 seconds is read where `open_key` opens the brand's key. A till that settles late says when it
    was (`redeemed_at`), and the copy must have been good then; one that may never hear our answer says by which
    `settle_ref` it would settle. Raises NotFound, also for cards and numbers, CodeStale, TooManyUnknownCodes, Invalid
    or the coupon's problem.
    """
    at = check_settlement(redeemed_at, now)
    code = get_copy_code(session, open_key, typed, at, guesser=guesser, now=now)
    if order_ref is not None:
        lock_names(session, [name_order(store, order_ref)])
    copy = lock_by_code(session, code)
    if copy is None:
        raise guessing.unknown(session, guesser, now)
    told = Told(
        store=store, at=at, amount_yen=amount_yen, order_ref=order_ref, device_id=device_id, settle_ref=settle_ref
    )
    return use(session, copy, told, now)


def check_settlement(redeemed_at: datetime | None, now: datetime) -> datetime:
    """When the copy was used, by the till or else by our clock. Raises Invalid outside the last 72 hours."""
    if redeemed_at is None:
        return now
    if redeemed_at > now:
        raise Invalid.at("/redeemed_at", "Must not lie in the future.")
    if redeemed_at < now - LATEST_SETTLEMENT:
        raise Invalid.at("/redeemed_at", "Must lie within the last 72 hours.")
    return redeemed_at


def reverse(
    session: ScopedSession, redemption_id: UUID, *, reason: str | None, scope: Scope, now: datetime
) -> Redemption:
    """Undo a redemption and free its code. Needs a session of the whole brand; `scope` is who asks.

    Raises NotFound, or RedemptionReversed the second time.
    """
    use = queries.lock_redemption(session, redemption_id)
    redemption, issued = use.redemption, use.issued
    if not scope.sees_store(redemption.store_no):
        raise NotFound
    if redemption.reversed_at is not None:
        raise RedemptionReversed(redemption.reversed_at)
    redemption.reversed_at, redemption.reverse_reason = now, reason
    issued.status = "issued"
    session.add_all((redemption, issued))
    limits.give_back(session, redemption)
    fact = CouponReversed(
        occurred_at=now,
        customer_id=redemption.customer_id,
        store_no=redemption.store_no,
        account_no=issued.account_no,
        coupon_id=redemption.coupon_id,
        issued_coupon_id=issued.id,
        campaign_id=issued.campaign_id,
        weather_rule_id=issued.weather_rule_id,
        run_id=issued.run_id,
        redemption_id=redemption.id,
        discount_yen=redemption.discount_yen,
    )
    record(session, fact)
    return redemption


def void(session: ScopedSession, issued_coupon_id: UUID) -> IssuedCoupon:
    """Withdraw a copy; it no longer counts against the caps. Raises NotFound, or Conflict once it has been used."""
    issued = queries.lock_issued(session, issued_coupon_id)
    if issued.status == "redeemed":
        raise Conflict("This copy has been redeemed; reverse the redemption first.")
    if issued.status == "issued":
        issued.status = "void"
        session.add(issued)
        issue_limits.withdraw_copy(session, issued)
        session.flush()
    return issued
