"""Fetching by the clock, deciding by each rule's own times, and handing firings to messaging."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import text
from sqlmodel import Session

from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.weather import decisions, forecasts, places, queries, sending, sources
from app.weather.areas import AreaTableMalformed
from app.weather.forecasts import Current
from app.weather.models import WeatherRule
from app.weather.outlook import Gap
from app.weather.readings import JAPAN
from app.weather.rules import staleness
from app.weather.sources import FetchFailed
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.opening_hours import find_minutes, instant

log = structlog.get_logger("weather")

LATE = timedelta(hours=1)
"""How long after a decide time a worker that was away still makes up for it."""

RECENT = timedelta(minutes=5)
BUSY_MINUTES = ((4 * 60 + 40, 5 * 60 + 40), (10 * 60 + 40, 11 * 60 + 40), (16 * 60 + 40, 17 * 60 + 40))
"""Around the regular issues files change; otherwise only corrections come."""

PAUSE_SECONDS = 1.0


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
    current = _fetch(clock, offices, at)
    ticked: list[Ticked] = []
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            rules = queries.list_live_rules(session)
            ticked += _decide(session, rules, current, now, round((now - clock.now).total_seconds()))
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
    old = {office for office, one in known.items() if not _is_recent(one, work.now)}
    current = {**known, **_fetch(work, old, None)}
    with work.session() as session:
        decisions.lock_ticks(session)
        due = _list_due(session, work.now)
        _decide(session, [rule for rule, _ in due], current, work.now, 0)
        for rule, slot_at in due:
            rule.decided_until = slot_at
            session.add(rule)


@periodic("3,13,23,33,43,53 * * * *")
def refresh_forecasts(clock: Clockwork) -> None:
    """Fetch the forecasts of all stores' offices: every ten minutes around the regular issues, else each half hour."""
    local = clock.now.astimezone(JAPAN)
    minutes = local.hour * 60 + local.minute
    if not any(begin <= minutes <= end for begin, end in BUSY_MINUTES) and local.minute % 30 >= 10:
        return
    with Session(clock.engine) as session:
        synced = queries.has_areas(session)
    if not synced:
        sync(clock)
    _fetch(clock, _list_all_offices(clock), None, PAUSE_SECONDS)


@periodic("17 18 * * 0")
def sync_tables(clock: Clockwork) -> None:
    """Bring the area tables up to date once a week, on Monday morning in Japan."""
    sync(clock)


def sync(clock: Clockwork) -> places.Synced | Gap:
    """Make our area and station tables say what JMA's say; why not, where that failed."""
    try:
        with sources.open_client(clock.settings) as client:
            files = places.fetch_tables(client)
    except (FetchFailed, AreaTableMalformed) as failure:
        log.warning("area_tables_not_synced", detail=str(failure))
        return Gap(str(failure))
    with Session(clock.engine) as session, session.begin():
        synced = places.sync_tables(session, files, clock.now)
    if synced.withdrawn:
        log.warning("areas_withdrawn", areas=list(synced.withdrawn[:50]), count=len(synced.withdrawn))
    return synced


def fetch_all(clock: Clockwork) -> dict[str, Current]:
    """Fetch the forecasts of all stores' offices now."""
    return _fetch(clock, _list_all_offices(clock), None)


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


def _list_due(session: ScopedSession, now: datetime) -> list[tuple[WeatherRule, datetime]]:
    """The brand's rules whose decide time has come, each with that time."""
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    times = [(rule, due_time(rule, now, zone)) for rule in queries.list_live_rules(session)]
    return [(rule, slot_at) for rule, slot_at in times if slot_at is not None]


def _decide(
    session: ScopedSession,
    rules: Sequence[WeatherRule],
    current: dict[str, Current],
    now: datetime,
    clock_shift_seconds: int,
) -> list[Ticked]:
    decisions.lock_ticks(session)
    conclusions = decisions.conclude(session, rules, now, current)
    ids = decisions.write_down(session, conclusions, now, clock_shift_seconds)
    for rule_id in dict.fromkeys(one.rule.id for one in conclusions if one.decision.fired):
        defer(session, send_fired, once_key=f"weather-send:{rule_id}", weather_rule_id=rule_id)
    brand = get_brand(session, session.scope.brand_id).name
    return [
        Ticked(
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
            readings=tuple(decisions.describe(verdict, now) for verdict in one.decision.leaves),
        )
        for decision_id, one in zip(ids, conclusions, strict=True)
    ]


def _is_recent(current: Current, now: datetime) -> bool:
    """Whether a forecast was just fetched; what a rehearsal of another time of day fetched does not count."""
    if current.checked_at is None or isinstance(current.forecast, Gap):
        return False
    return now - current.checked_at <= RECENT and staleness(current.forecast.issued_at, now) is None


def _fetch(
    clock: Clockwork, offices: Collection[str], at: datetime | None, pause_seconds: float = 0.0
) -> dict[str, Current]:
    current: dict[str, Current] = {}
    with sources.open_client(clock.settings) as client:
        for office in sorted(offices):
            if current and pause_seconds:
                time.sleep(pause_seconds)
            current[office] = forecasts.refresh(clock.engine, client, office, now=clock.now, at=at)
    return current


def _brands_with_live_rules(clock: Clockwork) -> Sequence[UUID]:
    with Session(clock.engine) as session:
        return queries.list_brands_with_live_rules(session)


def _list_all_offices(clock: Clockwork) -> set[str]:
    with Session(clock.engine) as session:
        brand_ids = session.execute(text("SELECT list_brand_ids()")).scalars().all()
    offices: set[str] = set()
    for brand_id in brand_ids:
        with clock.session(brand_id) as session:
            spots = places.find_spots(session, queries.list_stores(session)).values()
            offices |= {spot.office for spot in spots if isinstance(spot, places.Spot)}
    return offices
