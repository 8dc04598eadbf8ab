"""Weather made to order. A scenario holds for every day until another is put, and for all issues alike.

So what an issue says depends on its own time only, as in life: `rain-at-lunch` shows 80 % for 12–18 h of today and
of tomorrow in every issue that has these blocks, `flip-at-eleven` shows the same until that day's 11:00 issue
takes it back, and `wet-from-eleven` is dry until that issue brings the rain.
"""

import math
import zlib
from dataclasses import dataclass
from datetime import date, datetime

from app.sandbox.weather.tables import Station

TEXTS = {
    "100": "晴れ",
    "101": "晴れ　時々　くもり",
    "200": "くもり",
    "212": "くもり　昼過ぎ　一時　雨",
    "308": "雨　で　暴風を伴う",
    "400": "雪",
}

FLIPPING = "flip-at-eleven"
TURNING_WET = "wet-from-eleven"
_FLIP_HOUR = 11


@dataclass(frozen=True, slots=True)
class Day:
    """The weather of one day, the same everywhere but for the temperature."""

    code: str
    evening_code: str
    """What is left of the day at 17:00."""
    pops: tuple[int, int, int, int] | None
    """Probability of precipitation in % for 00–06, 06–12, 12–18 and 18–24 h; None is 0 or 10, by place and day."""
    wind: str = "北の風"
    wave: str = "１メートル"
    maximum_celsius: int | None = None
    """Daytime maximum; None is near the season's normal."""
    minimum_celsius: int | None = None
    departure_celsius: int = 0
    """From the normal, where the two above are None."""
    night_excess_celsius: int = 0
    """By how much the maximum of the whole day exceeds that of daytime, as when warm rain comes at midnight."""


SCENARIOS = {
    "dry": Day("100", "100", None, departure_celsius=1),
    "rain-at-lunch": Day("212", "200", (10, 10, 80, 10), wind="南の風", departure_celsius=-3, night_excess_celsius=2),
    "heat": Day("100", "100", None, wind="南の風", maximum_celsius=36, minimum_celsius=27),
    "first-snow": Day(
        "400",
        "400",
        (60, 70, 80, 70),
        wind="北の風　やや強く",
        wave="２メートル",
        maximum_celsius=2,
        minimum_celsius=-2,
        night_excess_celsius=3,
    ),
    "typhoon": Day(
        "308",
        "308",
        (90, 100, 100, 100),
        wind="南東の風　非常に強く",
        wave="９メートル　うねり　を伴う",
        departure_celsius=-1,
    ),
}
_TAKEN_BACK = Day("200", "200", (10, 10, 10, 10))

NAMES = frozenset({*SCENARIOS, FLIPPING, TURNING_WET})


def day_as_issued(scenario: str, issued_at: datetime, day: date) -> Day:
    """What the issue of that time says about a day."""
    if scenario in SCENARIOS:
        return SCENARIOS[scenario]
    has_flipped = day == issued_at.date() and issued_at.hour >= _FLIP_HOUR
    if scenario == TURNING_WET:
        return SCENARIOS["rain-at-lunch" if has_flipped else "dry"]
    return _TAKEN_BACK if has_flipped else SCENARIOS["rain-at-lunch"]


def pop_of(day: Day, place: str, on: date, block: int) -> int:
    """Probability of precipitation in % for one of the day's four blocks."""
    return day.pops[block] if day.pops else 10 * (_dice(f"{place} {on} {block}") % 2)


def daily_pop_of(day: Day, place: str, on: date) -> int:
    """The weekly forecast's probability, of the whole day."""
    return max(pop_of(day, place, on, block) for block in range(4))


def maximum_of(day: Day, station: Station, on: date) -> int:
    """Daytime maximum in °C."""
    if day.maximum_celsius is not None:
        return day.maximum_celsius
    return round(normals_of(station, on)[1]) + day.departure_celsius + _dice(f"max {station.code} {on}") % 3 - 1


def minimum_of(day: Day, station: Station, on: date) -> int:
    """Minimum in °C."""
    if day.minimum_celsius is not None:
        return day.minimum_celsius
    return round(normals_of(station, on)[0]) + _dice(f"min {station.code} {on}") % 3 - 1


def normals_of(station: Station, on: date) -> tuple[float, float]:
    """A plausible normal minimum and maximum in °C: a yearly wave by latitude and height, good to some 2 °C."""
    north = station.latitude - 35.7
    mean = 20.0 - north * (0.94 if north > 0 else 0.65) - station.altitude_m * 0.006
    swing = 10.8 + 0.45 * north
    season = math.cos(2 * math.pi * (on.timetuple().tm_yday - 217) / 365)
    return mean - 7.6 + swing * season, mean + swing * season


def _dice(text: str) -> int:
    return zlib.crc32(text.encode())
