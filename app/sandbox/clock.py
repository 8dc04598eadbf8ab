"""The sandbox's own clock: the real one, moved."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

JST = timezone(timedelta(hours=9), "JST")
"""LINE's months and JMA's days are Japanese; Japan knows no daylight saving."""


class Clock:
    """What time LINE believes it is. It always runs; `set` and `advance` move it."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0
        self.watchers: list[Callable[[], None]] = []
        """What looks at the world before the clock is moved and after, as days may end in between."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset_seconds

    def set(self, instant: datetime) -> None:
        self.advance(instant.timestamp() - self.now())

    def advance(self, seconds: float) -> None:
        for look in self.watchers:
            look()
        self.offset_seconds += seconds
        for look in self.watchers:
            look()


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant. Raises ValueError if it is none, or has no zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant


def format_instant(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, as LINE writes its times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def month_of(seconds: float) -> str:
    """The calendar month in Japan, as LINE counts quota: "2026-11"."""
    return _month_of_hour(int(seconds // 3600))


@lru_cache(maxsize=16)
def _month_of_hour(hours: int) -> str:
    return datetime.fromtimestamp(hours * 3600, JST).strftime("%Y-%m")
