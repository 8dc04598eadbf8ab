"""Files of the feeds, made for a test."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.weather.feeds.warning_codes import NONE_STATUS, PRODUCTS
from tests.app.weather.files import at

YOKOHAMA, KAWASAKI, OBIHIRO = "1410000", "1413000", "0120700"
KANAGAWA = "140010"


def kinds(*codes: str, status: str = "発表") -> list[dict[str, str]]:
    """What a report says of an area: these codes, or that there is nothing."""
    return [{"code": code, "status": status} for code in codes] or [{"status": NONE_STATUS}]


def report(
    product: str = "VPWW55",
    issued: str = "2026-11-21 10:00",
    areas: Mapping[str, Sequence[dict[str, str]]] | None = None,
    districts: Mapping[str, Sequence[dict[str, str]]] | None = None,
) -> dict[str, Any]:
    """One report of `map.json`, over Yokohama and Kawasaki without anything in force if nothing is named."""
    named = areas if areas is not None else {YOKOHAMA: kinds(), KAWASAKI: kinds()}
    return {
        "publishingOffice": "横浜地方気象台",
        "reportDatetime": at(issued).isoformat(),
        "controlDatetime": at(issued).isoformat(),
        "dataTypeCode": product,
        "infoType": "発表",
        "warning": {
            "class10Items": [{"areaCode": code, "kinds": list(found)} for code, found in (districts or {}).items()],
            "class20Items": [{"areaCode": code, "kinds": list(found)} for code, found in named.items()],
        },
    }


def quiet_map(**of_product: dict[str, Any]) -> list[dict[str, Any]]:
    """A file in which every product says that there is nothing, but for the reports given by product."""
    return [of_product.get(product, report(product)) for product in PRODUCTS]


def dump(document: Any) -> bytes:
    """A file's body."""
    return document if isinstance(document, bytes) else orjson.dumps(document)


def clock_file(moment: str) -> bytes:
    """`map_time.json` of a moment of Japanese wall clock."""
    return orjson.dumps({"latestControlDatetime": at(moment).isoformat()})


def station(**values: float | None) -> dict[str, list[Any]]:
    """A station's entry in a map of observations, every value good; null with a quality of its own."""
    return {name: [value, 0 if value is not None else 5] for name, value in values.items()}


def answer(latitude: float = 35.45, longitude: float = 139.65, **changes: Any) -> dict[str, Any]:
    """One place's answer of the second source: three hours from noon."""
    found = {
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
            "time": ["2026-11-21T12:00", "2026-11-21T13:00", "2026-11-21T14:00"],
            "precipitation": [0.0, 1.2, None],
            "apparent_temperature": [11.0, 12.5, 12.0],
            "wind_speed_10m": [3.0, 4.0, 5.0],
            "wind_gusts_10m": [None, None, None],
            "snowfall": [0.0, 0.0, 0.0],
        },
    }
    return {**found, **changes}


HEAT_INDEX = (
    b",,2026072212,2026072215,2026072224\n"
    b"46106,2026/07/22 10:25, 312, 325, 271\n"
    b"44132,2026/07/22 10:25, 318,    , 280\n"
)

ALERTS = (
    "Title,熱中症特別警戒情報・熱中症警戒情報,,\r\n"
    "ReportDate,2026/07/22,,\r\n"
    "TargetDate1,2026/07/22,,\r\n"
    "TargetDate2,2026/07/23,,\r\n"
    "府県予報区,都府県・振興局表示番号,都府県・振興局表示番号サブ,府県予報区等コード,都道府県名,都道府県コード,"
    "TargetDate1フラグ,TargetDate2フラグ\r\n"
    "神奈川県,46,0,140000,神奈川,14,1,9\r\n"
    "東京都,44,0,130000,東京,13,3,0\r\n"
).encode("utf-8-sig")
