"""Where a store lies in JMA's geography: municipality → class20 → class15 → class10 → office → forecast file.

JMA's own tables say so and change every year, so they are synchronised and never frozen into the code. A code
is text with leading zeros and is unique only within its level: 011000 is an office, a class10 and a region
elsewhere.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson


class Level(StrEnum):
    """The levels of JMA's areas, from the forecast office down to the municipality or a part of it."""

    OFFICE = "office"
    CLASS10 = "class10"
    CLASS15 = "class15"
    CLASS20 = "class20"


PARENT = {Level.CLASS20: Level.CLASS15, Level.CLASS15: Level.CLASS10, Level.CLASS10: Level.OFFICE}

FORECAST_FILES = {"014030": "014100", "460040": "460100"}
"""Offices without a forecast file, and the one whose file carries their district: Tokachi and Amami."""

_CODES = {
    Level.OFFICE: ("offices", re.compile(r"[0-9]{6}")),
    Level.CLASS10: ("class10s", re.compile(r"[0-9]{6}")),
    Level.CLASS15: ("class15s", re.compile(r"[0-9]{6}")),
    Level.CLASS20: ("class20s", re.compile(r"[0-9]{7}")),
}
_MUNICIPALITY = re.compile(r"[0-9]{5}")
_STATION = re.compile(r"[0-9]{5}")
_ELEMENTS = re.compile(r"[0-9]{8}")
_TOKYO = "13"


class AreaTableMalformed(Exception):
    """The file is not one of JMA's area tables, or names an area whose parent it does not hold."""


@dataclass(frozen=True, slots=True)
class Area:
    """One area of one level, and the code of the area above it (none above an office)."""

    level: Level
    code: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """The chain of areas above a class20, with the office whose file carries its forecast."""

    class20: str
    class15: str
    class10: str
    office: str
    forecast_office: str


class Match(StrEnum):
    """How a municipality was found: as itself, as a ward by its city, in several parts, or not at all."""

    EXACT = "exact"
    WARD_OF_CITY = "ward_of_city"
    SPLIT = "split"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Candidates:
    """The class20s that a municipality may mean: with more than one, the operator has to say which."""

    match: Match
    class20s: tuple[str, ...]


class AreaTable:
    """JMA's areas by level and code."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = {(area.level, area.code): area for area in areas}
        for area in areas:
            above = PARENT.get(area.level)
            if above and (area.parent is None or (above, area.parent) not in self._areas):
                raise AreaTableMalformed(f"{area.level} {area.code} has no {above} above it")
        self._by_municipality: dict[str, list[str]] = {}
        for area in areas:
            if area.level is Level.CLASS20:
                self._by_municipality.setdefault(area.code[:5], []).append(area.code)

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas.values())

    def find(self, level: Level, code: str) -> Area | None:
        """The area of a level with this code, or None."""
        return self._areas.get((level, code))

    def find_place(self, class20: str) -> Place | None:
        """The chain above a class20, or None if the table does not hold it."""
        area = self.find(Level.CLASS20, class20)
        if area is None:
            return None
        class15 = self._areas[Level.CLASS15, area.parent or ""]
        class10 = self._areas[Level.CLASS10, class15.parent or ""]
        office = class10.parent or ""
        return Place(class20, class15.code, class10.code, office, FORECAST_FILES.get(office, office))

    def match(self, municipality: str) -> Candidates:
        """The class20s of a municipality's five-digit code (JIS X 0402).

        Most are that code and "00". The wards of a designated city share their city's, save where JMA lists
        wards (Tokyo, Hiroshima); a large municipality may be split into parts, which no code can choose
        between.
        """
        if not _MUNICIPALITY.fullmatch(municipality):
            return Candidates(Match.NONE, ())
        parts = self._by_municipality.get(municipality)
        if parts:
            return Candidates(Match.EXACT if parts == [f"{municipality}00"] else Match.SPLIT, tuple(sorted(parts)))
        city = self._find_city(municipality)
        if city is None:
            return Candidates(Match.NONE, ())
        parts = self._by_municipality[city]
        return Candidates(Match.WARD_OF_CITY if len(parts) == 1 else Match.SPLIT, tuple(sorted(parts)))

    def _find_city(self, ward: str) -> str | None:
        """The designated city of a ward: wards are numbered on from their city, which ends in 0 (14130 →
        14131 …)."""
        if ward[2] != "1" or ward[:2] == _TOKYO:
            return None
        numbers = range(int(ward) - int(ward) % 10, int(ward[:2]) * 1000 + 99, -10)
        return next((code for code in (f"{number:05}" for number in numbers) if code in self._by_municipality), None)


def parse_area_table(raw: object) -> AreaTable:
    """JMA's `area.json`, as bytes or as decoded JSON. Raises AreaTableMalformed."""
    document = _object(_load(raw))
    areas: list[Area] = []
    for level, (key, shape) in _CODES.items():
        entries = _object(document.get(key))
        for code, entry in entries.items():
            fields = _object(entry)
            name, parent = fields.get("name"), fields.get("parent")
            if not shape.fullmatch(code) or not isinstance(name, str) or not isinstance(parent, str):
                raise AreaTableMalformed(f"{key} holds an entry that is not an area")
            areas.append(Area(level, code, name, parent if level in PARENT else None))
    return AreaTable(areas)


def parse_forecast_stations(raw: object) -> dict[str, tuple[str, ...]]:
    """Temperature stations by class10, the main one first, from JMA's `forecast_area.json`. Raises
    AreaTableMalformed."""
    stations: dict[str, tuple[str, ...]] = {}
    for districts in _object(_load(raw)).values():
        if not isinstance(districts, list):
            raise AreaTableMalformed("an office does not hold a list of districts")
        for district in districts:
            fields = _object(district)
            class10, amedas = fields.get("class10"), fields.get("amedas")
            if not isinstance(class10, str) or not isinstance(amedas, list):
                raise AreaTableMalformed("a district has no class10 or no stations")
            if not all(isinstance(code, str) and _STATION.fullmatch(code) for code in amedas):
                raise AreaTableMalformed(f"{class10[:10]!r} names a station that is not five digits")
            stations[class10] = tuple(amedas)
    return stations


@dataclass(frozen=True, slots=True)
class Station:
    """An observing station: its name, where it stands in degrees, and what it measures (see `WeatherStation`)."""

    name: str
    latitude: float
    longitude: float
    elements: str = ""


def parse_stations(raw: object) -> dict[str, Station]:
    """Stations by code from JMA's `amedastable.json`, which gives places as degrees and minutes.

    Raises AreaTableMalformed.
    """
    stations: dict[str, Station] = {}
    for code, entry in _object(_load(raw)).items():
        fields = _object(entry)
        name, latitude, longitude = fields.get("kjName"), _degrees(fields.get("lat")), _degrees(fields.get("lon"))
        if not _STATION.fullmatch(code) or not isinstance(name, str) or latitude is None or longitude is None:
            raise AreaTableMalformed("an entry is not a station")
        elements = fields.get("elems")
        known = isinstance(elements, str) and _ELEMENTS.fullmatch(elements) is not None
        stations[code] = Station(name, latitude, longitude, str(elements) if known else "")
    return stations


def parse_nearby_stations(raw: object) -> dict[str, tuple[str, ...]]:
    """The observing stations near each class20, from JMA's `amedas_class20_list.json`. Raises AreaTableMalformed."""
    found: dict[str, tuple[str, ...]] = {}
    for class20, codes in _object(_load(raw)).items():
        if not isinstance(codes, list) or not all(isinstance(code, str) and _STATION.fullmatch(code) for code in codes):
            raise AreaTableMalformed(f"{class20[:10]!r} does not hold a list of stations")
        found[class20] = tuple(codes)
    return found


def _degrees(value: object) -> float | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    if not all(isinstance(part, int | float) and 0 <= part <= 180 for part in value):
        return None
    return float(value[0] + value[1] / 60)


def _load(raw: object) -> object:
    if not isinstance(raw, bytes):
        return raw
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise AreaTableMalformed(f"is not JSON: {error}") from None


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not value:
        raise AreaTableMalformed("is not an object with entries")
    return value
