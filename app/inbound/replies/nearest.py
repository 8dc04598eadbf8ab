"""The stores nearest to the place that somebody sent, as one message with a map for each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tenants.areas.trade_zones import is_in_japan
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.opening_hours import Interval
from tenants.stores.queries import list_nearest
from tenants.stores.visiting import Doors, find_doors, map_url

MOST: Final = 3
WITHIN_M: Final = 50_000

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    title: str
    abroad: str
    none: str
    open_until: str
    open_always: str
    closed_until: str
    closed: str
    unknown: str
    open_now: str
    closed_now: str
    hours: str
    next_day: str
    comma: str
    about: str
    map: str


_JAPANESE: Final = Words(
    title="お近くの店舗",
    abroad="日本国内の場所をお送りいただくと、お近くの店舗をご案内します。",
    none="お送りいただいた場所から50km以内に店舗がありませんでした。別の場所でもお試しください。",
    open_until="営業中（{}まで）",
    open_always="営業中（24時間営業）",
    closed_until="営業時間外（{}から）",
    closed="本日の営業は終了、または休業日です",
    unknown="営業時間は店舗へご確認ください",
    open_now="営業中",
    closed_now="営業時間外",
    hours="本日 {}",
    next_day="翌",
    comma="、",
    about="約",
    map="地図を見る",
)
_ENGLISH: Final = Words(
    title="Shops near you",
    abroad="Send us a place in Japan, and we will show you the shops nearest to it.",
    none="There is no shop of ours within 50 km of the place you sent. Please try another one.",
    open_until="Open until {}",
    open_always="Open 24 hours",
    closed_until="Closed, opens at {}",
    closed="Closed for today",
    unknown="Please ask the shop for its hours",
    open_now="open",
    closed_now="closed",
    hours="Today {}",
    next_day="next day ",
    comma=", ",
    about="about ",
    map="Open map",
)


def find_point(message: Mapping[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude of a location message; None where it tells no point on earth."""
    latitude, longitude = _degrees(message.get("latitude"), 90), _degrees(message.get("longitude"), 180)
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(value: object, most: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        return None
    return float(value)


def write_nearest(
    session: ScopedSession, point: tuple[float, float], *, language: str | None, zone: ZoneInfo, now: datetime
) -> list[Message]:
    """What is said to who sent this place: up to three stores within 50 km, or a sentence.

    English where LINE says that her language is known and another than Japanese.
    """
    words = _JAPANESE if language is None or language.lower().startswith("ja") else _ENGLISH
    if not is_in_japan(*point):
        return [_text(words.abroad)]
    found = [one for one in list_nearest(session, *point, MOST) if one[1] <= WITHIN_M]
    if not found:
        return [_text(words.none)]
    return [_carousel([_Line.of(store, metres, words, zone, now) for store, metres in found], words)]


@dataclass(frozen=True, slots=True)
class _Line:
    """One store as it is shown."""

    name: str
    address: str | None
    far: str
    status: str
    short: str
    """Its status in a word, none where that is not known."""
    hours: str | None
    url: str
    is_open: bool | None

    @classmethod
    def of(cls, store: Store, metres: float, words: Words, zone: ZoneInfo, now: datetime) -> "_Line":
        doors = find_doors(store.opening_hours, now, zone)
        today = _date_of(doors.openings, zone)
        hours = words.comma.join(_span(one, today, words, zone) for one in doors.openings if today)
        return cls(
            name=store.name,
            address=store.address,
            far=f"{words.about}{_distance(metres)}",
            status=_status(doors, today, words, zone),
            short="" if doors.is_open is None else words.open_now if doors.is_open else words.closed_now,
            hours=words.hours.format(hours) if hours else None,
            url=map_url(store.latitude or 0.0, store.longitude or 0.0),
            is_open=doors.is_open,
        )


def _status(doors: Doors, today: date | None, words: Words, zone: ZoneInfo) -> str:
    if doors.is_open is None:
        return words.unknown
    if doors.opens_at is None or doors.closes_at is None or today is None:
        return words.closed
    if not doors.is_open:
        return words.closed_until.format(_clock(doors.opens_at, today, words, zone))
    if (doors.closes_at - doors.opens_at).total_seconds() >= 86_400:
        return words.open_always
    return words.open_until.format(_clock(doors.closes_at, today, words, zone))


def _date_of(openings: Sequence[Interval], zone: ZoneInfo) -> date | None:
    """The business day that these openings are of: the date on which the first begins."""
    return openings[0][0].astimezone(zone).date() if openings else None


def _span(opening: Interval, today: date | None, words: Words, zone: ZoneInfo) -> str:
    return "–".join(_clock(at, today, words, zone) for at in opening)


def _clock(at: datetime, today: date | None, words: Words, zone: ZoneInfo) -> str:
    """`22:00`, `24:00` at midnight, or `翌2:00` after it."""
    local = at.astimezone(zone)
    if local.date() == today:
        return f"{local.hour}:{local.minute:02}"
    return "24:00" if (local.hour, local.minute) == (0, 0) else f"{words.next_day}{local.hour}:{local.minute:02}"


def _distance(metres: float) -> str:
    if metres < 995:
        return f"{max(10, round(metres / 10) * 10)}m"
    return f"{metres / 1000:.1f}km" if metres < 9_950 else f"{math.ceil(metres / 1000)}km"


def _text(text: str) -> Message:
    return {"type": "text", "text": text}


def _carousel(lines: Sequence[_Line], words: Words) -> Message:
    told = [f"{number}. {line.name} {line.far} {line.short}".rstrip() for number, line in enumerate(lines, 1)]
    return {
        "type": "flex",
        "altText": f"{words.title}: {' / '.join(told)}"[:400],
        "contents": {"type": "carousel", "contents": [_bubble(line, words) for line in lines]},
    }


def _bubble(line: _Line, words: Words) -> Message:
    colour = {True: "#1b7f3b", False: "#b3261e", None: "#555555"}[line.is_open]
    rows: list[Message] = [
        {"type": "text", "text": line.name, "weight": "bold", "size": "lg", "wrap": True},
        {"type": "text", "text": line.status, "size": "sm", "color": colour, "wrap": True},
        {"type": "text", "text": line.far, "size": "sm"},
    ]
    for more in (line.hours, line.address):
        if more:
            rows.append({"type": "text", "text": more, "size": "sm", "color": "#555555", "wrap": True})
    action = {"type": "uri", "label": words.map, "uri": line.url}
    return {
        "type": "bubble",
        "body": {"type": "box", "layout": "vertical", "spacing": "sm", "contents": rows},
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [{"type": "button", "style": "primary", "height": "sm", "action": action}],
        },
    }
