"""The files beside the forecast: what is observed, warned of, computed for an hour, and felt as heat.

They follow the scenario of the office that they belong to, so that what is observed is what was forecast: it rains in
the blocks whose probability is 50 % or more.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import orjson

from app.sandbox.clock import JST
from app.sandbox.weather import scenarios, tables
from app.sandbox.weather.forecast import newest_issue
from app.sandbox.weather.scenarios import Day
from app.sandbox.weather.state import Weather
from app.sandbox.weather.tables import Station

SINCE = datetime(2026, 5, 28, 13, tzinfo=JST)
"""When nothing has been warned of yet, all reports are those of the day on which this format began."""

NONE = "発表警報・注意報はなし"
PRODUCTS: Mapping[str, frozenset[str]] = {
    "VPWW55": frozenset({"10", "03", "43", "33"}),
    "VPWW56": frozenset({"29", "09", "49", "39"}),
    "VPWW57": frozenset({"19", "08", "48", "38"}),
    "VPWW58": frozenset({"15", "05", "35", "13", "02", "32"}),
    "VPWW59": frozenset({"16", "07", "37"}),
    "VPWW60": frozenset({"12", "06", "36"}),
    "VPWW61": frozenset(),
}
"""Which warnings each report carries; the last one all others."""
COASTAL = ("VPWW57", "VPWW59")

RUN_HOURS = 3
_HOUR = timedelta(hours=1)


def observations(weather: Weather, moment: datetime) -> bytes:
    """All stations at a moment of ten minutes, each value with its quality."""
    return orjson.dumps(
        {code: _observed(weather, station, office, moment) for code, (station, office) in tables.stations().items()}
    )


def newest_moment(now: datetime) -> datetime:
    """The moment of the newest map: they come out some five minutes late."""
    late = now.astimezone(JST) - timedelta(minutes=5)
    return late.replace(minute=late.minute // 10 * 10, second=0, microsecond=0)


def warnings_clock(now: datetime) -> bytes:
    """What time the feed of warnings says it is: within the minute, as somewhere in Japan something always changes."""
    stamp = now.astimezone(UTC).replace(second=0, microsecond=0)
    return orjson.dumps({"latestControlDatetime": f"{stamp:%Y-%m-%dT%H:%M:%SZ}"})


def warnings(weather: Weather) -> bytes:
    """Every report of every office: seven each, those of the coast without the municipalities that have none."""
    changed_at = datetime.fromtimestamp(weather.warned_at, JST).replace(microsecond=0)
    in_force = {class20: tuple(sorted(codes.items())) for class20, codes in weather.warnings.items()}
    return _warnings(tuple(sorted(in_force.items())), max(changed_at, SINCE).isoformat())


def floods() -> bytes:
    """The rivers' forecasts: there are none."""
    return b"[]"


def heat_index(weather: Weather, now: datetime) -> bytes:
    """The heat index of all stations, every third hour to the day after tomorrow, in tenths of a degree."""
    local = now.astimezone(JST)
    made_at = (local - timedelta(minutes=30)).replace(minute=30, second=0, microsecond=0)
    first = local.replace(hour=local.hour // 3 * 3, minute=0, second=0, microsecond=0) + 3 * _HOUR
    last = datetime.combine(local.date() + timedelta(days=3), time(), JST)
    stamps = [first + 3 * count * _HOUR for count in range(int((last - first) / (3 * _HOUR)) + 1)]
    lines = [",".join(["", "", *map(_heat_stamp, stamps)])]
    for code, (station, office) in tables.stations().items():
        values = (f"{_heat_of(weather, station, office, stamp) * 10:>4.0f}" for stamp in stamps)
        lines.append(",".join([code, f"{made_at:%Y/%m/%d %H:%M}", *values]))
    return ("\n".join(lines) + "\n").encode()


def heat_alerts(weather: Weather, on: date, hour: int) -> bytes:
    """The heat-stroke alerts as published at an hour: a hot office has one for today, and from 17:00 for tomorrow."""
    target = on if hour < 17 else on + timedelta(days=1)
    lines = [
        "Title,熱中症特別警戒情報・熱中症警戒情報",
        "Encoding,UTF-8",
        f"ReportDate,{on:%Y/%m/%d}",
        f"ReportTime,{hour:02}:00:00",
        f"TargetDate1,{on:%Y/%m/%d}",
        f"TargetDate2,{on + timedelta(days=1):%Y/%m/%d}",
        "府県予報区,都府県・振興局表示番号,都府県・振興局表示番号サブ,府県予報区等コード,都道府県名,都道府県コード,"
        "TargetDate1フラグ,TargetDate2フラグ",
    ]
    for code, row in tables.raw()["offices"].items():
        day = scenarios.day_as_issued(
            weather.scenario_of(tables.CARRIED_BY.get(code, code)), datetime.combine(on, time(hour), JST), target
        )
        flag = "1" if (day.maximum_celsius or 0) >= 35 else "0"
        lines.append(f"{row[0]},{code[:2]},0,{code},{row[0]},{code[:2]},{flag},{flag if hour >= 17 else 9}")
    return ("\r\n".join(lines) + "\r\n").encode()


def newest_run(now: datetime) -> datetime:
    """When the newest run of the model began: every third hour, and three hours under way."""
    local = now.astimezone(UTC) - RUN_HOURS * _HOUR
    return local.replace(hour=local.hour // RUN_HOURS * RUN_HOURS, minute=0, second=0, microsecond=0)


def run_meta(now: datetime) -> bytes:
    """What the model says of itself."""
    run_at = int(newest_run(now).timestamp())
    return orjson.dumps({"last_run_initialisation_time": run_at, "last_run_availability_time": run_at + 9_000})


def model_hours(weather: Weather, latitude: float, longitude: float, now: datetime, days: int) -> dict[str, Any]:
    """One place's hours from today's midnight, as the nearest station has its weather."""
    station, office = min(
        tables.stations().values(),
        key=lambda one: (one[0].latitude - latitude) ** 2 + (one[0].longitude - longitude) ** 2,
    )
    midnight = datetime.combine(now.astimezone(JST).date(), time(), JST)
    stamps = [midnight + count * _HOUR for count in range(24 * days)]
    issued_at = newest_issue(now)

    def day_of(moment: datetime) -> Day:
        return scenarios.day_as_issued(weather.scenario_of(office), issued_at, moment.date())

    def rain(stamp: datetime) -> float:
        before = stamp - _HOUR
        return 2.0 if _is_wet(day_of(before), before) else 0.0

    wind = [20.0 if day_of(stamp).code == "308" else 3.0 for stamp in stamps]
    snow = [1.0 if rain(stamp) and day_of(stamp - _HOUR).code == "400" else 0.0 for stamp in stamps]
    return {
        "latitude": latitude,
        "longitude": longitude,
        "utc_offset_seconds": 32_400,
        "timezone": "Asia/Tokyo",
        "hourly_units": {
            "time": "iso8601",
            "precipitation": "mm",
            "apparent_temperature": "°C",
            "wind_speed_10m": "m/s",
            "wind_gusts_10m": "m/s",
            "snowfall": "cm",
        },
        "hourly": {
            "time": [f"{stamp:%Y-%m-%dT%H:%M}" for stamp in stamps],
            "precipitation": [rain(stamp) for stamp in stamps],
            "apparent_temperature": [round(_temperature(day_of(stamp), station, stamp) - 1, 1) for stamp in stamps],
            "wind_speed_10m": wind,
            "wind_gusts_10m": [round(speed * 1.5, 1) for speed in wind],
            "snowfall": snow,
        },
    }


def _observed(weather: Weather, station: Station, office: str, moment: datetime) -> dict[str, list[Any]]:
    local = moment.astimezone(JST)
    day = scenarios.day_as_issued(weather.scenario_of(office), newest_issue(local), local.date())
    before = local - _HOUR
    day_before = scenarios.day_as_issued(weather.scenario_of(office), newest_issue(local), before.date())
    is_wet = _is_wet(day, local)
    snows = is_wet and day.code == "400"
    found: dict[str, list[Any]] = {
        "temp": [round(_temperature(day, station, local), 1), 0],
        "humidity": [90 if is_wet else 50, 0],
        "precipitation10m": [0.5 if is_wet else 0.0, 0],
        "precipitation1h": [2.0 if _is_wet(day_before, before) else 0.0, 0],
        "wind": [18.0 if day.code == "308" else 2.5, 0],
        "windDirection": [8, 0],
        # In summer nobody looks for snow: null, with a quality of its own.
        "snow": [5 if snows else 0, 0] if local.month in (11, 12, 1, 2, 3, 4) else [None, 5],
        "snow1h": [1 if snows else 0, 0] if local.month in (11, 12, 1, 2, 3, 4) else [0, 6],
    }
    if local.minute == 0:
        found["weather"] = [10 if snows else 7 if is_wet else 1, 0]
    return found


def _is_wet(day: Day, moment: datetime) -> bool:
    """Whether it rains or snows at that moment of that day."""
    return day.pops is not None and day.pops[moment.astimezone(JST).hour // 6] >= 50


def _temperature(day: Day, station: Station, moment: datetime) -> float:
    """Between the day's two extremes: lowest at five, highest at two in the afternoon."""
    local = moment.astimezone(JST)
    low = scenarios.minimum_of(day, station, local.date())
    high = scenarios.maximum_of(day, station, local.date())
    hour = local.hour + local.minute / 60
    span = (hour - 5) / 9 if 5 <= hour <= 14 else 1 - ((hour - 14) % 24) / 15
    return low + (high - low) * (1 - math.cos(math.pi * span)) / 2


def _heat_of(weather: Weather, station: Station, office: str, moment: datetime) -> float:
    day = scenarios.day_as_issued(weather.scenario_of(office), newest_issue(moment), moment.date())
    return max(0.0, 0.8 * _temperature(day, station, moment) + 3.5)


def _heat_stamp(moment: datetime) -> str:
    """An hour as the Ministry writes it: midnight is hour 24 of the day that ends."""
    if moment.hour == 0:
        return f"{moment - _HOUR:%Y%m%d}24"
    return f"{moment:%Y%m%d%H}"


@lru_cache(maxsize=32)
def _warnings(in_force: tuple[tuple[str, tuple[tuple[str, str], ...]], ...], changed_at: str) -> bytes:
    warned = {class20: dict(codes) for class20, codes in in_force}
    reports = []
    for office in tables.raw()["offices"]:
        districts = tables.class20s_of(office)
        inland = set(tables.raw()["inland"])
        changed = any(class20 in warned for parts in districts.values() for class20 in parts)
        for product in PRODUCTS:
            named = {code: parts for code, parts in districts.items() if product not in COASTAL or code not in inland}
            items = [
                {"areaCode": class20, "kinds": _kinds(product, warned.get(class20, {}))}
                for parts in named.values()
                for class20 in parts
            ]
            of_districts = [
                {
                    "areaCode": code,
                    "kinds": _kinds(product, {k: v for part in parts for k, v in warned.get(part, {}).items()}),
                }
                for code, parts in named.items()
            ]
            stamp = changed_at if changed else SINCE.isoformat()
            reports.append(
                {
                    "publishingOffice": tables.raw()["offices"][office][2],
                    "reportDatetime": stamp,
                    "controlDatetime": stamp,
                    "dataTypeCode": product,
                    "infoType": "発表",
                    "warning": {"class10Items": of_districts, "class20Items": items},
                }
            )
    return orjson.dumps(reports)


def _together(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What is in force in any of these municipalities."""
    return {code: status for part in parts for code, status in part.items()}


def _kinds(product: str, codes: Mapping[str, str]) -> list[dict[str, str]]:
    known = frozenset(code for of_product in PRODUCTS.values() for code in of_product)
    mine = PRODUCTS[product]
    chosen = [
        {"code": code, "status": status}
        for code, status in codes.items()
        if code in mine or (product == "VPWW61" and code not in known)
    ]
    return chosen or [{"status": NONE}]
