"""Fetching by the clock: JMA's files, once for all brands."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlmodel import Session

from app.jobs.queue import Clockwork, periodic
from app.weather import forecasts, places, queries, sources, tables
from app.weather.areas import AreaTableMalformed
from app.weather.feeds.state import Name, note_failure, note_success
from app.weather.forecasts import Current
from app.weather.freshness import staleness
from app.weather.outlook import Gap
from app.weather.readings import JAPAN
from app.weather.sources import FetchFailed
from app.weather.tables import Synced

log = structlog.get_logger("weather")

RECENT = timedelta(minutes=5)
BUSY_MINUTES = ((4 * 60 + 40, 5 * 60 + 40), (10 * 60 + 40, 11 * 60 + 40), (16 * 60 + 40, 17 * 60 + 40))
"""Around the regular issues files change; otherwise only corrections come."""

PAUSE_SECONDS = 1.0


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
    fetch_offices(clock, _list_all_offices(clock), None, PAUSE_SECONDS)


@periodic("17 18 * * 0")
def sync_tables(clock: Clockwork) -> None:
    """Bring the area tables up to date once a week, on Monday morning in Japan."""
    sync(clock)


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
    for brand_id in _list_brand_ids(clock):
        with clock.session(brand_id) as session:
            for one in tables.relocate_stores(session):
                to = one.area.reason if isinstance(one.area, Gap) else one.area["class20"]
                log.warning("store_relocated", brand_id=str(brand_id), store=one.store, to=to)
    return synced


def fetch_all(clock: Clockwork) -> dict[str, Current]:
    """Fetch the forecasts of all stores' offices now."""
    return fetch_offices(clock, _list_all_offices(clock))


def is_recent(current: Current, now: datetime) -> bool:
    """Whether a forecast was just fetched; what a rehearsal of another time of day fetched does not count."""
    if current.checked_at is None or isinstance(current.forecast, Gap):
        return False
    return now - current.checked_at <= RECENT and staleness(current.forecast.issued_at, now) is None


def fetch_offices(
    clock: Clockwork, offices: Collection[str], at: datetime | None = None, pause_seconds: float = 0.0
) -> dict[str, Current]:
    """Fetch the forecasts of these offices, and answer what is the newest of each now."""
    current: dict[str, Current] = {}
    with sources.open_client(clock.settings) as client:
        for office in sorted(offices):
            if current and pause_seconds:
                time.sleep(pause_seconds)
            current[office] = forecasts.refresh(clock.engine, client, office, now=clock.now, at=at)
    return current


def _list_all_offices(clock: Clockwork) -> set[str]:
    offices: set[str] = set()
    for brand_id in _list_brand_ids(clock):
        with clock.session(brand_id) as session:
            spots = places.find_spots(session, queries.list_stores(session)).values()
            offices |= {spot.office for spot in spots if isinstance(spot, places.Spot)}
    return offices


def _list_brand_ids(clock: Clockwork) -> Sequence[UUID]:
    with Session(clock.engine) as session:
        return session.execute(text("SELECT list_brand_ids()")).scalars().all()
