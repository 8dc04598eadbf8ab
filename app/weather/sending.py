"""From firings to a run: the friends of the stores that fired, their coupon, and who is held out."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import ColumnElement, and_, true
from sqlmodel import col

from app.coupons import issuing
from app.coupons import queries as coupons
from app.coupons.models import Coupon
from app.customers.models import Customer
from app.messaging import planning
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.audience import Audience, fall_back
from app.messaging.freeze import lock_brand
from app.messaging.models import Run
from app.messaging.policies import read_policy
from app.segments import service as segments
from app.segments.compiler import compile_where
from app.weather import flips, queries
from app.weather.models import WeatherDecision, WeatherRule
from app.weather.schemas import RuleAudience
from tenants.brands.queries import get_brand
from tenants.problems import NotFound
from tenants.session import ScopedSession, as_seen_by
from tenants.stores import opening_hours

log = structlog.get_logger("weather")


def start_runs(session: ScopedSession, rule_id: UUID, now: datetime) -> list[Run]:
    """Start a run for each business day's firings of a rule that have none yet; a second call finds nothing to do.

    Those of rules of higher priority are started before: whoever would hear from two rules on one day hears from that
    of the higher one, whichever job comes first.

    A rule that has been paused or archived since it fired sends nothing, nor does one whose coupon has, nor one whose
    brand is suspended or stopped, nor a firing of a day that is over. `now` is the real clock, from which a rehearsed
    tick's own clock is a fixed distance away.
    """
    lock_brand(session)
    try:
        before = queries.list_unsent_before(session, queries.lock_rule(session, rule_id))
    except NotFound:
        log.warning("weather_firing_not_sent", rule=str(rule_id))
        return []
    return [run for one in (*before, rule_id) for run in _start_runs(session, one, now)]


def _start_runs(session: ScopedSession, rule_id: UUID, now: datetime) -> list[Run]:
    try:
        rule = queries.lock_rule(session, rule_id)
        coupon = coupons.get_coupon(session, rule.coupon_id) if rule.coupon_id else None
    except NotFound:
        log.warning("weather_firing_not_sent", rule=str(rule_id))
        return []
    unsent = queries.list_unsent(session, rule_id)
    brand = get_brand(session, session.scope.brand_id)
    if rule.status != "live" or brand.suspended_at is not None or brand.sending_stopped_at is not None:
        return []
    found: list[Run] = []
    for (business_on, shift), group in groupby(sorted(unsent, key=_batch_of), key=_batch_of):
        decisions = list(group)
        at = now + timedelta(seconds=shift)
        valid_until = _first_closing(session, decisions, business_on, at)
        if valid_until < at:
            log.info("weather_firing_too_late", rule=str(rule_id), business_on=business_on.isoformat())
            continue
        decisions = flips.keep_standing(session, rule, decisions, at)
        if not decisions:
            continue
        run = _start_run(session, rule, coupon, decisions, valid_until=valid_until, shift=shift, now=now)
        for decision in decisions:
            decision.run_id = run.id
            session.add(decision)
        found.append(run)
    session.flush()
    return found


def _batch_of(decision: WeatherDecision) -> tuple[date, int]:
    return decision.business_on, decision.clock_shift_seconds


def _start_run(
    session: ScopedSession,
    rule: WeatherRule,
    coupon: Coupon | None,
    decisions: Sequence[WeatherDecision],
    *,
    valid_until: datetime,
    shift: int,
    now: datetime,
) -> Run:
    business_on = decisions[0].business_on
    senders = planning.list_senders(session, sorted(decision.store_no for decision in decisions), None)
    reached = col(Customer.account_nos).op("&&")([sender.account_no for sender in senders])
    brand = get_brand(session, session.scope.brand_id)
    audience = Audience(
        where=and_(asked_for(session, rule, now), reached),
        senders=senders,
        sender_policy=read_policy(None, brand.sender_policy),
        only_tied=True,
        holdout_ratio=rule.holdout_ratio,
        holdout_salt=f"{rule.id}:{season_of(business_on)}",
        cap_run_ids=runs.list_weather_run_ids(session, business_on, rule.id, rule.cooldown_days),
        capped=issuing.holds_too_many(coupon) if coupon else None,
        most=issuing.remaining(session, coupon, now) if coupon else None,
        rooms=issuing.rooms(session, coupon) if coupon else None,
        owner_no=rule.store_no,
    )
    run, _ = messaging.start_run(
        session,
        cause=messaging.Cause(
            kind="weather",
            weather_rule_id=rule.id,
            business_on=business_on,
            store_no=rule.store_no,
            valid_until=valid_until,
            clock_shift_seconds=shift,
        ),
        content=messaging.Content(
            messages=rule.messages,
            fallback_messages=rule.fallback_messages,
            coupon_id=rule.coupon_id,
            coupon_name=coupon.name if coupon else None,
            tracking="campaign",
        ),
        audience=fall_back(audience) if rule.fallback_messages else audience,
        now=now,
    )
    if coupon is not None:
        issuing.issue_to_run(session, coupon, run, now=now)
    return run


def season_of(on: date) -> str:
    """The season of a date, such as `2026-winter`; December belongs to the next year's winter.

    Hold-outs are drawn anew each season, so that nobody is kept from a rule for good.
    """
    names = ("winter", "spring", "summer", "autumn")
    return f"{on.year + on.month // 12}-{names[on.month % 12 // 3]}"


def asked_for(session: ScopedSession, rule: WeatherRule, now: datetime) -> ColumnElement[bool]:
    """Whom a rule asks for, as a condition on `Customer`, before it is said whose friends they are."""
    audience = RuleAudience.model_validate(rule.audience or {})
    with as_seen_by(session, rule.store_no) as inside:
        if audience.segment_id is not None:
            return segments.customer_filter(inside, audience.segment_id, now)
        if audience.rule is not None:
            skip_unseen = rule.store_no is not None
            return compile_where(inside, audience.rule, now, at="/audience/rule", skip_unseen=skip_unseen)
    return true()


def _first_closing(
    session: ScopedSession, decisions: Sequence[WeatherDecision], business_on: date, at: datetime
) -> datetime:
    """When the first of these stores closes for the day: nobody is invited to a closed door."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    fired = {decision.store_id for decision in decisions}
    closings = [
        closes_at
        for store in queries.list_stores(session)
        if store.id in fired
        for _, closes_at in opening_hours.intervals(store.opening_hours, business_on, zone)[-1:]
    ]
    return min(closings, default=at)
