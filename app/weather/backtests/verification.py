"""Whether it rained: what a rule's firings came to, by the rain gauge. Pure.

A store-day is wet when at least so much fell in the window, dry when less fell and no hour of it is missing, and else
not known. Rain comes in days, not in stores: intervals are made over whole days.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import sqrt
from typing import Final

from app.weather.archive.reading import StationDay
from app.weather.conditions import list_leaves
from app.weather.readings import JAPAN, Day, Window
from app.weather.rules import Rule

THRESHOLDS_MM: Final = (0.5, 1.0)
HOUR: Final = timedelta(hours=1)
HALF: Final = HOUR / 2
NORMAL_95: Final = 1.96

_OF_RAIN: Final = frozenset({"precipitation_probability", "precipitation", "raining_now"})
_WITH_RAIN: Final = frozenset({"weather", "sky"})


def speaks_of_rain(rule: Rule) -> bool:
    """Whether a rule is about rain, so that a rain gauge can tell whether it was right."""
    return any(
        leaf.reading in _OF_RAIN or (leaf.reading in _WITH_RAIN and "rain" in leaf.values)
        for leaf in list_leaves(rule.condition)
    )


def window_of(rule: Rule) -> Window | None:
    """The hours that a rule is about: its own, or all that its comparisons name; None is the opening hours."""
    if rule.window is not None:
        return rule.window
    windows = [leaf.window for leaf in list_leaves(rule.condition) if leaf.window is not None]
    if not windows:
        return None
    return Window(min(one.opens for one in windows), max(one.closes for one in windows))


def measured_rain(days: Mapping[date, StationDay], day: Day, window: Window | None) -> tuple[float, int] | None:
    """The rain (mm) that fell in the window of a business day, and how many of its hours are missing.

    An hour counts if half of it or more lies in the window. None for a day without one.
    """
    total, missing, hours = 0.0, 0, 0
    for begins_at, ends_at in day.spans(window):
        # Japan's clock is never put forward or back, so that hours can be added to a wall clock.
        hour = begins_at.astimezone(JAPAN).replace(minute=0, second=0, microsecond=0, tzinfo=None)
        begins, ends = (at.astimezone(JAPAN).replace(tzinfo=None) for at in (begins_at, ends_at))
        while hour < ends:
            if min(ends, hour + HOUR) - max(begins, hour) >= HALF:
                measured = days.get(hour.date())
                rain = measured.rain_mm[hour.hour] if measured is not None else None
                hours += 1
                if rain is None:
                    missing += 1
                else:
                    total += rain
            hour += HOUR
    return (round(total, 1), missing) if hours else None


def is_wet(measured: tuple[float, int] | None, threshold_mm: float) -> bool | None:
    """Whether so much fell; None where it is not known."""
    if measured is None:
        return None
    rain_mm, missing = measured
    if rain_mm >= threshold_mm:
        return True
    return None if missing else False


@dataclass(slots=True)
class Contingency:
    """Firings against rain at one threshold, by business day."""

    hits: Counter[date] = field(default_factory=Counter)
    """Fired and wet."""
    false_alarms: Counter[date] = field(default_factory=Counter)
    """Fired and dry."""
    misses: int = 0
    """Wet, and it had not fired."""
    correct_negatives: int = 0
    """Dry, and it had not fired."""

    def add(self, on: date, *, fired: bool, wet: bool) -> None:
        """Count one store-day."""
        if fired:
            (self.hits if wet else self.false_alarms)[on] += 1
        elif wet:
            self.misses += 1
        else:
            self.correct_negatives += 1

    @property
    def fired(self) -> int:
        """Firings of which it is known what came."""
        return sum(self.hits.values()) + sum(self.false_alarms.values())

    @property
    def precision(self) -> float | None:
        """The share of firings that were wet."""
        return sum(self.hits.values()) / self.fired if self.fired else None

    @property
    def detection(self) -> float | None:
        """The share of wet store-days on which it had fired (POD)."""
        hits = sum(self.hits.values())
        return hits / (hits + self.misses) if hits + self.misses else None

    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the precision, by the spread between whole days; None for under two days with firings.

        Linearised ratio of sums over days: a day's stores share one weather, so that a day is one observation.
        """
        days = self.hits.keys() | self.false_alarms.keys()
        precision = self.precision
        if precision is None or len(days) < 2:
            return None
        spread = sum((self.hits[on] - precision * (self.hits[on] + self.false_alarms[on])) ** 2 for on in days)
        error = sqrt(spread * len(days) / (len(days) - 1)) / self.fired
        return max(0.0, precision - NORMAL_95 * error), min(1.0, precision + NORMAL_95 * error)

    @property
    def days(self) -> int:
        """Business days with firings that count."""
        return len(self.hits.keys() | self.false_alarms.keys())


def longest_run(days: Sequence[date]) -> int:
    """The most days in a row among these."""
    best = run = 0
    before: date | None = None
    for on in sorted(set(days)):
        run = run + 1 if before is not None and on - before == timedelta(days=1) else 1
        best, before = max(best, run), on
    return best
