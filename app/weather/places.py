"""Which district's forecast, and which station's temperature, speak for a store; and the tables that say so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from app.weather import queries, sources
from app.weather.areas import (
    FORECAST_FILES,
    Area,
    AreaTable,
    Level,
    Match,
    Station,
    parse_area_table,
    parse_forecast_stations,
    parse_stations,
)
from app.weather.models import WeatherArea, WeatherStation
from app.weather.outlook import Gap
from tenants.stores.models import Store

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a store's forecast is found: the file's office, the district in it, and the station for temperatures."""

    office: str
    class10: str
    class20: str | None
    station: str | None


@dataclass(frozen=True, slots=True)
class Synced:
    """What a synchronisation brought."""

    areas: int
    stations: int
    withdrawn: tuple[str, ...]
    """Areas that JMA no longer has, as `level code`: stores there have to be located anew."""


@dataclass(frozen=True, slots=True)
class AreaFiles:
    """The three tables as they were fetched."""

    areas: AreaTable
    district_stations: Mapping[str, tuple[str, ...]]
    stations: Mapping[str, Station]


def fetch_tables(client: "httpx.Client") -> AreaFiles:
    """JMA's area and station tables. Raises FetchFailed or AreaTableMalformed."""
    areas = parse_area_table(sources.fetch(client, sources.AREAS).body)
    district_stations = parse_forecast_stations(sources.fetch(client, sources.FORECAST_STATIONS).body)
    stations = parse_stations(sources.fetch(client, sources.STATIONS).body)
    return AreaFiles(areas, district_stations, stations)


def sync_tables(session: Session, files: AreaFiles, now: datetime) -> Synced:
    """Make our tables say what JMA's say."""
    rows = [
        {
            "level": area.level.value,
            "code": area.code,
            "name": area.name,
            "parent": area.parent,
            "stations": list(files.district_stations.get(area.code, ())) if area.level is Level.CLASS10 else [],
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
    wanted = {code for codes in files.district_stations.values() for code in codes}
    stations = [
        {"code": code, "name": station.name, "latitude": station.latitude, "longitude": station.longitude}
        for code, station in files.stations.items()
        if code in wanted
    ]
    connection.execute(delete(WeatherStation))
    if stations:
        connection.execute(insert(WeatherStation), stations)
    return Synced(len(rows), len(stations), tuple(sorted(f"{level} {code}" for level, code in gone)))


def locate_municipality(session: Session, municipality: str) -> dict[str, Any] | Gap:
    """A municipality's `weather_area` for its stores: `{"class20", "class10", "office", "source"}`, or why it has none.

    A split municipality is a gap: only the operator knows in which part a store lies, and names its class20.
    """
    table = _area_table(session)
    candidates = table.match(municipality)
    if candidates.match is Match.NONE:
        return Gap(f"JMA has no area for municipality {municipality}.")
    if candidates.match is Match.SPLIT:
        return Gap(f"Municipality {municipality} is several areas: choose one of {', '.join(candidates.class20s)}.")
    return _weather_area(table, candidates.class20s[0], "municipality")


def locate_class20(session: Session, class20: str) -> dict[str, Any] | Gap:
    """The `weather_area` of the class20 that an operator has chosen, or why there is none."""
    return _weather_area(_area_table(session), class20, "operator")


def find_spots(session: Session, stores: Iterable[Store]) -> dict[Any, Spot | Gap]:
    """By store id, where its forecast is found, or why that is not known.

    A store that was never located is looked up by its municipality; the parts of a split one often share a district,
    and then the forecast is certain although the part is not.
    """
    listed = list(stores)
    located = {store.id: _area_of(session, store) for store in listed}
    codes = {area["class10"] for area in located.values() if not isinstance(area, Gap)}
    district_stations = {area.code: area.stations for area in queries.list_districts(session, codes)}
    stations = {station.code: station for station in queries.list_stations(session)}
    spots: dict[Any, Spot | Gap] = {}
    for store in listed:
        area = located[store.id]
        if isinstance(area, Gap):
            spots[store.id] = area
            continue
        station = _nearest(
            store, [stations[code] for code in district_stations.get(area["class10"], ()) if code in stations]
        )
        first = next(iter(district_stations.get(area["class10"], ())), None)
        office = FORECAST_FILES.get(area["office"], area["office"])
        spots[store.id] = Spot(office, area["class10"], area.get("class20"), station or first)
    return spots


def _area_of(session: Session, store: Store) -> dict[str, Any] | Gap:
    area = store.weather_area
    if area and isinstance(area.get("class10"), str) and isinstance(area.get("office"), str):
        return area
    if not store.municipality_code:
        return Gap("The store has neither a weather area nor a municipality code.")
    table = _area_table(session)
    candidates = table.match(store.municipality_code)
    places = [table.find_place(class20) for class20 in candidates.class20s]
    districts = {(place.class10, place.office) for place in places if place}
    if len(districts) != 1:
        found = locate_municipality(session, store.municipality_code)
        return found if isinstance(found, Gap) else Gap("The municipality lies in no forecast district.")
    class10, office = districts.pop()
    return {"class10": class10, "office": office, "class20": candidates.class20s[0] if len(places) == 1 else None}


def _weather_area(table: AreaTable, class20: str, source: str) -> dict[str, Any] | Gap:
    place = table.find_place(class20)
    if place is None:
        return Gap(f"JMA has no class20 {class20}.")
    return {"class20": place.class20, "class10": place.class10, "office": place.office, "source": source}


def _area_table(session: Session) -> AreaTable:
    """The synchronised table, built once per session."""
    table = session.info.get("area_table")
    if table is None:
        rows = queries.list_areas(session)
        table = AreaTable([Area(Level(row.level), row.code, row.name, row.parent) for row in rows])
        session.info["area_table"] = table
    assert isinstance(table, AreaTable)
    return table


def _nearest(store: Store, stations: list[WeatherStation]) -> str | None:
    if store.latitude is None or store.longitude is None or not stations:
        return None
    here = (store.latitude, store.longitude)
    return min(stations, key=lambda one: (_distance_km(here, (one.latitude, one.longitude)), one.code)).code


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance of two points given in degrees."""
    (lat1, lon1), (lat2, lon2) = ((radians(lat), radians(lon)) for lat, lon in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 12_742 * asin(min(1.0, sqrt(half)))
