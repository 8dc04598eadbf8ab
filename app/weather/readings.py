"""Readings: one weather value that a rule uses, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.weather.outlook import Gap, PlaceForecast, Sky
from tenants.stores.opening_hours import Interval, instant

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
class Reading:
    """One value as a rule saw it.

    `value` is None when nothing is known. `gap` says what is missing: with a value beside it, that value is
    only the least that the whole can be (a maximum over blocks of which one is absent).
    """

    name: str
    value: int | str | None
    gap: str | None
    source: str | None
    issued_at: datetime | None


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


def _reading(name: str, place: PlaceForecast, value: int | str | None, gap: str | None) -> Reading:
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
