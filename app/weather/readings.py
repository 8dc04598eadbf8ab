"""Readings: one weather value that a rule uses, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from app.weather.outlook import Gap, Outlook, PlaceForecast, Sky
from tenants.stores import opening_hours
from tenants.stores.opening_hours import Hours, Interval, instant

JAPAN = ZoneInfo("Asia/Tokyo")
BLOCK = timedelta(hours=6)
BLOCK_HOURS = (0, 6, 12, 18)
OVERLAP = timedelta(hours=2)
"""A 6-hour block counts for a window that it shares this much with."""

_MIDNIGHT_JAPAN = datetime(2000, 1, 1, tzinfo=JAPAN).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Clock hours of a business day, in minutes after its 00:00."""

    opens: int
    closes: int

    def on(self, business_on: date, zone: ZoneInfo) -> Interval:
        """The two instants of this window on a business day, in UTC."""
        return instant(business_on, self.opens, zone), instant(business_on, self.closes, zone)

    def counts_a_block(self) -> bool:
        """Whether some 6-hour block overlaps this window by two hours; without one it can never have a
        reading."""
        block, overlap = BLOCK.seconds // 60, OVERLAP.seconds // 60
        starts = range(0, self.closes, block)
        return any(min(self.closes, start + block) - max(self.opens, start) >= overlap for start in starts)


@dataclass(frozen=True, slots=True)
class Day:
    """A store's business day as a rule sees it: its date, its openings in UTC, and the brand's zone."""

    business_on: date
    openings: Sequence[Interval]
    zone: ZoneInfo

    @classmethod
    def of(cls, hours: Hours, now: datetime, zone: ZoneInfo) -> "Day":
        """The business day that a moment belongs to at a store with these opening hours."""
        business_on = opening_hours.business_day(hours, now, zone)
        return cls(business_on, opening_hours.intervals(hours, business_on, zone), zone)

    def spans(self, window: Window | None) -> Sequence[Interval]:
        """The instants of a window on this day; without one, the openings."""
        return self.openings if window is None else (window.on(self.business_on, self.zone),)


@dataclass(frozen=True, slots=True)
class Notes:
    """What the brand itself knows beside the weather.

    `firsts` says for each season's key on which business day a rule's first was; `confirmed_on` the date until which
    the operator vouches that there was none in this season; `pollen` the level that she has set for the day, if any.
    """

    firsts: tuple[tuple[str, date], ...] = ()
    confirmed_on: date | None = None
    pollen: str | None = None


NOTHING_NOTED = Notes()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a comparison may look at: the outlook of a place, the store's business day, the moment, and the hours that
    it is about."""

    outlook: Outlook
    day: Day
    now: datetime
    window: Window | None = None
    max_age_minutes: int | None = None
    notes: Notes = NOTHING_NOTED

    @property
    def spans(self) -> Sequence[Interval]:
        """The instants of the window on the business day; without a window, the openings."""
        return self.day.spans(self.window)


Value: TypeAlias = bool | int | float | str | frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value as a rule saw it.

    `value` is None when nothing is known. `gap` says what is missing: with a value beside it, that value is
    only the least that the whole can be (a maximum over blocks of which one is absent), or the most with `at_most`.
    `detail` says what it was compared with, where that is not in the condition.
    """

    name: str
    value: Value | None
    gap: str | None
    source: str | None
    issued_at: datetime | None
    detail: str | None = None
    at_most: bool = False
    is_stale: bool = False

    def lacks(self, reason: str, **changes: Any) -> "Reading":
        """The same without its value."""
        return replace(self, value=None, gap=reason, **changes)


def rain_probability(place: PlaceForecast, spans: Sequence[Interval], now: datetime) -> Reading:
    """The highest probability of rain (%) of the 6-hour blocks that share two hours or more with the spans.

    A counted block that the issue does not carry leaves a gap, unless fewer than two of its counted hours are
    still to come at `now`: no issue speaks of hours that are gone, and waiting for one would leave every
    morning undecided.
    """
    known: list[int] = []
    missing: list[str] = []
    for block_at in _blocks(spans):
        if _overlap(block_at, spans) < OVERLAP:
            continue
        value = place.rain.get(block_at)
        if isinstance(value, int):
            known.append(value)
        elif _overlap(block_at, spans, after=now) >= OVERLAP:
            reason = value.reason if isinstance(value, Gap) else "not in this issue"
            missing.append(f"{_block_name(block_at)}: {reason}")
    gap = "; ".join(missing) or (None if known else "no 6-hour block of the window is left to forecast")
    return _reading("precipitation_probability", place, max(known, default=None), gap)


def temperature_max(place: PlaceForecast, business_on: date) -> Reading:
    """The highest temperature (°C) of the day from 09:00 to 18:00; never the full day's, which may fall at
    midnight."""
    found = place.highs.get(business_on)
    if isinstance(found, int):
        return _reading("temperature_max", place, found, None)
    reason = found.reason if found else "this issue carries no daytime maximum for the day"
    return _reading("temperature_max", place, None, reason)


def sky(place: PlaceForecast, business_on: date) -> Reading:
    """The day's main weather."""
    found = place.skies.get(business_on)
    if isinstance(found, Sky):
        return _reading("sky", place, found.value, None)
    return _reading("sky", place, None, found.reason if found else "this issue carries no weather for the day")


def temperature_min(place: PlaceForecast, business_on: date) -> Reading:
    """The lowest temperature (°C) of the coming morning, 00:00 to 09:00 of the date after the business day: no issue
    of a day speaks of that day's own."""
    found = place.lows.get(business_on + timedelta(days=1))
    if isinstance(found, int):
        return _reading("temperature_min", place, found, None)
    reason = found.reason if found else "this issue carries no minimum for the coming morning"
    return _reading("temperature_min", place, None, reason)


def weather(place: PlaceForecast, business_on: date) -> Reading:
    """All that the day's weather holds: what the sky mainly does, and rain, snow, thunder, fog, heavy, storm."""
    main, kinds = place.skies.get(business_on), place.kinds.get(business_on)
    known = frozenset([main.value] if isinstance(main, Sky) else [])
    if isinstance(kinds, frozenset):
        known |= kinds
    reason = next((part.reason for part in (kinds, main) if isinstance(part, Gap)), None)
    if reason is None and (main is None or kinds is None):
        reason = "this issue carries no weather for the day"
    return _reading("weather", place, known or None, reason)


def _reading(name: str, place: PlaceForecast, value: Value | None, gap: str | None) -> Reading:
    return Reading(name, value, gap, place.source, place.issued_at)


def _blocks(spans: Sequence[Interval]) -> list[datetime]:
    """Starts, in UTC, of the 6-hour blocks from 00:00 Japan time that touch the spans."""
    if not spans:
        return []
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    block_at = first - (first - _MIDNIGHT_JAPAN) % BLOCK
    return [block_at + BLOCK * count for count in range(-(-(last - block_at) // BLOCK))]


def _overlap(block_at: datetime, spans: Sequence[Interval], after: datetime | None = None) -> timedelta:
    """How much time a block shares with the spans, or with what is left of them after a moment."""
    begin_at = block_at if after is None else max(block_at, after)
    shared = (min(end, block_at + BLOCK) - max(begin, begin_at) for begin, end in spans)
    return sum((length for length in shared if length > timedelta()), timedelta())


def _block_name(block_at: datetime) -> str:
    begin = block_at.astimezone(JAPAN).hour
    return f"{begin:02}:00-{begin + 6:02}:00"
