"""Which district's forecast, which station and which cell speak for a store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlmodel import Session

from app.weather import queries
from app.weather.areas import FORECAST_FILES, Area, AreaTable, Level, Match
from app.weather.outlook import Gap
from app.weather.stations import Stations, read_stations

CELL_DEGREES = 0.05
"""The side of a cell of the second source, some 5 km: stores that share one are asked for once."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a store's weather is found: the forecast's office, the district in it, and the station for temperatures.

    `rain_station` measures rain within 20 km, and `cell` is the store's own place to 0.05 degrees for the second
    source; both are None where nothing is near, or the store's place is not known.
    """

    office: str
    class10: str
    class20: str | None
    station: str | None
    rain_station: str | None = None
    cell: str | None = None


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


def has_office(session: Session, office: str) -> bool:
    """Whether the tables hold an office."""
    return _area_table(session).find(Level.OFFICE, office) is not None


class Located(Protocol):
    """What of a store says where its weather is found."""

    @property
    def id(self) -> UUID: ...
    @property
    def weather_area(self) -> dict[str, Any] | None: ...
    @property
    def municipality_code(self) -> str | None: ...
    @property
    def latitude(self) -> float | None: ...
    @property
    def longitude(self) -> float | None: ...


def find_spots(session: Session, stores: Iterable[Located]) -> dict[Any, Spot | Gap]:
    """By store id, where its forecast is found, or why that is not known.

    A store that was never located is looked up by its municipality; the parts of a split one often share a district,
    and then the forecast is certain although the part is not.
    """
    listed = list(stores)
    located = {store.id: _area_of(session, store) for store in listed}
    codes = {area["class10"] for area in located.values() if not isinstance(area, Gap)}
    forecast_stations = {area.code: area.stations for area in queries.list_districts(session, codes)}
    stations = read_stations(session)
    spots: dict[Any, Spot | Gap] = {}
    for store in listed:
        area = located[store.id]
        if isinstance(area, Gap):
            spots[store.id] = area
            continue
        office = FORECAST_FILES.get(area["office"], area["office"])
        here = _place_of(store)
        spots[store.id] = Spot(
            office,
            area["class10"],
            area.get("class20"),
            stations.pick_forecast(forecast_stations.get(area["class10"], ()), here),
            _rain_station(session, stations, area.get("class20"), here),
            cell_of(*here) if here else None,
        )
    return spots


def cell_of(latitude: float, longitude: float) -> str:
    """The cell of the second source that a place lies in, as `35.65,139.70`: its middle in degrees."""
    middle = (round(round(degrees / CELL_DEGREES) * CELL_DEGREES, 2) for degrees in (latitude, longitude))
    return ",".join(f"{degrees:.2f}" for degrees in middle)


def _place_of(store: Located) -> tuple[float, float] | None:
    return None if store.latitude is None or store.longitude is None else (store.latitude, store.longitude)


def _rain_station(
    session: Session, stations: Stations, class20: str | None, here: tuple[float, float] | None
) -> str | None:
    if here is not None:
        return stations.nearest_rain(here)
    return stations.first_rain(_nearby(session).get(class20 or "", ()))


def _nearby(session: Session) -> dict[str, list[str]]:
    """The stations near each class20, by JMA's list; read once per session."""
    nearby = session.info.get("nearby_stations")
    if nearby is None:
        nearby = {row.code: row.stations for row in queries.list_areas(session) if row.level == Level.CLASS20}
        session.info["nearby_stations"] = nearby
    assert isinstance(nearby, dict)
    return nearby


def forget_tables(session: Session) -> None:
    """Let a session read the tables anew, once they have changed in it."""
    for name in ("area_table", "nearby_stations", "stations"):
        session.info.pop(name, None)


def _area_of(session: Session, store: Located) -> dict[str, Any] | Gap:
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
