"""Copies of coupons at the till: used, given back and withdrawn.

Uses are counted under the lock of the coupon's budget, and copies under that of its tally. These are the last locks
that a transaction takes: first the copy, then the customer, then the counter. So caps are exact, and nobody waits in a
circle.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from app.coupons import queries
from app.coupons.codes import find_code
from app.coupons.events import CouponRedeemed, CouponReversed
from app.coupons.models import Coupon, CouponBudget, IssuedCoupon, Redemption
from app.coupons.problems import (
    CouponAlreadyRedeemed,
    CouponBudgetSpent,
    CouponDailyLimit,
    CouponEnded,
    CouponMinimumSpend,
    CouponNotHere,
    CouponNotStarted,
    CouponVoid,
    RedemptionReversed,
)
from app.customers.summary import tie_to_store
from app.events.service import record
from tenants.problems import Conflict, Invalid, NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store

LATEST_SETTLEMENT = timedelta(hours=72)
"""How long after the fact a till may tell of a redemption."""


def redeem(
    session: ScopedSession,
    typed: str,
    *,
    store: Store,
    amount_yen: int | None = None,
    order_ref: str | None = None,
    redeemed_at: datetime | None = None,
    now: datetime,
) -> Redemption:
    """Use a copy at a store, once; from then on the store sees the customer. Needs a session of the whole brand.

    A till that settles late says when it was (`redeemed_at`), and the copy must have been good then. Raises NotFound,
    Invalid or the coupon's problem.
    """
    at = _check_settlement(redeemed_at, now)
    code = find_code(typed)
    if code is None:
        raise NotFound
    copy = queries.lock_by_code(session, code)
    issued, coupon = copy.issued, copy.coupon
    _check_usable(session, issued, coupon, store, at)
    discount_yen = _discount(coupon, amount_yen)
    business_on = opening_hours.business_day(store.opening_hours, at, copy.zone)
    per_day = coupon.limits.get("per_store_per_day")
    if per_day is not None:
        queries.lock_budget(session, coupon.id)
        if queries.count_of_day(session, coupon.id, store.no, business_on) >= per_day:
            raise CouponDailyLimit(per_day)
    _spend(session, coupon, discount_yen)
    redemption = Redemption(
        created_at=now,
        issued_coupon_id=issued.id,
        coupon_id=coupon.id,
        customer_id=copy.customer.id,
        store_id=store.id,
        store_no=store.no,
        amount_yen=amount_yen,
        discount_yen=discount_yen,
        order_ref=order_ref,
        redeemed_at=at,
        business_on=business_on,
    )
    issued.status = "redeemed"
    session.add_all((redemption, issued))
    tie_to_store(session, copy.customer, store)
    fact = CouponRedeemed(
        occurred_at=at,
        customer_id=copy.customer.id,
        store_no=store.no,
        account_no=issued.account_no,
        coupon_id=coupon.id,
        issued_coupon_id=issued.id,
        campaign_id=issued.campaign_id,
        weather_rule_id=issued.weather_rule_id,
        run_id=issued.run_id,
        redemption_id=redemption.id,
        discount_yen=discount_yen,
        amount_yen=amount_yen,
    )
    record(session, fact)
    return redemption


def _check_settlement(redeemed_at: datetime | None, now: datetime) -> datetime:
    """When the copy was used, by the till or else by our clock. Raises Invalid outside the last 72 hours."""
    if redeemed_at is None:
        return now
    if redeemed_at > now:
        raise Invalid.at("/redeemed_at", "Must not lie in the future.")
    if redeemed_at < now - LATEST_SETTLEMENT:
        raise Invalid.at("/redeemed_at", "Must lie within the last 72 hours.")
    return redeemed_at


def _check_usable(session: ScopedSession, issued: IssuedCoupon, coupon: Coupon, store: Store, at: datetime) -> None:
    """Raises the problem of a copy that cannot be used at this store at this moment."""
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


def _discount(coupon: Coupon, amount_yen: int | None) -> int:
    """What using the coupon on this amount costs, in yen. Raises CouponMinimumSpend, or Invalid without an amount."""
    benefit = coupon.benefit
    if amount_yen is None:
        if coupon.min_spend_yen or benefit["kind"] == "percent_off":
            raise Invalid.at("/amount_yen", "This coupon needs the amount.")
        return int(benefit.get("amount_yen", 0))
    if amount_yen < coupon.min_spend_yen:
        raise CouponMinimumSpend(coupon.min_spend_yen)
    if benefit["kind"] == "percent_off":
        return amount_yen * int(benefit["percent"]) // 100
    given = int(benefit.get("amount_yen", 0))
    return min(given, amount_yen) if benefit["kind"] == "amount_off" else given


def _spend(session: ScopedSession, coupon: Coupon, discount_yen: int) -> None:
    """Count a redemption, unless its yen would pass the budget. Raises CouponBudgetSpent."""
    spent = col(CouponBudget.discount_yen) + discount_yen
    count = update(CouponBudget).where(col(CouponBudget.coupon_id) == coupon.id)
    budget_yen = coupon.limits.get("budget_yen")
    if budget_yen is not None:
        count = count.where(spent <= budget_yen)
    count = count.values(redeemed=col(CouponBudget.redeemed) + 1, discount_yen=spent)
    counted = count.returning(col(CouponBudget.redeemed))
    if session.execute(counted, execution_options={"synchronize_session": False}).one_or_none() is None:
        raise CouponBudgetSpent


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
    budget = queries.lock_budget(session, redemption.coupon_id)
    budget.redeemed -= 1
    budget.discount_yen -= redemption.discount_yen
    session.add_all((redemption, issued, budget))
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
        tally = queries.lock_tally(session, issued.coupon_id)
        tally.issued -= 1
        session.add_all((issued, tally))
        session.flush()
    return issued
