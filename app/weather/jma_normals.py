"""The normals that the weekly part of a forecast carries."""

import re
from typing import Any

from app.weather.jma_values import NOT_STATED, quote
from app.weather.outlook import Gap

_DECIMAL = re.compile(r"-?[0-9]{1,2}(\.[0-9]+)?")
_STATION = re.compile(r"[0-9]{5}")


def read_normal_highs(part: dict[str, Any], oddities: list[str]) -> dict[str, float | Gap]:
    """The normal maximum of each station (°C). They are an extra: a file without them is a forecast all the same."""
    averages = part.get("tempAverage")
    areas = averages.get("areas") if isinstance(averages, dict) else None
    found: dict[str, float | Gap] = {}
    for entry in areas if isinstance(areas, list) else []:
        area = entry.get("area") if isinstance(entry, dict) else None
        code = area.get("code") if isinstance(area, dict) else None
        if not isinstance(code, str) or not _STATION.fullmatch(code):
            oddities.append("/1/tempAverage: a station has no code")
            continue
        text = entry.get("max")
        if text == "":
            found[code] = NOT_STATED
        elif isinstance(text, str) and _DECIMAL.fullmatch(text) and -50 <= float(text) <= 50:
            found[code] = float(text)
        else:
            found[code] = Gap(f"the file says {quote(text)}, which cannot be")
            oddities.append(f"/1/tempAverage: {quote(text)} cannot be")
    return found
