"""Fetching by the clock: one polite client for all brands, and only what somebody needs."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Engine, text
from sqlmodel import Session

from app.jobs.queue import Clockwork, periodic
from app.weather import forecasts, places, queries, sources, tables
from app.weather.areas import AreaTableMalformed
from app.weather.conditions import needs_of, parse_condition
from app.weather.feeds import days, heat, hours, observations, state, warnings
from app.weather.feeds.state import Name, note_failure, note_success
from app.weather.forecasts import Current
from app.weather.freshness import staleness
from app.weather.outlook import Gap
from app.weather.places import Spot
from app.weather.readings import JAPAN
from app.weather.sources import FetchFailed
from app.weather.tables import Synced
from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.opening_hours import business_day, intervals

log = structlog.get_logger("weather")

RECENT = timedelta(minutes=5)
BUSY_MINUTES = ((4 * 60 + 40, 5 * 60 + 40), (10 * 60 + 40, 11 * 60 + 40), (16 * 60 + 40, 17 * 60 + 40))
"""Around the regular issues files change; otherwise only corrections come."""

SOON = timedelta(minutes=30)
"""How long before a store opens, or something is to be sent, warnings are watched already."""

KEEP_DAYS = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Needs:
    """What live rules are read from beside the forecast, and for which cells of the second source."""

    parts: frozenset[str] = frozenset()
    cells: frozenset[str] = field(default_factory=frozenset)


@periodic("3,13,23,33,43,53 * * * *")
def refresh_forecasts(clock: Clockwork) -> None:
    """Fetch the forecasts of all stores' offices: every ten minutes around the regular issues, else each half hour."""
    local = clock.now.astimezone(JAPAN)
    minutes = local.hour * 60 + local.minute
    if not any(begin <= minutes <= end for begin, end in BUSY_MINUTES) and local.minute % 30 >= 10:
        return
    with only_fetcher(clock) as is_mine:
        if not is_mine:
            return
        with Session(clock.engine) as session:
            synced = queries.has_areas(session)
        if not synced:
            sync(clock)
        fetch_offices(clock, _list_all_offices(clock), is_patient=True)


@periodic("*/5 * * * *")
def refresh_warnings(clock: Clockwork) -> None:
    """Fetch what JMA warns of, while some store is open or about to, or something is about to be sent."""
    if not is_anybody_open(clock.engine, clock.now):
        return
    with only_fetcher(clock) as is_mine:
        if is_mine:
            fetch_feeds(clock, Needs(frozenset({"warnings"})))


@periodic("8-58/10 * * * *")
def refresh_observations(clock: Clockwork) -> None:
    """Fetch the newest observations, where a live rule needs them."""
    needs = list_needs(clock.engine)
    if not needs.parts & {"observed", "past"}:
        return
    with only_fetcher(clock) as is_mine:
        if is_mine:
            fetch_feeds(clock, Needs(frozenset({"observed"})))


@periodic("36 * * * *")
def refresh_heat_and_hours(clock: Clockwork) -> None:
    """Fetch the heat index and the second source's newest run, where a live rule needs them."""
    needs = list_needs(clock.engine)
    wanted = needs.parts & {"heat", "hourly"}
    if not wanted:
        return
    with only_fetcher(clock) as is_mine:
        if is_mine:
            fetch_feeds(clock, Needs(wanted, needs.cells))


@periodic("17 18 * * 0")
def sync_tables(clock: Clockwork) -> None:
    """Bring the area tables up to date once a week, on Monday morning in Japan."""
    sync(clock)
    with Session(clock.engine) as session, session.begin():
        days.forget(session, (clock.now - KEEP_DAYS).date())
        observations.forget_hours(session, clock.now)


def sync(clock: Clockwork) -> Synced | Gap:
    """Make our area and station tables say what JMA's say, and the stores' areas follow; why not, where that failed."""
    try:
        with sources.open_client(clock.settings) as client:
            files = tables.fetch_tables(client)
    except (FetchFailed, AreaTableMalformed) as failure:
        log.warning("area_tables_not_synced", detail=str(failure))
        with Session(clock.engine) as session, session.begin():
            note_failure(session, Name.TABLES, clock.now, str(failure))
        return Gap(str(failure))
    with Session(clock.engine) as session, session.begin():
        synced = tables.sync_tables(session, files, clock.now)
        note_success(session, Name.TABLES, clock.now, own_clock_at=clock.now)
    if synced.withdrawn:
        log.warning("areas_withdrawn", areas=list(synced.withdrawn[:50]), count=len(synced.withdrawn))
    if synced.moved:
        log.warning("stations_moved", stations=list(synced.moved))
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            for one in tables.relocate_stores(session):
                to = one.area.reason if isinstance(one.area, Gap) else one.area["class20"]
                log.warning("store_relocated", brand_id=str(brand_id), store=one.store, to=to)
    return synced


def fetch_all(clock: Clockwork) -> dict[str, Current]:
    """Fetch the forecasts of all stores' offices now, and every feed that stores or live rules need."""
    current = fetch_offices(clock, _list_all_offices(clock))
    needs = list_needs(clock.engine)
    fetch_feeds(clock, Needs(needs.parts | {"warnings"}, needs.cells), most_hours=observations.HOURS_BACK)
    return current


def fetch_feeds(clock: Clockwork, needs: Needs, at: datetime | None = None, most_hours: int = 4) -> None:
    """Fetch the feeds that are needed. What fails is remembered with its feed, and leaves the others alone.

    `at` is a rehearsal's clock, see `sources.fetch`; `most_hours` is how many past hours of observations are made up
    for at once.
    """
    engine, now = clock.engine, clock.now
    with sources.open_client(clock.settings) as client:
        if "warnings" in needs.parts:
            warnings.refresh(engine, client, now=now, at=at)
        if needs.parts & {"observed", "past"}:
            observations.refresh(engine, client, now=now, at=at, most_hours=most_hours)
        if "hourly" in needs.parts:
            hours.refresh(engine, client, clock.settings, needs.cells, now=now, at=at)
        if "heat" in needs.parts:
            heat.refresh(engine, client, clock.settings, now=now, at=at)


def list_needs(engine: Engine) -> Needs:
    """What the live rules of all brands are read from."""
    parts: set[str] = set()
    cells: set[str] = set()
    with Session(engine) as session:
        brand_ids = queries.list_brands_with_live_rules(session)
    for brand_id in brand_ids:
        with open_session(engine, Scope(brand_id)) as session:
            needs = _needs_of_brand(session)
            parts |= needs
            if "hourly" in needs:
                spots = places.find_spots(session, queries.list_stores(session)).values()
                cells |= {spot.cell for spot in spots if isinstance(spot, Spot) and spot.cell}
    return Needs(frozenset(parts), frozenset(cells))


def is_anybody_open(engine: Engine, now: datetime) -> bool:
    """Whether any store is open now or within half an hour, a campaign is due by then, or something is to be sent."""
    with Session(engine) as session:
        if session.execute(_IS_SENDING, {"now": now, "soon": now + SOON}).first() is not None:
            return True
        due = session.execute(text("SELECT list_brands_with_due_campaigns(:by)"), {"by": now + SOON})
        if due.first() is not None:
            return True
    return any(_is_open(engine, brand_id, now) for brand_id in list_brand_ids(engine))


_IS_SENDING: Final = text("SELECT 1 FROM lane WHERE kind = 'send' AND (due_at <= :soon OR leased_until > :now) LIMIT 1")


def is_recent(current: Current, now: datetime) -> bool:
    """Whether a forecast was just fetched; what a rehearsal of another time of day fetched does not count."""
    if current.checked_at is None or isinstance(current.forecast, Gap):
        return False
    return now - current.checked_at <= RECENT and staleness(current.forecast.issued_at, now) is None


def fetch_offices(
    clock: Clockwork, offices: Collection[str], at: datetime | None = None, *, is_patient: bool = False
) -> dict[str, Current]:
    """Fetch the forecasts of these offices, and answer what is the newest of each now.

    Who is patient asks nobody while the feed is left alone for its failures, and takes what is there.
    """
    current: dict[str, Current] = {}
    with sources.open_client(clock.settings) as client:
        for office in sorted(offices):
            if is_patient and not _may_fetch_forecasts(clock):
                break
            current[office] = forecasts.refresh(clock.engine, client, office, now=clock.now, at=at)
    left = set(offices) - current.keys()
    if left:
        with Session(clock.engine) as session:
            current.update(forecasts.read_current(session, left))
    return current


@contextmanager
def only_fetcher(clock: Clockwork) -> Iterator[bool]:
    """Whether this process may fetch now: one does at a time, over all workers."""
    with clock.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        is_mine = bool(connection.execute(text(f"SELECT pg_try_advisory_lock({_PLACE})")).scalar_one())
        try:
            yield is_mine
        finally:
            if is_mine:
                connection.execute(text(f"SELECT pg_advisory_unlock({_PLACE})"))


_PLACE = "hashtextextended('weather-fetch', 0)"


def _needs_of_brand(session: ScopedSession) -> frozenset[str]:
    needs: frozenset[str] = frozenset()
    for rule in queries.list_live_rules(session):
        try:
            off = parse_condition(rule.off_condition, turns_off=True) if rule.off_condition else None
            needs |= needs_of(parse_condition(rule.condition), off)
        except Invalid:
            # A rule of before that is no longer well-formed does not fire, and needs nothing.
            continue
    return needs


def _is_open(engine: Engine, brand_id: UUID, now: datetime) -> bool:
    with open_session(engine, Scope(brand_id)) as session:
        zone = ZoneInfo(get_brand(session, brand_id).timezone)
        for moment in (now, now + SOON):
            for store in queries.list_stores(session):
                on = business_day(store.opening_hours, moment, zone)
                if any(begin <= moment < end for begin, end in intervals(store.opening_hours, on, zone)):
                    return True
    return False


def _may_fetch_forecasts(clock: Clockwork) -> bool:
    with Session(clock.engine) as session:
        return state.may_fetch(session, Name.FORECASTS, clock.now)


def _list_all_offices(clock: Clockwork) -> set[str]:
    offices: set[str] = set()
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            spots = places.find_spots(session, queries.list_stores(session)).values()
            offices |= {spot.office for spot in spots if isinstance(spot, Spot)}
    return offices


def list_brand_ids(engine: Engine) -> Sequence[UUID]:
    """Every brand."""
    with Session(engine) as session:
        return session.execute(text("SELECT list_brand_ids()")).scalars().all()
