"""Approval before sending: somebody looks at what a rule would send today, and lets all of it go out at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from app.jobs.queue import defer
from app.weather import queries
from app.weather.conditions import parse_window
from app.weather.decisions import conclude, lock_ticks
from app.weather.models import WeatherDecision, WeatherRule
from app.weather.problems import NothingToApprove, WeatherApprovalExpired
from app.weather.recording import write_down
from app.weather.tasks import send_fired
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store


def approve(session: ScopedSession, decision_id: UUID, now: datetime) -> list[UUID]:
    """Let the rule of a decision fire on its business day for every store that waits; answers the new decisions' ids.

    Each store is decided for anew: where the forecast has changed its mind, or another rule has fired, nothing goes
    out. `now` is the real clock, from which a rehearsed decision keeps its distance. Raises NotFound, NothingToApprove
    or WeatherApprovalExpired.
    """
    lock_ticks(session)
    decision = queries.get_decision(session, decision_id)
    rule = queries.get_rule(session, decision.weather_rule_id)
    if rule.status != "live":
        raise NothingToApprove("The rule is not live.")
    waiting = queries.list_waiting(session, rule.id, decision.business_on)
    shift = decision.clock_shift_seconds
    waiting = [one for one in waiting if one.clock_shift_seconds == shift]
    if not waiting:
        raise NothingToApprove("Every store's firing has gone out, or has been decided otherwise since.")
    at = now + timedelta(seconds=shift)
    ends = _list_ends(session, rule, waiting)
    in_time = {store_id for store_id, ends_at in ends.items() if at < ends_at}
    if not in_time:
        raise WeatherApprovalExpired(max(ends.values(), default=at))
    concluded = [
        one
        for one in conclude(session, [rule], at, approved=True, only=in_time)
        if one.decision.business_on == decision.business_on
    ]
    ids = write_down(session, concluded, at, shift)
    if any(one.decision.fired for one in concluded):
        defer(session, send_fired, once_key=f"weather-send:{rule.id}", weather_rule_id=rule.id)
    return [UUID(written) for written in ids]


def _list_ends(session: ScopedSession, rule: WeatherRule, waiting: Sequence[WeatherDecision]) -> dict[UUID, datetime]:
    """Until when each waiting store's firing may be approved: the end of the rule's window, else its last closing."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    stores: dict[UUID, Store] = {store.id: store for store in queries.list_stores(session)}
    window = parse_window(rule.window) if rule.window else None
    ends: dict[UUID, datetime] = {}
    for decision in waiting:
        store = stores.get(decision.store_id)
        if store is None:
            continue
        openings = opening_hours.intervals(store.opening_hours, decision.business_on, zone)
        if openings:
            closes_at = openings[-1][1]
            window_ends_at = window.on(decision.business_on, zone)[1] if window else closes_at
            ends[store.id] = min(closes_at, window_ends_at)
    return ends
