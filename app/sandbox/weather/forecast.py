"""One office's forecast file as JMA shapes it: two parts with two report times, five series, places of three kinds.

Traps kept as they are: three time axes in the first part, whose length depends on the issue; today's two
temperatures are both maxima, the one stamped 00:00 of the whole day; at 17:00 nothing is said of today; the weekly
part of 05:00 is that of the evening before; its first values are empty; its areas change with the season.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import orjson

from app.sandbox.clock import JST
from app.sandbox.weather import scenarios
from app.sandbox.weather.scenarios import TEXTS, Day
from app.sandbox.weather.tables import Office, Station, offices

ISSUE_HOURS = (5, 11, 17)
_DAY = timedelta(days=1)
_WEEK_DAYS = 7


def newest_issue(now: datetime) -> datetime:
    """The latest regular issue (05:00, 11:00, 17:00 in Japan) not later than `now`."""
    local = now.astimezone(JST)
    for hour in reversed(ISSUE_HOURS):
        if local.hour >= hour:
            return datetime.combine(local.date(), time(hour), JST)
    return datetime.combine(local.date() - _DAY, time(ISSUE_HOURS[-1]), JST)


@lru_cache(maxsize=512)
def build(office_code: str, issued_at: datetime, scenario: str) -> bytes:
    """The file of an office as issued at that time under a scenario: the same bytes each time."""
    office = offices()[office_code]
    week_issued_at = issued_at
    if issued_at.hour == ISSUE_HOURS[0]:
        week_issued_at = datetime.combine(issued_at.date() - _DAY, time(ISSUE_HOURS[-1]), JST)

    def short_day(on: date) -> Day:
        return scenarios.day_as_issued(scenario, issued_at, on)

    def week_day(on: date) -> Day:
        return scenarios.day_as_issued(scenario, week_issued_at, on)

    return orjson.dumps([_short(office, issued_at, short_day), _week(office, week_issued_at, week_day)])


def _short(office: Office, issued_at: datetime, day_of: Callable[[date], Day]) -> dict[str, Any]:
    return {
        "publishingOffice": office.publisher,
        "reportDatetime": issued_at.isoformat(),
        "timeSeries": [
            _weather(office, issued_at, day_of),
            _precipitation(office, issued_at, day_of),
            _temperature(office, issued_at, day_of),
        ],
    }


def _weather(office: Office, issued_at: datetime, day_of: Callable[[date], Day]) -> dict[str, Any]:
    today = issued_at.date()
    dates = [today + n * _DAY for n in range(2 if issued_at.hour == ISSUE_HOURS[0] else 3)]
    days = [day_of(on) for on in dates]
    codes = [day.code for day in days]
    if issued_at.hour == ISSUE_HOURS[-1]:
        codes[0] = days[0].evening_code
    areas = []
    for place in office.day_areas:
        area = {
            **_area(place.name, place.code),
            "weatherCodes": codes,
            "weathers": [TEXTS[code] for code in codes],
            "winds": [day.wind for day in days],
        }
        if place.coastal:
            area["waves"] = [day.wave for day in days]
        areas.append(area)
    return {"timeDefines": [issued_at.isoformat(), *map(_midnight, dates[1:])], "areas": areas}


def _precipitation(office: Office, issued_at: datetime, day_of: Callable[[date], Day]) -> dict[str, Any]:
    today = issued_at.date()
    first = issued_at.hour // 6 + 1
    blocks = [(today + n // 4 * _DAY, n % 4) for n in range(first, 8)]
    return {
        "timeDefines": [datetime.combine(on, time(block * 6), JST).isoformat() for on, block in blocks],
        "areas": [
            {
                **_area(place.name, place.code),
                "pops": [str(scenarios.pop_of(day_of(on), place.code, on, block)) for on, block in blocks],
            }
            for place in office.day_areas
        ],
    }


def _temperature(office: Office, issued_at: datetime, day_of: Callable[[date], Day]) -> dict[str, Any]:
    today, tomorrow = issued_at.date(), issued_at.date() + _DAY
    evening = issued_at.hour == ISSUE_HOURS[-1]
    stamps = [_midnight(tomorrow), _nine(tomorrow)]
    if not evening:
        stamps = [_nine(today), _midnight(today), *stamps]

    def temps(station: Station) -> list[str]:
        next_day = day_of(tomorrow)
        values = [
            scenarios.minimum_of(next_day, station, tomorrow),
            scenarios.maximum_of(next_day, station, tomorrow),
        ]
        if not evening:
            daytime = scenarios.maximum_of(day_of(today), station, today)
            values = [daytime, daytime + day_of(today).night_excess_celsius, *values]
        return [str(value) for value in values]

    return {
        "timeDefines": stamps,
        "areas": [{**_area(station.name, station.code), "temps": temps(station)} for station in _in_order(office)],
    }


def _in_order(office: Office) -> list[Station]:
    """The stations as JMA lists them: the main one of each area first, then the others."""
    areas = office.day_areas
    return [*(area.stations[0] for area in areas), *(station for area in areas for station in area.stations[1:])]


def _week(office: Office, issued_at: datetime, day_of: Callable[[date], Day]) -> dict[str, Any]:
    dates = [issued_at.date() + n * _DAY for n in range(1, _WEEK_DAYS + 1)]
    stamps = [_midnight(on) for on in dates]
    places = [place for place in office.week_areas if place.covers(issued_at.date())]
    stations = list(dict.fromkeys(place.station for place in places))
    weather = [
        {
            **_area(place.name, place.code),
            "weatherCodes": [day_of(on).code for on in dates],
            "pops": ["", *(str(scenarios.daily_pop_of(day_of(on), place.code, on)) for on in dates[1:])],
            "reliabilities": ["", "", *("A" if day_of(on).pops is None else "B" for on in dates[2:])],
        }
        for place in places
    ]
    return {
        "publishingOffice": office.publisher,
        "reportDatetime": issued_at.isoformat(),
        "timeSeries": [
            {"timeDefines": stamps, "areas": weather},
            {"timeDefines": stamps, "areas": [_week_temperature(station, dates, day_of) for station in stations]},
        ],
        "tempAverage": {"areas": [_normal(station, *scenarios.normals_of(station, dates[3])) for station in stations]},
        "precipAverage": {"areas": [_normal(station, 5.0, 25.0) for station in stations]},
    }


def _week_temperature(station: Station, dates: Sequence[date], day_of: Callable[[date], Day]) -> dict[str, Any]:
    lowest = [scenarios.minimum_of(day_of(on), station, on) for on in dates[1:]]
    highest = [scenarios.maximum_of(day_of(on), station, on) for on in dates[1:]]

    def row(values: Sequence[int], shift: int) -> list[str]:
        return ["", *(str(value + shift) for value in values)]

    return {
        **_area(station.name, station.code),
        "tempsMin": row(lowest, 0),
        "tempsMinUpper": row(lowest, 2),
        "tempsMinLower": row(lowest, -2),
        "tempsMax": row(highest, 0),
        "tempsMaxUpper": row(highest, 2),
        "tempsMaxLower": row(highest, -2),
    }


def _normal(station: Station, least: float, most: float) -> dict[str, Any]:
    return {**_area(station.name, station.code), "min": f"{least:.1f}", "max": f"{most:.1f}"}


def _area(name: str, code: str) -> dict[str, Any]:
    return {"area": {"name": name, "code": code}}


def _midnight(on: date) -> str:
    return datetime.combine(on, time(0), JST).isoformat()


def _nine(on: date) -> str:
    return datetime.combine(on, time(9), JST).isoformat()
