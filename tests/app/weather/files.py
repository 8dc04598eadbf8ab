"""Forecast files in JMA's form, made for a test, and where recorded ones are."""

import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.weather.readings import JAPAN

RECORDED = Path(__file__).parents[4] / "shared" / "weather"
TOKYO, IZU = "130010", "130020"
TOKYO_STATION = "44132"


def at(text: str) -> datetime:
    """A Japanese wall clock time, "2026-11-21 11:10", as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=JAPAN)


def forecast(
    issued: str = "2026-11-21 11:00",
    rain: list[str] | None = None,
    temps: list[str] | None = None,
    codes: list[str] | None = None,
) -> list[dict[str, Any]]:
    """The file of an office with two districts and one station, on the axes that its issue hour has.

    `rain`, `temps` and `codes` are Tokyo's; the other district is dry.
    """
    issued_at = at(issued)
    midnight = issued_at.replace(hour=0, minute=0)
    tomorrow = midnight + timedelta(days=1)
    shape = 5 if issued_at.hour < 11 else 11 if issued_at.hour < 17 else 17
    first, blocks = {5: (6, 7), 11: (12, 6), 17: (18, 5)}[shape]
    block_stamps = [midnight + timedelta(hours=first + 6 * count) for count in range(blocks)]
    day_stamps = [issued_at, tomorrow] if shape == 5 else [issued_at, tomorrow, tomorrow + timedelta(days=1)]
    temp_stamps = [tomorrow, tomorrow.replace(hour=9)]
    if shape != 17:
        temp_stamps = [midnight.replace(hour=9), midnight, *temp_stamps]
    week_days = [tomorrow + timedelta(days=count) for count in range(7)]
    return [
        {
            "publishingOffice": "気象庁",
            "reportDatetime": issued_at.isoformat(),
            "timeSeries": [
                _series(day_stamps, weatherCodes=[codes or ["200"] * len(day_stamps), ["100"] * len(day_stamps)]),
                _series(block_stamps, pops=[rain or ["10"] * blocks, ["0"] * blocks]),
                {
                    "timeDefines": [stamp.isoformat() for stamp in temp_stamps],
                    "areas": [
                        {
                            "area": {"name": "東京", "code": TOKYO_STATION},
                            "temps": temps or ["15", "16", "8", "14"][-len(temp_stamps) :],
                        }
                    ],
                },
            ],
        },
        {
            "publishingOffice": "気象庁",
            "reportDatetime": issued_at.isoformat(),
            "timeSeries": [
                _series(
                    week_days,
                    weatherCodes=[["200"] * 7] * 2,
                    pops=[["", *["20"] * 6]] * 2,
                    reliabilities=[["", "", *["A"] * 5]] * 2,
                ),
                {
                    "timeDefines": [stamp.isoformat() for stamp in week_days],
                    "areas": [
                        {
                            "area": {"name": "東京", "code": TOKYO_STATION},
                            "tempsMin": ["", *["5"] * 6],
                            "tempsMax": ["", *["13"] * 6],
                        }
                    ],
                },
            ],
        },
    ]


def changed(document: list[dict[str, Any]], path: list[str | int], value: Any) -> list[dict[str, Any]]:
    """A copy of a file with the value at one path replaced."""
    copied: Any = copy.deepcopy(document)
    target = copied
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return copied  # type: ignore[no-any-return]


def _series(stamps: list[datetime], **lists: list[list[str]]) -> dict[str, Any]:
    names = {TOKYO: "東京地方", IZU: "伊豆諸島北部"}
    return {
        "timeDefines": [stamp.isoformat() for stamp in stamps],
        "areas": [
            {"area": {"name": name, "code": code}, **{key: values[index] for key, values in lists.items()}}
            for index, (code, name) in enumerate(names.items())
        ],
    }
