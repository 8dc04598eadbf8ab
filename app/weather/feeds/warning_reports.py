"""JMA's file of all warnings in force (`warning/data/r8/map.json`), and that of rivers, read without guessing.

The first is a list of reports: of each office and each kind of weather the newest one, which may be months old. State
is all of them together: adding older ones up would bring back what was lifted, and keeping one for each office would
lose what another one says at the same minute.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from app.weather.feeds.state import FeedMalformed, read_stamp
from app.weather.feeds.warning_codes import ACTIVE_STATUSES, FLOOD_TIERS, LIFTED_STATUS, NONE_STATUS, WARNING_CODES
from app.weather.outlook import Gap, WarningInForce

Kinds = dict[str, list[dict[str, str]]]
LEVELS = ("class10", "class20")

MAX_REPORTS = 2_000
MAX_ITEMS = 5_000
_AREA = {"class10": re.compile(r"[0-9]{6}"), "class20": re.compile(r"[0-9]{7}")}
_PRODUCT = re.compile(r"[A-Z0-9]{4,10}")
_LEVEL = re.compile(r"レベル([0-9０-９])")


@dataclass(frozen=True, slots=True)
class Report:
    """One report: which areas it speaks of, and what it says of each."""

    product: str
    issued_at: datetime
    areas: Mapping[str, Kinds]
    """By level and area: kinds, each with `status` and, if it has one, `code`."""


@dataclass(frozen=True, slots=True)
class Flood:
    """What one river's forecast says of the municipalities along it."""

    river: str
    issued_at: datetime
    class20s: tuple[str, ...]
    name: str
    lifted: bool


def parse_clock(raw: bytes) -> datetime:
    """What time the feed of warnings says it is, from `map_time.json`. Raises FeedMalformed."""
    document = _load(raw)
    if not isinstance(document, dict):
        raise FeedMalformed("map_time.json is not an object")
    return read_stamp(document.get("latestControlDatetime"), "latestControlDatetime")


def parse_reports(raw: bytes) -> list[Report]:
    """The reports of `map.json`. Raises FeedMalformed for a file of another shape, such as the one before May 2026."""
    document = _load(raw)
    if not isinstance(document, list) or not document:
        raise FeedMalformed("the file of warnings is not a list of reports")
    if len(document) > MAX_REPORTS:
        raise FeedMalformed(f"the file of warnings has more than {MAX_REPORTS} reports")
    return [_report(entry, f"/{position}") for position, entry in enumerate(document)]


def parse_floods(raw: bytes) -> list[Flood]:
    """The rivers' forecasts, of which there may be none. Raises FeedMalformed."""
    document = _load(raw)
    if not isinstance(document, list) or len(document) > MAX_REPORTS:
        raise FeedMalformed("the file of rivers is not a list")
    return [_flood(entry, f"/{position}") for position, entry in enumerate(document)]


def newest(reports: Iterable[tuple[str, Report]]) -> dict[tuple[str, str], Report]:
    """Of each office and product the newest report; what two of the same minute say counts together."""
    found: dict[tuple[str, str], Report] = {}
    for office, report in reports:
        key = (office, report.product)
        known = found.get(key)
        if known is None or report.issued_at > known.issued_at:
            found[key] = report
        elif report.issued_at == known.issued_at:
            found[key] = _both(known, report)
    return found


Meaning = WarningInForce | Literal["nothing"] | Gap


def read_kind(kind: Mapping[str, str], issued_at: datetime) -> Meaning:
    """What one kind of a report says: a warning in force, nothing, or a gap where nobody here knows what it means."""
    status, code = kind.get("status"), kind.get("code")
    if status in (NONE_STATUS, LIFTED_STATUS):
        return "nothing"
    if status not in ACTIVE_STATUSES:
        return Gap(f"JMA's warning {code or 'without a code'} has the status {status!r}, which is new.")
    if code is None or code not in WARNING_CODES:
        return Gap(f"JMA's warning has the code {code!r}, which is new.")
    phenomenon, tier = WARNING_CODES[code]
    return WarningInForce(code, phenomenon, tier, issued_at)


def read_flood(kind: Mapping[str, str], issued_at: datetime) -> Meaning:
    """What a river's forecast means for a municipality along it."""
    level = _LEVEL.search(kind.get("name", ""))
    digit = str(int(level[1])) if level else None
    if digit == "1":
        return "nothing"
    if digit is None or digit not in FLOOD_TIERS:
        return Gap(f"A river's forecast is called {kind.get('name')!r}, which is new.")
    return WarningInForce(f"flood-{digit}", "flood", FLOOD_TIERS[digit], issued_at)


def _both(one: Report, other: Report) -> Report:
    areas: dict[str, Kinds] = {level: dict(one.areas.get(level, {})) for level in LEVELS}
    for level in LEVELS:
        for code, kinds in other.areas.get(level, {}).items():
            areas[level][code] = [*areas[level].get(code, []), *kinds]
    return Report(one.product, one.issued_at, areas)


def _report(entry: object, at: str) -> Report:
    fields = _object(entry, at)
    product = fields.get("dataTypeCode")
    if not isinstance(product, str) or not _PRODUCT.fullmatch(product):
        raise FeedMalformed(f"{at}/dataTypeCode is not a product")
    warning = _object(fields.get("warning"), f"{at}/warning")
    if not any(f"{level}Items" in warning for level in LEVELS):
        raise FeedMalformed(f"{at}/warning has neither class10Items nor class20Items")
    areas = {level: _items(warning.get(f"{level}Items", []), level, f"{at}/warning/{level}Items") for level in LEVELS}
    return Report(product, read_stamp(fields.get("reportDatetime"), f"{at}/reportDatetime"), areas)


def _items(value: object, level: str, at: str) -> Kinds:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise FeedMalformed(f"{at} is not a list")
    found: Kinds = {}
    for position, entry in enumerate(value):
        item = _object(entry, f"{at}/{position}")
        code, kinds = item.get("areaCode"), item.get("kinds")
        if not isinstance(code, str) or not _AREA[level].fullmatch(code):
            raise FeedMalformed(f"{at}/{position}/areaCode does not have the digits of a {level}")
        if not isinstance(kinds, list) or len(kinds) > 100:
            raise FeedMalformed(f"{at}/{position}/kinds is not a list")
        found.setdefault(code, []).extend(_kind(kind, f"{at}/{position}/kinds") for kind in kinds)
    return found


def _kind(value: object, at: str) -> dict[str, str]:
    kind = _object(value, at)
    texts = {key: kind[key] for key in ("code", "status") if kind.get(key) is not None}
    if not all(isinstance(text, str) and len(text) <= 40 for text in texts.values()):
        raise FeedMalformed(f"{at} has a code or status that is not text")
    return texts


def _flood(entry: object, at: str) -> Flood:
    fields = _object(entry, at)
    item = _object(fields.get("item"), f"{at}/item")
    river, codes, name = fields.get("riverCode"), fields.get("class20Codes"), item.get("name")
    if not isinstance(river, str) or not isinstance(name, str) or not isinstance(codes, list):
        raise FeedMalformed(f"{at} has no river, name or municipalities")
    if not all(isinstance(code, str) and _AREA["class20"].fullmatch(code) for code in codes):
        raise FeedMalformed(f"{at}/class20Codes holds what is no class20")
    condition = item.get("condition")
    lifted = LIFTED_STATUS in f"{fields.get('infoType')}{condition if isinstance(condition, str) else ''}"
    issued_at = read_stamp(fields.get("reportDatetime"), f"{at}/reportDatetime")
    return Flood(river[:40], issued_at, tuple(codes), name[:40], lifted)


def _load(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FeedMalformed(f"is not JSON: {error}") from None


def _object(value: object, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FeedMalformed(f"{at} is not an object")
    return value
