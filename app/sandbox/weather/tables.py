"""JMA's areas and stations, read from `areas.json`, and the constant files that JMA serves about them.

Source: JMA's area.json, forecast_area.json, week_area.json and amedastable.json, made compact.
出典：気象庁ホームページ（https://www.jma.go.jp/）、加工して作成。
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import orjson

CARRIED_BY = {"014030": "014100", "460040": "460100"}
"""Offices without a file of their own, and the office whose file holds their area: Tokachi and Amami."""


@dataclass(frozen=True, slots=True)
class Station:
    """An AMeDAS station for which temperatures are forecast."""

    code: str
    name: str
    latitude: float
    longitude: float
    altitude_m: int


@dataclass(frozen=True, slots=True)
class DayArea:
    """A class10 area: the place of the short-term forecast."""

    code: str
    name: str
    coastal: bool
    stations: tuple[Station, ...]


@dataclass(frozen=True, slots=True)
class WeekArea:
    """A place of the weekly forecast, in force during some months of the year."""

    code: str
    name: str
    station: Station
    months: tuple[int, int]

    def covers(self, day: date) -> bool:
        first, last = self.months
        if first <= last:
            return first <= day.month <= last
        return day.month >= first or day.month <= last


@dataclass(frozen=True, slots=True)
class Office:
    """A forecast office that publishes a file."""

    code: str
    publisher: str
    day_areas: tuple[DayArea, ...]
    week_areas: tuple[WeekArea, ...]


@cache
def raw() -> dict[str, Any]:
    """The compact tables."""
    tables: dict[str, Any] = orjson.loads((Path(__file__).parent / "areas.json").read_bytes())
    return tables


@cache
def offices() -> dict[str, Office]:
    """The 56 offices that have a forecast file, by code."""
    return {code: _office(code) for code in raw()["offices"] if code not in CARRIED_BY}


def _office(code: str) -> Office:
    codes = [code, *(carried for carried, carrier in CARRIED_BY.items() if carrier == code)]
    tables = raw()
    return Office(
        code=code,
        publisher=tables["offices"][code][2],
        day_areas=tuple(
            DayArea(
                code=area,
                name=tables["class10s"][area][0],
                coastal=area not in tables["inland"],
                stations=tuple(_station(each) for each in stations),
            )
            for each_code in codes
            for area, stations, _ in tables["forecast_areas"][each_code]
        ),
        week_areas=tuple(
            WeekArea(area, name, _station(station), (months[0], months[1]))
            for each_code in codes
            for area, name, station, months in tables["week_areas"][each_code]
        ),
    )


def _station(code: str) -> Station:
    name, _, _, latitude, longitude, altitude_m, _, _ = raw()["stations"][code]
    return Station(code, name, latitude[0] + latitude[1] / 60, longitude[0] + longitude[1] / 60, altitude_m)


@cache
def area_json() -> bytes:
    """`common/const/area.json`: five levels, each area with its parent and children."""
    tables = raw()
    columns = {
        "centers": ("name", "enName", "officeName", "children"),
        "offices": ("name", "enName", "officeName", "parent"),
        "class10s": ("name", "enName", "parent"),
        "class15s": ("name", "enName", "parent"),
        "class20s": ("name", "enName", "kana", "parent"),
    }
    levels: dict[str, dict[str, dict[str, Any]]] = {
        level: {code: dict(zip(names, row, strict=True)) for code, row in tables[level].items()}
        for level, names in columns.items()
    }
    for upper, lower in (("offices", "class10s"), ("class10s", "class15s"), ("class15s", "class20s")):
        for code, area in levels[lower].items():
            levels[upper][area["parent"]].setdefault("children", []).append(code)
    return orjson.dumps(levels)


@cache
def forecast_area_json() -> bytes:
    """`forecast/const/forecast_area.json`: office → its class10 areas with their temperature stations."""
    return orjson.dumps(
        {
            office: [{"class10": area, "amedas": stations, "class20": class20} for area, stations, class20 in rows]
            for office, rows in raw()["forecast_areas"].items()
        }
    )


@cache
def week_area_json() -> bytes:
    """`forecast/const/week_area.json`: office → the areas of its weekly forecast, all seasons together."""
    return orjson.dumps(
        {
            office: [{"week": area, "amedas": station} for area, _, station, _ in rows]
            for office, rows in raw()["week_areas"].items()
        }
    )


@cache
def amedastable_json() -> bytes:
    """`amedas/const/amedastable.json`, only of the stations for which there are forecasts."""
    columns = ("kjName", "knName", "enName", "lat", "lon", "alt", "type", "elems")
    return orjson.dumps({code: dict(zip(columns, row, strict=True)) for code, row in raw()["stations"].items()})


@cache
def amedas_class20_list_json() -> bytes:
    """`amedas/const/amedas_class20_list.json`: class20 → the stations of its district."""
    stations = {place.code: place.stations for office in offices().values() for place in office.day_areas}
    return orjson.dumps(
        {
            class20: [station.code for station in stations.get(class10_of(class20), ())]
            for class20 in raw()["class20s"]
            if stations.get(class10_of(class20))
        }
    )


def class10_of(class20: str) -> str:
    """The forecast district that a municipality lies in."""
    class15: str = raw()["class20s"][class20][3]
    class10: str = raw()["class15s"][class15][2]
    return class10


@cache
def class20s_of(office: str) -> dict[str, tuple[str, ...]]:
    """An office's districts, each with its municipalities."""
    found: dict[str, list[str]] = {}
    for code, row in raw()["class10s"].items():
        if row[2] == office:
            found[code] = []
    for class20 in raw()["class20s"]:
        class10 = class10_of(class20)
        if class10 in found:
            found[class10].append(class20)
    return {code: tuple(parts) for code, parts in found.items()}


@cache
def stations() -> dict[str, tuple[Station, str]]:
    """Every station that observes, each with the office whose file holds its district."""
    return {
        station.code: (station, code)
        for code, office in offices().items()
        for place in office.day_areas
        for station in place.stations
    }
