"""The forecast file of the Japan Meteorological Agency (JMA), read without ever inventing a number.

The file has no specification. What this parser relies on was measured on three years of issues: two parts
with their own report times; in the first, three series with three time axes and two kinds of place
(districts, stations). A file that departs from that shape is refused as a whole; a single value that is
absent or absurd becomes a `Gap`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from app.weather.outlook import Gap, PlaceForecast
from app.weather.readings import BLOCK, BLOCK_HOURS, JAPAN
from app.weather.weather_codes import KNOWN_CODES, sky_of

SOURCE = "jma"
ATTRIBUTION = "出典：気象庁ホームページ（https://www.jma.go.jp/bosai/forecast/）を加工して作成"

MAX_STAMPS = 40
MAX_PLACES = 200

_STAMP = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z|[+-][01][0-9]:[0-5][0-9])")
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

NOT_STATED = Gap("the file leaves it empty")


class ForecastMalformed(Exception):
    """The file does not have the shape of a JMA forecast; `pointer` says where it departs from it."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or '/'} {detail}")
        self.pointer = pointer
        self.detail = detail


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

    Its districts are not those of the first part and change with the season.
    """

    issued_at: datetime
    days: Mapping[str, Mapping[date, WeekDay]]
    temperatures: Mapping[str, Mapping[date, WeekTemperatures]]


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

    def at(self, district: str, station: str | None) -> PlaceForecast:
        """What this issue says about a district and, for temperatures, a station; what it does not name is
        absent."""
        highs = {on: day.high for on, day in self.temperatures.get(station or "", {}).items() if day.high is not None}
        skies = {
            on: day if isinstance(day, Gap) else sky_of(day.code) for on, day in self.weather.get(district, {}).items()
        }
        return PlaceForecast(SOURCE, self.issued_at, self.rain.get(district, {}), highs, skies)


def parse_forecast(raw: object) -> JmaForecast:
    """A forecast file, as bytes or as decoded JSON.

    Raises ForecastMalformed, and nothing else, for whatever is not a whole file of the known shape.
    """
    parts = _load(raw) if isinstance(raw, bytes) else raw
    if not isinstance(parts, list) or len(parts) != 2:
        raise ForecastMalformed("", "is not a list of two parts")
    oddities: list[str] = []
    short, week = _object(parts[0], "/0"), _object(parts[1], "/1")
    issued_at = _stamp(short.get("reportDatetime"), "/0/reportDatetime")
    weather = _series(short, "/0", 0, codes=_DISTRICT, needed=("weatherCodes",), issued_at=issued_at, reach=SHORT_REACH)
    rain = _series(short, "/0", 1, codes=_DISTRICT, needed=("pops",), issued_at=issued_at, reach=SHORT_REACH)
    temperatures = _series(short, "/0", 2, codes=_STATION, needed=("temps",), issued_at=issued_at, reach=SHORT_REACH)
    _check_blocks(rain, issued_at)
    return JmaForecast(
        office_name=_text(short.get("publishingOffice"), "/0/publishingOffice"),
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
    series = _object(every[index], pointer)
    stamps = [
        _stamp(value, f"{pointer}/timeDefines/{position}")
        for position, value in enumerate(_list(series.get("timeDefines"), f"{pointer}/timeDefines", MAX_STAMPS))
    ]
    if len(set(stamps)) != len(stamps):
        raise ForecastMalformed(f"{pointer}/timeDefines", "names a time twice")
    if not all(issued_at + reach[0] <= stamp <= issued_at + reach[1] for stamp in stamps):
        raise ForecastMalformed(f"{pointer}/timeDefines", "lies too far from the report time")
    places: dict[str, _Place] = {}
    for position, value in enumerate(_list(series.get("areas"), f"{pointer}/areas", MAX_PLACES)):
        code, place = _place(value, f"{pointer}/areas/{position}", codes, needed, len(stamps))
        if code in places:
            raise ForecastMalformed(place.pointer, "names a place twice")
        places[code] = place
    return _Series(stamps, places, pointer)


def _place(
    value: object, at: str, code_shape: re.Pattern[str], needed: tuple[str, ...], length: int
) -> tuple[str, _Place]:
    entry = _object(value, at)
    area = _object(entry.get("area"), f"{at}/area")
    code = _text(area.get("code"), f"{at}/area/code")
    if not code_shape.fullmatch(code):
        raise ForecastMalformed(f"{at}/area/code", "does not have the digits of its kind of place")
    lists = {key: values for key, values in entry.items() if isinstance(values, list)}
    for key in needed:
        if key not in lists:
            raise ForecastMalformed(at, f"has no {key}")
    for key, values in lists.items():
        if len(values) != length:
            raise ForecastMalformed(f"{at}/{_token(key)}", f"has {len(values)} values for {length} times")
    return code, _Place(_text(area.get("name"), f"{at}/area/name"), lists, at)


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
        on: code if isinstance(code, Gap) else DayWeather(code, _plain(text))
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
    issued_at = _stamp(part.get("reportDatetime"), "/1/reportDatetime")
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
    return JmaWeek(
        issued_at,
        {code: _week_days(districts, place, oddities) for code, place in districts.places.items()},
        {code: _week_temperatures(stations, place, oddities) for code, place in stations.places.items()},
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
            values.append(Gap(f"the file says {_quote(text)}, which cannot be"))
            oddities.append(f"{place.pointer}/{key}: {_quote(text)} cannot be")
        else:
            values.append(value)
    return values


def _load(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ForecastMalformed("", f"is not JSON: {error}") from None


def _object(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ForecastMalformed(at, "is not an object")
    return value


def _list(value: object, at: str, limit: int) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise ForecastMalformed(at, "is not a list with entries")
    if len(value) > limit:
        raise ForecastMalformed(at, f"has more than {limit} entries")
    return value


def _text(value: object, at: str) -> str:
    if not isinstance(value, str) or not value:
        raise ForecastMalformed(at, "is not text")
    return value


def _stamp(value: object, at: str) -> datetime:
    """An instant with its offset, in UTC. Without an offset it would be anybody's guess."""
    if isinstance(value, str) and _STAMP.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            pass
    raise ForecastMalformed(at, "is not a time with its offset")


def _plain(text: object) -> str | None:
    """JMA's prose with its full-width spaces closed up."""
    return " ".join(text.replace("\u3000", " ").split()) if isinstance(text, str) and text else None


def _quote(value: object) -> str:
    """A value for a message: text is quoted and cut, anything else named by its kind, as it may be deep."""
    return repr(value[:40]) if isinstance(value, str) else f"a {type(value).__name__}"


def _token(key: str) -> str:
    return key[:40].replace("~", "~0").replace("/", "~1")
