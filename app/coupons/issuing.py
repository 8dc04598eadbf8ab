"""Copies of coupons: put them in people's hands, one by one or a whole run at once.

Copies are counted under the lock of the coupon's tally. It is the last lock that a transaction takes: first the
customers, then the counter. So caps are exact, and nobody waits in a circle.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.coupons import issue_limits, queries, store_caps
from app.coupons.codes import new_code
from app.coupons.events import CouponIssued
from app.coupons.mass_issue import ISSUE_TO_RUN
from app.coupons.models import Coupon, CouponTally, IssuedCoupon
from app.coupons.problems import CouponAllIssued, CouponCustomerLimit, CouponEnded
from app.coupons.validity import Span, find_span
from app.customers.locks import lock_customers
from app.customers.models import Customer
from app.customers.queries import map_survivors, sees
from app.events.service import record
from app.messaging.models import Run
from app.messaging.rooms import Rooms
from tenants.ids import uuid7
from tenants.problems import NotFound, Problem
from tenants.scope import Scope
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Outcome:
    """What became of one customer whom a coupon was to be issued to: a copy, new or had before, or the problem."""

    issued: IssuedCoupon | None = None
    is_new: bool = False
    problem: Problem | None = None


@dataclass(frozen=True)
class Via:
    """The account by which somebody came to a copy, and its store where it speaks for one."""

    account_no: int
    store_no: int | None


def issue(
    session: ScopedSession,
    coupon: Coupon,
    customer_ids: Sequence[UUID],
    *,
    source: str,
    scope: Scope,
    via: Via | None = None,
    weather_rule_id: UUID | None = None,
    now: datetime,
) -> list[Outcome]:
    """Put a copy in each customer's hands, one outcome for each in their order. Needs a session of the whole brand.

    Copies of a store's own coupon are that store's. The same source gives the same customer one copy. Who lies outside
    `scope` is not found; when copies run out, those named first have them. `weather_rule_id` is the rule that caused
    them, where no run of it did.
    """
    customers = {
        key: customer for key, customer in lock_customers(session, set(customer_ids)).items() if sees(scope, customer)
    }
    tally = _lock_tally(session, coupon)
    of = map_survivors(session, {customer.id for customer in customers.values()})
    copies = queries.list_copies_of(session, coupon.id, of)
    by_source = {of[copy.customer_id]: copy for copy in copies if copy.source == source}
    held = Counter(of[copy.customer_id] for copy in copies if copy.status != "void")
    zone = queries.zone_of(session)
    span, on = _span_at(session, coupon, zone, now), now.astimezone(zone).date()
    places = store_caps.read_places(session, coupon, tally)
    store_no = via.store_no if via is not None and coupon.store_no is None else coupon.store_no
    outcomes = []
    for asked in customer_ids:
        customer = customers.get(asked)
        if customer is not None and (copy := by_source.get(customer.id)) is not None:
            outcomes.append(Outcome(copy))
            continue
        problem = _why_not_issue(coupon, tally, customer, held, span, now, on)
        if problem is None and places is not None:
            problem = places.find_refusal(store_no)
        if customer is None or problem is not None:
            outcomes.append(Outcome(problem=problem))
            continue
        customer_id = customer.id
        copy = IssuedCoupon(
            created_at=now,
            coupon_id=coupon.id,
            customer_id=customer_id,
            code=new_code(),
            source=source,
            store_no=store_no,
            account_no=None if via is None else via.account_no,
            weather_rule_id=weather_rule_id,
            starts_at=span.starts_at,
            expires_at=span.expires_at,
            reserved_yen=issue_limits.count_copy(coupon, tally, on),
        )
        by_source[customer_id] = copy
        held[customer_id] += 1
        if places is not None:
            places.count(store_no)
        outcomes.append(Outcome(copy, is_new=True))
    added = [outcome.issued for outcome in outcomes if outcome.issued is not None and outcome.is_new]
    session.add_all(added)
    session.flush()
    store_caps.count_copies(session, tally, [copy.store_no for copy in added])
    record(session, *(_issued_fact(copy, now) for copy in added))
    return outcomes


def _lock_tally(session: ScopedSession, coupon: Coupon) -> CouponTally:
    """How many copies there are, locked, and the coupon's limits as they stand now: both change under this lock."""
    tally = queries.lock_tally(session, coupon.id)
    session.refresh(coupon, ["benefit", "limits"])
    return tally


def _why_not_issue(
    coupon: Coupon,
    tally: CouponTally,
    customer: Customer | None,
    held: Counter[UUID],
    span: Span,
    now: datetime,
    on: date,
) -> Problem | None:
    per_customer = coupon.limits.get("per_customer")
    if customer is None:
        return NotFound()
    if span.expires_at <= now:
        return CouponEnded(span.expires_at)
    if per_customer is not None and held[customer.id] >= per_customer:
        return CouponCustomerLimit(per_customer)
    return issue_limits.find_issue_refusal(coupon, tally, on)


def _span_at(
    session: ScopedSession, coupon: Coupon, zone: ZoneInfo, now: datetime, business_on: date | None = None
) -> Span:
    """The span of a copy issued now. A weather day ends when the last store that redeems the coupon closes."""
    on = business_on or now.astimezone(zone).date()
    hours = queries.list_hours(session, coupon.redeemable_store_nos) if "weather_day" in coupon.validity else []
    return find_span(coupon.validity, issued_at=now, business_on=on, hours=hours, zone=zone)


def require_current(session: ScopedSession, coupon: Coupon, now: datetime) -> None:
    """Raises CouponEnded when a copy issued now could never be used."""
    span = _span_at(session, coupon, queries.zone_of(session), now)
    if span.expires_at <= now:
        raise CouponEnded(span.expires_at)


def remaining(session: ScopedSession, coupon: Coupon, now: datetime) -> int | None:
    """How many copies may still be issued now; None without a cap. The tally stays locked, so that this stays true."""
    tally = _lock_tally(session, coupon)
    return issue_limits.count_room(coupon, tally, now.astimezone(queries.zone_of(session)).date())


def rooms(session: ScopedSession, coupon: Coupon) -> Rooms | None:
    """The same by store and by area; None without such a cap."""
    places = store_caps.read_places(session, coupon, _lock_tally(session, coupon))
    return None if places is None else places.rooms()


def holds_too_many(coupon: Coupon) -> ColumnElement[bool] | None:
    """The condition on `Customer` that she has as many copies as one customer may have; None without that cap."""
    per_customer = coupon.limits.get("per_customer")
    if per_customer is None:
        return None
    merged = aliased(Customer)
    is_merged = and_(
        col(merged.brand_id) == col(IssuedCoupon.brand_id),
        col(merged.id) == col(IssuedCoupon.customer_id),
        col(merged.merged_into_id).is_not(None),
    )
    # A copy that both of two people had of one run stayed behind when they were joined; it is hers all the same.
    holder = func.coalesce(col(merged.merged_into_id), col(IssuedCoupon.customer_id))
    holders = (
        select(holder)
        .select_from(IssuedCoupon)
        .outerjoin(merged, is_merged)
        .where(
            col(IssuedCoupon.brand_id) == coupon.brand_id,
            col(IssuedCoupon.coupon_id) == coupon.id,
            col(IssuedCoupon.status) != "void",
        )
        .group_by(holder)
        .having(func.count() >= per_customer)
    )
    return col(Customer.id).in_(holders)


def issue_to_run(session: ScopedSession, coupon: Coupon, run: Run, *, now: datetime) -> int:
    """Give everybody whom a run sends to a copy, in one statement; answers how many were given.

    A second call gives none. The freeze has kept to the caps: it asked `remaining` and `rooms`, which locked the tally,
    and left out whoever `holds_too_many`. Raises CouponAllIssued or CouponLimitReached rather than issue one too many.
    """
    zone = queries.zone_of(session)
    span = _span_at(session, coupon, zone, now, run.business_on)
    session.flush()
    values = {
        "brand_id": session.scope.brand_id,
        "coupon_id": coupon.id,
        "run_id": run.id,
        "campaign_id": run.campaign_id,
        "weather_rule_id": run.weather_rule_id,
        "source": f"run:{run.id}",
        "starts_at": span.starts_at,
        "expires_at": span.expires_at,
        "now": now,
        "milliseconds": uuid7().int >> 80,
        "counted_on": now.astimezone(zone).date(),
        "reserved_yen": (reserved_yen := issue_limits.set_aside_yen(coupon)),
        "total": (total := coupon.limits.get("total")),
        "per_day": coupon.limits.get("issued_per_day"),
        "budget_yen": coupon.limits["budget_yen"] if reserved_yen else None,
    }
    issued = session.connection().execute(ISSUE_TO_RUN, values).scalar_one_or_none()
    if issued is None:
        raise CouponAllIssued(total or 0)
    if issued:
        store_caps.count_run(session, coupon, run.id)
    return int(issued)


def _issued_fact(issued: IssuedCoupon, now: datetime) -> CouponIssued:
    return CouponIssued(
        occurred_at=now,
        customer_id=issued.customer_id,
        store_no=issued.store_no,
        account_no=issued.account_no,
        coupon_id=issued.coupon_id,
        issued_coupon_id=issued.id,
        campaign_id=issued.campaign_id,
        weather_rule_id=issued.weather_rule_id,
        run_id=issued.run_id,
    )
