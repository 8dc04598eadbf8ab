"""Deciding by each rule's own times, and handing firings to messaging."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.weather import decisions, fetching, flips, forecasts, queries, recording, sending
from app.weather.decisions import Conclusion
from app.weather.forecasts import Current
from app.weather.models import WeatherRule
from app.weather.rules import Reason
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.opening_hours import find_minutes, instant

LATE = timedelta(hours=1)
"""How long after a decide time a worker that was away still makes up for it."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """One decision of a tick, for whoever watches."""

    decision_id: UUID
    brand: str
    rule: str
    rule_id: UUID
    store: str
    store_id: UUID
    business_on: str
    fired: bool
    reason: str
    detail: str
    readings: tuple[dict[str, Any], ...]


def tick(clock: Clockwork, at: datetime | None = None) -> list[Ticked]:
    """Fetch, let every live rule decide for all of its stores whatever its decide times, and hand over what fired.

    `at` rehearses another time of day: it is the clock of the forecast, the decision and what follows from it.
    """
    now = at or clock.now
    brand_ids = _brands_with_live_rules(clock)
    offices: set[str] = set()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            offices |= decisions.list_offices(session)
    current = fetching.fetch_offices(clock, offices, at)
    fetching.fetch_feeds(clock, fetching.list_needs(clock.engine), at)
    ticked: list[Ticked] = []
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            rules = queries.list_live_rules(session)
            ids, conclusions = _decide(session, rules, current, now, round((now - clock.now).total_seconds()))
            name = get_brand(session, brand_id).name
            ticked += [_tell(name, UUID(written), one, now) for written, one in zip(ids, conclusions, strict=True)]
    return ticked


@periodic("* * * * *")
def decide_due_rules(clock: Clockwork) -> None:
    """Give each brand with a rule whose decide time has come a job of its own, so that none waits for another."""
    for brand_id in _brands_with_live_rules(clock):
        with clock.session(brand_id) as session:
            if _list_due(session, clock.now):
                defer(session, decide_brand, once_key=f"weather-decide:{brand_id}")


@task
def decide_brand(work: Work) -> None:
    """Let a brand's due rules decide, on forecasts fetched within the last minutes. A second run finds none due."""
    with work.session() as session:
        offices = decisions.list_offices(session)
        known = forecasts.read_current(session, offices)
    old = {office for office, one in known.items() if not fetching.is_recent(one, work.now)}
    current = {**known, **(fetching.fetch_offices(work, old) if old else {})}
    with work.session() as session:
        decisions.lock_ticks(session)
        due = _list_due(session, work.now)
        _decide(session, [rule for rule, _ in due], current, work.now, 0)
        for rule, slot_at in due:
            rule.decided_until = max(rule.decided_until, slot_at)
            rule.decided_at = work.now
            session.add(rule)


@periodic("5,15,25,35,45,55 * * * *")
def take_back_flipped(clock: Clockwork) -> None:
    """Take back today's firings whose forecast has flipped since, soon after forecasts were fetched."""
    for brand_id in _brands_with_live_rules(clock):
        with clock.session(brand_id) as session:
            flips.take_back_flipped(session, clock.now)


@task
def send_fired(work: Work, weather_rule_id: UUID) -> None:
    """Start the runs of a rule's firings. A second run finds none left."""
    with work.session() as session:
        sending.start_runs(session, weather_rule_id, work.now)


def due_time(rule: WeatherRule, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The latest decide time of a rule that has come, is not long past and has not been worked off."""
    today = now.astimezone(zone).date()
    times = [find_minutes(clock) for clock in rule.decide_times]
    slots = [
        instant(on, minutes, zone)
        for on in (today - timedelta(days=1), today)
        for minutes in times
        if minutes is not None
    ]
    latest = max((slot for slot in slots if now - LATE < slot <= now), default=None)
    return latest if latest is not None and latest > rule.decided_until else None


def late_time(rule: WeatherRule, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The decide time after which a rule has decided, and for which a corrected forecast may still make it fire."""
    until = find_minutes(rule.late_until)
    if until is None or rule.decided_at is None:
        return None
    today = now.astimezone(zone).date()
    times = [find_minutes(clock) for clock in rule.decide_times]
    slots = [
        instant(on, minutes, zone)
        for on in (today - timedelta(days=1), today)
        for minutes in times
        if minutes is not None and now < instant(on, until, zone)
    ]
    return max((slot for slot in slots if slot <= rule.decided_at and slot <= now), default=None)


def _list_due(session: ScopedSession, now: datetime) -> list[tuple[WeatherRule, datetime]]:
    """The brand's rules whose decide time has come, each with that time; and those that may still fire late, where a
    forecast has been corrected since they decided."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    rules = queries.list_live_rules(session)
    due = [(rule, slot_at) for rule in rules if (slot_at := due_time(rule, now, zone)) is not None]
    prompt = {rule.id for rule, _ in due}
    late = [
        (rule, slot_at)
        for rule in rules
        if rule.id not in prompt and (slot_at := late_time(rule, now, zone)) is not None
    ]
    if late:
        offices = decisions.list_offices(session, [rule for rule, _ in late])
        corrected_at = queries.find_corrected_at(session, offices)
        due += [one for one in late if corrected_at and one[0].decided_at and corrected_at > one[0].decided_at]
    return due


def _decide(
    session: ScopedSession,
    rules: Sequence[WeatherRule],
    current: dict[str, Current],
    now: datetime,
    clock_shift_seconds: int,
) -> tuple[list[str], list[Conclusion]]:
    """Let rules decide, and hand over what fired; the decisions' ids, as hexadecimal digits, and what they say."""
    decisions.lock_ticks(session)
    conclusions = decisions.conclude(session, rules, now, current)
    ids = recording.write_down(session, conclusions, now, clock_shift_seconds)
    for rule_id in dict.fromkeys(one.rule.id for one in conclusions if one.decision.reason is Reason.FIRED):
        defer(session, send_fired, once_key=f"weather-send:{rule_id}", weather_rule_id=rule_id)
    return ids, conclusions


def _tell(brand: str, decision_id: UUID, one: Conclusion, now: datetime) -> Ticked:
    return Ticked(
        decision_id=decision_id,
        brand=brand,
        rule=one.rule.name,
        rule_id=one.rule.id,
        store=one.store.name,
        store_id=one.store.id,
        business_on=one.decision.business_on.isoformat(),
        fired=one.decision.fired,
        reason=one.decision.reason.value,
        detail=one.decision.detail,
        readings=tuple(recording.describe(verdict, now) for verdict in one.decision.leaves),
    )


def _brands_with_live_rules(clock: Clockwork) -> Sequence[UUID]:
    with Session(clock.engine) as session:
        return queries.list_brands_with_live_rules(session)
