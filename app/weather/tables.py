"""JMA's tables of areas and stations: fetched, put in the place of ours, and what their changes mean for stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.weather import queries, sources
from app.weather.areas import (
    AreaTable,
    AreaTableMalformed,
    Level,
    Station,
    parse_area_table,
    parse_forecast_stations,
    parse_nearby_stations,
    parse_stations,
)
from app.weather.models import WeatherArea, WeatherStation
from app.weather.outlook import Gap
from app.weather.places import forget_tables, has_office, locate_class20, locate_municipality
from app.weather.sources import FetchFailed
from app.weather.stations import distance_km
from tenants.session import ScopedSession
from tenants.stores.models import Store

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger("weather")

MOVED_KM = 5.0
"""A station of the same name that stands this near to one that is gone is the same one under a new number."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation brought."""

    areas: int
    stations: int
    withdrawn: tuple[str, ...]
    """Areas that JMA no longer has, as `level code`: stores there have to be located anew."""
    added: tuple[str, ...] = ()
    """Areas that are new, as `level code`."""
    moved: tuple[str, ...] = ()
    """Stations that were rebuilt under a new number, as `old new`."""


@dataclass(frozen=True, slots=True)
class AreaFiles:
    """The tables as they were fetched; `nearby` is None where that one could not be had."""

    areas: AreaTable
    district_stations: Mapping[str, tuple[str, ...]]
    stations: Mapping[str, Station]
    nearby: Mapping[str, tuple[str, ...]] | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Relocated:
    """A store whose area the tables have changed: where it lies now, or why only its brand can say."""

    store: str
    area: dict[str, Any] | Gap


def fetch_tables(client: "httpx.Client") -> AreaFiles:
    """JMA's area and station tables. Raises FetchFailed or AreaTableMalformed."""
    areas = parse_area_table(sources.fetch(client, sources.AREAS).body)
    district_stations = parse_forecast_stations(sources.fetch(client, sources.FORECAST_STATIONS).body)
    stations = parse_stations(sources.fetch(client, sources.STATIONS).body)
    nearby = None
    try:
        nearby = parse_nearby_stations(sources.fetch(client, sources.STATIONS_NEARBY).body)
    except (FetchFailed, AreaTableMalformed) as failure:
        # Only stores without coordinates need it; the list of before still serves them.
        log.warning("nearby_stations_not_synced", detail=str(failure))
    return AreaFiles(areas, district_stations, stations, nearby)


def sync_tables(session: Session, files: AreaFiles, now: datetime) -> Synced:
    """Make our tables say what JMA's say."""
    known = {(row.level, row.code): row for row in queries.list_areas(session)}
    nearby: Mapping[str, Sequence[str]] = files.nearby or {
        code: row.stations for (level, code), row in known.items() if level == Level.CLASS20
    }
    stations_of = {Level.CLASS10: files.district_stations, Level.CLASS20: nearby}
    rows = [
        {
            "level": area.level.value,
            "code": area.code,
            "name": area.name,
            "parent": area.parent,
            "stations": list(stations_of.get(area.level, {}).get(area.code, ())),
            "synced_at": now,
        }
        for area in files.areas
    ]
    connection = session.connection()
    put = insert(WeatherArea)
    changed = {name: put.excluded[name] for name in ("name", "parent", "stations", "synced_at")}
    connection.execute(put.on_conflict_do_update(index_elements=["level", "code"], set_=changed), rows)
    gone = connection.execute(
        delete(WeatherArea)
        .where(col(WeatherArea.synced_at) != now)
        .returning(col(WeatherArea.level), col(WeatherArea.code))
    ).all()
    moved = _sync_stations(session, files)
    session.expire_all()
    forget_tables(session)
    added = [f"{row['level']} {row['code']}" for row in rows if known and (row["level"], row["code"]) not in known]
    return Synced(
        len(rows),
        len(files.stations),
        tuple(sorted(f"{level} {code}" for level, code in gone)),
        tuple(sorted(added)),
        tuple(f"{old} {new}" for new, old in sorted(moved.items())),
    )


def relocate_stores(session: ScopedSession) -> list[Relocated]:
    """Bring the areas of a brand's stores up to date with the tables, and answer which stores that touched.

    A store whose area is gone is located by its municipality; where that is in several parts now, or nobody has said
    which it is, it loses its area and fires no weather rule until its brand has chosen one.
    """
    touched: list[Relocated] = []
    for store in queries.list_stores(session):
        area = store.weather_area
        if not area or not isinstance(area.get("class20"), str):
            continue
        now_at = locate_class20(session, area["class20"])
        if isinstance(now_at, Gap):
            if not has_office(session, str(area.get("office"))):
                # A table that lacks a whole office is not all of Japan, as in a sandbox, and tells nothing.
                continue
            now_at = _by_municipality(session, store)
        else:
            now_at = {**now_at, "source": area.get("source", now_at["source"])}
        if now_at == area:
            continue
        store.weather_area = None if isinstance(now_at, Gap) else now_at
        session.add(store)
        touched.append(Relocated(store.name, now_at))
    session.flush()
    return touched


def _by_municipality(session: ScopedSession, store: Store) -> dict[str, Any] | Gap:
    if not store.municipality_code:
        return Gap("JMA no longer has its area, and its municipality is not known.")
    return locate_municipality(session, store.municipality_code)


def _sync_stations(session: Session, files: AreaFiles) -> dict[str, str]:
    """Put the stations in the place of ours. Answers the old numbers of those that were rebuilt, by their new ones."""
    old = {row.code: row for row in session.exec(select(WeatherStation)).all()}
    gone = [row for code, row in old.items() if code not in files.stations]
    moved = {code: row.predecessor for code, row in old.items() if row.predecessor and code in files.stations}
    found: dict[str, str] = {}
    for code, station in files.stations.items():
        if code in old:
            continue
        here = (station.latitude, station.longitude)
        same = [
            row
            for row in gone
            if row.name == station.name and distance_km(here, (row.latitude, row.longitude)) <= MOVED_KM
        ]
        if same:
            found[code] = same[0].code
    wanted = {code for codes in files.district_stations.values() for code in codes}
    rows = [
        {
            "code": code,
            "name": station.name,
            "latitude": station.latitude,
            "longitude": station.longitude,
            "elements": station.elements,
            "is_forecast": code in wanted,
            "predecessor": found.get(code, moved.get(code)),
        }
        for code, station in files.stations.items()
    ]
    connection = session.connection()
    connection.execute(delete(WeatherStation).where(col(WeatherStation.code).not_in(list(files.stations))))
    put = insert(WeatherStation)
    names = ("name", "latitude", "longitude", "elements", "is_forecast", "predecessor")
    changed = {name: put.excluded[name] for name in names}
    connection.execute(put.on_conflict_do_update(index_elements=["code"], set_=changed), rows)
    return found
