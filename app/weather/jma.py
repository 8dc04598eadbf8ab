"""The forecast file of the Japan Meteorological Agency (JMA), read without ever inventing a number.

The file has no specification. What this parser relies on was measured on three years of issues: two parts
with their own report times; in the first, three series with three time axes and two kinds of place
(districts, stations). A file that departs from that shape is refused as a whole; a single value that is
absent or absurd becomes a `Gap`.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from app.weather.jma_normals import read_normal_highs
from app.weather.jma_values import (
    NOT_STATED,
    ForecastMalformed,
    load,
    plain,
    quote,
    read_list,
    read_object,
    read_stamp,
    read_text,
    token,
)
from app.weather.outlook import Gap, PlaceForecast
from app.weather.readings import BLOCK, BLOCK_HOURS, JAPAN
from app.weather.weather_codes import KNOWN_CODES, kinds_of, sky_of

SOURCE = "jma"
ATTRIBUTION = "出典：気象庁ホームページ（https://www.jma.go.jp/bosai/forecast/）を加工して作成"

MAX_STAMPS = 40
MAX_PLACES = 200

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,2}")
_CODE = re.compile(r"[1-4][0-9]{2}")
_DISTRICT = re.compile(r"[0-9]{6}")
_STATION = re.compile(r"[0-9]{5}")

PROBABILITY = range(0, 101)
CELSIUS = range(-50, 51)
"""Japan's records are -41.0 and 41.8: what lies outside is a fault of the file."""

SHORT_REACH = (timedelta(hours=-24), timedelta(days=4))
WEEK_REACH = (timedelta(hours=-24), timedelta(days=9))
FIRST_BLOCK_REACH = (timedelta(hours=-12), timedelta(hours=6))
"""How far a stamp may lie from its part's report. In 463,366 issues the first block began -5 to +1 hours from
it: corrections keep the axis of the regular issue, so that their first block has already begun."""


@dataclass(frozen=True, slots=True)
class DayWeather:
    """The weather of one day: JMA's code, and its text for people to read."""

    code: str
    text: str | None


@dataclass(frozen=True, slots=True)
class DayTemperatures:
    """What a station's series says of one date, in °C.

    `high` is the maximum from 09:00 to 18:00, `day_high` that of the full day (3 % of the days it is higher,
    at midnight). Of the report's own date there is never a minimum.
    """

    high: int | Gap | None = None
    day_high: int | Gap | None = None
    low: int | Gap | None = None


@dataclass(frozen=True, slots=True)
class WeekDay:
    """One day of a weekly district: the day's probability of rain (%) and how sure JMA is (A, B, C)."""

    weather_code: str | Gap
    rain: int | Gap
    reliability: str | Gap


@dataclass(frozen=True, slots=True)
class WeekTemperatures:
    """One day of a weekly station, in °C."""

    low: int | Gap
    high: int | Gap


@dataclass(frozen=True, slots=True)
class JmaWeek:
    """The weekly part, with a report time of its own: at 05:00 it is still that of 17:00 the day before.

    Its districts are not those of the first part and change with the season. `stations` names for each the station
    whose temperatures stand for it, `normal_highs` the normal maximum of each station in °C.
    """

    issued_at: datetime
    days: Mapping[str, Mapping[date, WeekDay]]
    temperatures: Mapping[str, Mapping[date, WeekTemperatures]]
    stations: Mapping[str, str] = field(default_factory=dict)
    normal_highs: Mapping[str, float | Gap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JmaForecast:
    """One issue of one office.

    Instants are UTC, dates are Japanese; districts (`class10`) and stations go by JMA's code, which is text.
    `oddities` are values that were dropped or read by a fallback: empty for a file in order.
    """

    office_name: str
    issued_at: datetime
    district_names: Mapping[str, str]
    station_names: Mapping[str, str]
    weather: Mapping[str, Mapping[date, DayWeather | Gap]]
    rain: Mapping[str, Mapping[datetime, int | Gap]]
    temperatures: Mapping[str, Mapping[date, DayTemperatures]]
    week: JmaWeek
    oddities: tuple[str, ...]

    def at(self, district: str, station: str | None, week_districts: Collection[str] = ()) -> PlaceForecast:
        """What this issue says about a district and, for temperatures, a station; what it does not name is
        absent.

        `week_districts` are those of the weekly part that may stand for the district; the one that is in the file does,
        for the days after the first part's.
        """
        days = self.weather.get(district, {})
        temperatures = self.temperatures.get(station or "", {})
        week = _week_of(self.week, week_districts)
        week_station = station if station in self.week.temperatures else self.week.stations.get(week or "")
        later = {on: day for on, day in self.week.days.get(week or "", {}).items() if on not in days}
        later_temperatures = self.week.temperatures.get(week_station or "", {}) if later else {}
        codes: dict[date, tuple[str, str | None] | Gap] = {
            **{on: day if isinstance(day, Gap) else (day.code, day.text) for on, day in days.items()},
            **{
                on: day.weather_code if isinstance(day.weather_code, Gap) else (day.weather_code, None)
                for on, day in later.items()
            },
        }
        normal = self.week.normal_highs.get(week_station or "")
        return PlaceForecast(
            SOURCE,
            self.issued_at,
            self.rain.get(district, {}),
            highs={
                **{on: day.high for on, day in later_temperatures.items() if on in later},
                **{on: day.high for on, day in temperatures.items() if day.high is not None},
            },
            skies={on: code if isinstance(code, Gap) else sky_of(code[0]) for on, code in codes.items()},
            lows={
                **{on: day.low for on, day in later_temperatures.items() if on in later},
                **{on: day.low for on, day in temperatures.items() if day.low is not None},
            },
            kinds={on: code if isinstance(code, Gap) else kinds_of(*code) for on, code in codes.items()},
            normal_highs={} if normal is None else dict.fromkeys(codes, normal),
        )


def _week_of(week: JmaWeek, districts: Collection[str]) -> str | None:
    """The district of the weekly part that is in force now: which of several it is changes with the season. The only
    one of a file stands for all of it."""
    if len(week.days) == 1 and districts:
        return next(iter(week.days))
    named = [code for code in districts if code in week.days]
    return named[0] if len(named) == 1 else None


def parse_forecast(raw: object) -> JmaForecast:
    """A forecast file, as bytes or as decoded JSON.

    Raises ForecastMalformed, and nothing else, for whatever is not a whole file of the known shape.
    """
    parts = load(raw) if isinstance(raw, bytes) else raw
    if not isinstance(parts, list) or len(parts) != 2:
        raise ForecastMalformed("", "is not a list of two parts")
    oddities: list[str] = []
    short, week = read_object(parts[0], "/0"), read_object(parts[1], "/1")
    issued_at = read_stamp(short.get("reportDatetime"), "/0/reportDatetime")
    weather = _series(short, "/0", 0, codes=_DISTRICT, needed=("weatherCodes",), issued_at=issued_at, reach=SHORT_REACH)
    rain = _series(short, "/0", 1, codes=_DISTRICT, needed=("pops",), issued_at=issued_at, reach=SHORT_REACH)
    temperatures = _series(short, "/0", 2, codes=_STATION, needed=("temps",), issued_at=issued_at, reach=SHORT_REACH)
    _check_blocks(rain, issued_at)
    return JmaForecast(
        office_name=read_text(short.get("publishingOffice"), "/0/publishingOffice"),
        issued_at=issued_at,
        district_names={code: place.name for code, place in rain.places.items()},
        station_names={code: place.name for code, place in temperatures.places.items()},
        weather={code: _weather(weather, place, oddities) for code, place in weather.places.items()},
        rain={
            code: dict(zip(rain.stamps, _numbers(place, "pops", PROBABILITY, oddities), strict=True))
            for code, place in rain.places.items()
        },
        temperatures={
            code: _temperatures(temperatures.stamps, _numbers(place, "temps", CELSIUS, oddities))
            for code, place in temperatures.places.items()
        },
        week=_week(week, oddities),
        oddities=tuple(oddities),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    lists: Mapping[str, list[Any]]
    pointer: str


@dataclass(frozen=True, slots=True)
class _Series:
    stamps: Sequence[datetime]
    places: Mapping[str, _Place]
    pointer: str


def _series(
    part: dict[str, Any],
    at: str,
    index: int,
    *,
    codes: re.Pattern[str],
    needed: tuple[str, ...],
    issued_at: datetime,
    reach: tuple[timedelta, timedelta],
) -> _Series:
    """One series: its time axis and its places, each of whose lists must be as long as the axis."""
    every = part.get("timeSeries")
    if not isinstance(every, list) or len(every) <= index:
        raise ForecastMalformed(f"{at}/timeSeries", f"has no series {index}")
    pointer = f"{at}/timeSeries/{index}"
    series = read_object(every[index], pointer)
    stamps = [
        read_stamp(value, f"{pointer}/timeDefines/{position}")
        for position, value in enumerate(read_list(series.get("timeDefines"), f"{pointer}/timeDefines", MAX_STAMPS))
    ]
    if len(set(stamps)) != len(stamps):
        raise ForecastMalformed(f"{pointer}/timeDefines", "names a time twice")
    if not all(issued_at + reach[0] <= stamp <= issued_at + reach[1] for stamp in stamps):
        raise ForecastMalformed(f"{pointer}/timeDefines", "lies too far from the report time")
    places: dict[str, _Place] = {}
    for position, value in enumerate(read_list(series.get("areas"), f"{pointer}/areas", MAX_PLACES)):
        code, place = _place(value, f"{pointer}/areas/{position}", codes, needed, len(stamps))
        if code in places:
            raise ForecastMalformed(place.pointer, "names a place twice")
        places[code] = place
    return _Series(stamps, places, pointer)


def _place(
    value: object, at: str, code_shape: re.Pattern[str], needed: tuple[str, ...], length: int
) -> tuple[str, _Place]:
    entry = read_object(value, at)
    area = read_object(entry.get("area"), f"{at}/area")
    code = read_text(area.get("code"), f"{at}/area/code")
    if not code_shape.fullmatch(code):
        raise ForecastMalformed(f"{at}/area/code", "does not have the digits of its kind of place")
    lists = {key: values for key, values in entry.items() if isinstance(values, list)}
    for key in needed:
        if key not in lists:
            raise ForecastMalformed(at, f"has no {key}")
    for key, values in lists.items():
        if len(values) != length:
            raise ForecastMalformed(f"{at}/{token(key)}", f"has {len(values)} values for {length} times")
    return code, _Place(read_text(area.get("name"), f"{at}/area/name"), lists, at)


def _check_blocks(rain: _Series, issued_at: datetime) -> None:
    """Probabilities stand for 6-hour blocks: on another axis the same numbers would mean something else."""
    at = f"{rain.pointer}/timeDefines"
    for stamp in rain.stamps:
        local = stamp.astimezone(JAPAN)
        if local.hour not in BLOCK_HOURS or local.minute or local.second:
            raise ForecastMalformed(at, "holds a time that starts no 6-hour block")
    if any(later - earlier != BLOCK for earlier, later in zip(rain.stamps, rain.stamps[1:], strict=False)):
        raise ForecastMalformed(at, "does not run in steps of six hours")
    if not FIRST_BLOCK_REACH[0] <= rain.stamps[0] - issued_at <= FIRST_BLOCK_REACH[1]:
        raise ForecastMalformed(at, "does not begin near the report time")


def _weather(series: _Series, place: _Place, oddities: list[str]) -> dict[date, DayWeather | Gap]:
    """Weather by local date: the first stamp is the report's hour and the others midnights, so instants do
    not compare."""
    dates = [stamp.astimezone(JAPAN).date() for stamp in series.stamps]
    if len(set(dates)) != len(dates):
        raise ForecastMalformed(f"{series.pointer}/timeDefines", "names a date twice")
    texts = place.lists.get("weathers", [None] * len(dates))
    codes = _codes(place, oddities)
    return {
        on: code if isinstance(code, Gap) else DayWeather(code, plain(text))
        for on, code, text in zip(dates, codes, texts, strict=True)
    }


def _temperatures(stamps: Sequence[datetime], values: Sequence[int | Gap]) -> dict[date, DayTemperatures]:
    """Temperatures by local date; what a stamp means is told by the order in which the file lists the two of
    a date.

    09:00 is the daytime maximum. 00:00 *after* its date's 09:00 is the full day's maximum, although it looks
    like the morning's minimum; 00:00 *before* it is the minimum.
    """
    days: dict[date, DayTemperatures] = {}
    for stamp, value in zip(stamps, values, strict=True):
        local = stamp.astimezone(JAPAN)
        day = days.get(local.date(), DayTemperatures())
        if local.hour == 9:
            day = DayTemperatures(value, day.day_high, day.low)
        elif local.hour == 0 and day.high is not None:
            day = DayTemperatures(day.high, value, day.low)
        elif local.hour == 0:
            day = DayTemperatures(day.high, day.day_high, value)
        else:
            raise ForecastMalformed("/0/timeSeries/2/timeDefines", "holds a time other than 00:00 and 09:00")
        days[local.date()] = day
    return days


def _week(part: dict[str, Any], oddities: list[str]) -> JmaWeek:
    issued_at = read_stamp(part.get("reportDatetime"), "/1/reportDatetime")
    districts = _series(
        part,
        "/1",
        0,
        codes=_DISTRICT,
        needed=("weatherCodes", "pops", "reliabilities"),
        issued_at=issued_at,
        reach=WEEK_REACH,
    )
    stations = _series(
        part, "/1", 1, codes=_STATION, needed=("tempsMin", "tempsMax"), issued_at=issued_at, reach=WEEK_REACH
    )
    in_step = len(districts.places) == len(stations.places)
    return JmaWeek(
        issued_at,
        {code: _week_days(districts, place, oddities) for code, place in districts.places.items()},
        {code: _week_temperatures(stations, place, oddities) for code, place in stations.places.items()},
        # Both lists name their places in the same order; where they differ in length, nobody can say which is whose.
        dict(zip(districts.places, stations.places, strict=True)) if in_step else {},
        read_normal_highs(part, oddities),
    )


def _week_days(series: _Series, place: _Place, oddities: list[str]) -> dict[date, WeekDay]:
    dates = [stamp.astimezone(JAPAN).date() for stamp in series.stamps]
    codes = _codes(place, oddities)
    rain = _numbers(place, "pops", PROBABILITY, oddities)
    sure = _values(place, "reliabilities", oddities, lambda text: text if text in ("A", "B", "C") else None)
    return {on: WeekDay(*values) for on, *values in zip(dates, codes, rain, sure, strict=True)}


def _week_temperatures(series: _Series, place: _Place, oddities: list[str]) -> dict[date, WeekTemperatures]:
    dates = [stamp.astimezone(JAPAN).date() for stamp in series.stamps]
    lows = _numbers(place, "tempsMin", CELSIUS, oddities)
    highs = _numbers(place, "tempsMax", CELSIUS, oddities)
    return {on: WeekTemperatures(low, high) for on, low, high in zip(dates, lows, highs, strict=True)}


def _numbers(place: _Place, key: str, allowed: range, oddities: list[str]) -> list[int | Gap]:
    """The whole numbers of a list: "" is a gap and never 0, and so is what lies outside the allowed range."""

    def read(text: str) -> int | None:
        number = int(text) if _INTEGER.fullmatch(text) else None
        return number if number is not None and number in allowed else None

    return _values(place, key, oddities, read)


def _codes(place: _Place, oddities: list[str]) -> list[str | Gap]:
    """Weather codes; one that JMA's page does not know passes, since its first digit still tells the sky."""

    def read(text: str) -> str | None:
        return text if _CODE.fullmatch(text) else None

    codes: list[str | Gap] = _values(place, "weatherCodes", oddities, read)
    for code in codes:
        if isinstance(code, str) and code not in KNOWN_CODES:
            oddities.append(f"{place.pointer}/weatherCodes: code {code} is new")
    return codes


def _values(place: _Place, key: str, oddities: list[str], read: Callable[[str], Any]) -> list[Any]:
    """A list with each text read, and a gap for what is empty, no text, or refused by `read`."""
    values: list[Any] = []
    for text in place.lists[key]:
        if text == "":
            values.append(NOT_STATED)
            continue
        value = read(text) if isinstance(text, str) else None
        if value is None:
            values.append(Gap(f"the file says {quote(text)}, which cannot be"))
            oddities.append(f"{place.pointer}/{key}: {quote(text)} cannot be")
        else:
            values.append(value)
    return values
