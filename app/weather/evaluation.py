"""What a condition comes to: every comparison with its reading, and what follows from them by Kleene's logic.

The same functions judge now and in a back-test over what was known then, so they ask neither clock nor database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.trees import AllOf, Not
from app.weather import feed_readings, seasons
from app.weather.conditions import Condition, Leaf, holds_ranked
from app.weather.logic import Truth, all_of, any_of, negate, truth_of
from app.weather.outlook import DayFact, Gap, Outlook
from app.weather.readings import (
    NOTHING_NOTED,
    Day,
    Notes,
    Reading,
    Seen,
    Window,
    rain_probability,
    sky,
    temperature_max,
    temperature_min,
    weather,
)
from app.weather.vocabulary import CHANGES, FIRST, FORECAST, TERMS

COMPLETE_RATIO: Final = 0.95
"""The share of a day's, or of a season's, observations without which it is not known what happened in it."""

WET_MM: Final = 1.0
"""Rain of a day gone by, from which on it was a day of rain."""


@dataclass(frozen=True, slots=True)
class LeafVerdict:
    """What one comparison came to, and the reading it used."""

    leaf: Leaf
    truth: Truth
    reading: Reading


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition came to, with every comparison in it, also those that could not change the outcome."""

    truth: Truth
    leaves: tuple[LeafVerdict, ...]


def evaluate(
    condition: Condition,
    outlook: Outlook,
    day: Day,
    now: datetime,
    window: Window | None = None,
    *,
    notes: Notes = NOTHING_NOTED,
    max_age_minutes: int | None = None,
) -> Verdict:
    """What a condition comes to for a place on a business day, seen at `now`.

    `window` is the rule's, for comparisons that name none. A comparison with what the outlook lacks is unknown.
    """
    leaves: list[LeafVerdict] = []
    seen = Seen(outlook, day, now, window, max_age_minutes, notes)

    def walk(node: Condition) -> Truth:
        if isinstance(node, Leaf):
            leaves.append(judge(node, seen if node.window is None else replace(seen, window=node.window)))
            return leaves[-1].truth
        if isinstance(node, Not):
            return negate(walk(node.part))
        truths = [walk(part) for part in node.parts]
        return all_of(truths) if isinstance(node, AllOf) else any_of(truths)

    return Verdict(walk(condition), tuple(leaves))


def judge(leaf: Leaf, seen: Seen) -> LeafVerdict:
    """What one comparison comes to. `seen.window` is the comparison's own, or the rule's."""
    reading = read(leaf, seen)
    if leaf.op in CHANGES:
        return _change(leaf, seen, reading)
    if leaf.op == FIRST:
        return _first(leaf, seen, reading)
    if leaf.for_days > 1:
        return _in_a_row(leaf, seen, reading)
    return LeafVerdict(leaf, compare(leaf, reading), reading)


def read(leaf: Leaf, seen: Seen) -> Reading:
    """The reading that a comparison is with."""
    name = leaf.reading
    if name in FORECAST:
        return _forecast(name, seen)
    if name == "raining_now":
        return feed_readings.raining_now(seen)
    if name in ("temperature", "snow_depth") or (name == "wind_speed" and leaf.window is None):
        return feed_readings.observed_now(seen, name)
    if name in ("precipitation", "apparent_temperature", "wind_speed", "wind_gust", "snowfall"):
        coldest = name == "apparent_temperature" and leaf.op in ("<", "<=")
        return feed_readings.hourly(seen, name, coldest=coldest)
    return {
        "wbgt": feed_readings.wbgt,
        "heat_alert": feed_readings.heat_alert,
        "warning": feed_readings.warning,
        "pollen": feed_readings.pollen,
        "calendar": feed_readings.calendar,
    }[name](seen)


def _forecast(name: str, seen: Seen) -> Reading:
    place = seen.outlook.forecast
    if isinstance(place, Gap):
        return Reading(name, None, place.reason, None, None)
    if name == "precipitation_probability":
        return rain_probability(place, seen.spans, seen.now)
    of_the_day = {
        "temperature_max": temperature_max,
        "temperature_min": temperature_min,
        "sky": sky,
        "weather": weather,
    }
    return of_the_day[name](place, seen.day.business_on)


def compare(leaf: Leaf, reading: Reading) -> Truth:
    """A comparison with a reading.

    A reading with a gap beside its value is at least that value and at most the greatest there is: a known
    block of 70 % satisfies `>= 60` whatever the missing block holds, and refutes `< 60`. Where it is at most that
    value the same goes the other way, and of several kinds of weather it holds at least those that are known.
    """
    value, term = reading.value, TERMS[leaf.reading]
    if value is None:
        return Truth.UNKNOWN
    if isinstance(value, frozenset):
        if not value.isdisjoint(str(one) for one in leaf.values):
            return Truth.TRUE
        return Truth.FALSE if reading.gap is None else Truth.UNKNOWN
    if not term.is_number:
        if reading.gap is not None:
            return Truth.UNKNOWN
        if term.ranked:
            return truth_of(holds_ranked(leaf.op, str(value), leaf.values, term.choices))
        return truth_of(value in leaf.values)
    low, high = value, value
    if reading.gap is not None:
        low, high = (term.least, value) if reading.at_most else (value, term.greatest)
    return _between(leaf, low, high)


def _between(leaf: Leaf, low: Any, high: Any) -> Truth:
    """A comparison with a number that lies between two."""
    if leaf.op in ("=", "in"):
        if low == high:
            return truth_of(low in leaf.values)
        possible = any(low <= wanted <= high for wanted in leaf.values)
        return Truth.UNKNOWN if possible else Truth.FALSE
    ends = {_holds(leaf.op, end, leaf.values[0]) for end in (low, high)}
    return truth_of(ends.pop()) if len(ends) == 1 else Truth.UNKNOWN


def _holds(op: str, value: Any, wanted: Any) -> bool:
    if op in ("<", "<="):
        return bool(value < wanted or (op == "<=" and value == wanted))
    return bool(value > wanted or (op == ">=" and value == wanted))


def _change(leaf: Leaf, seen: Seen, reading: Reading) -> LeafVerdict:
    """Today's forecast against what was observed yesterday, or against the normal of the date."""
    known = _reference(leaf, seen)
    if isinstance(known, Gap):
        lacking = reading.lacks("; ".join(filter(None, (reading.gap, known.reason))))
        return LeafVerdict(leaf, Truth.UNKNOWN, lacking)
    reading = replace(reading, detail=f"{'normal' if leaf.versus == 'normal' else 'observed yesterday'}: {known:g}")
    if reading.value is None or reading.gap is not None:
        return LeafVerdict(leaf, Truth.UNKNOWN, reading)
    assert isinstance(reading.value, int | float)
    risen = round(reading.value - known, 2)
    changed = risen if leaf.op == "rises_by" else -risen
    return LeafVerdict(leaf, truth_of(changed >= float(leaf.values[0])), reading)


def _reference(leaf: Leaf, seen: Seen) -> float | Gap:
    on, place = seen.day.business_on, seen.outlook.forecast
    if leaf.versus == "normal":
        if isinstance(place, Gap):
            return place
        return place.normal_highs.get(on, Gap("this issue carries no normal maximum for the day"))
    fact = seen.outlook.past.get(on - timedelta(days=1))
    if fact is None:
        return Gap("nothing was observed yesterday")
    if fact.complete_ratio < COMPLETE_RATIO:
        return Gap(f"yesterday's observations are {fact.complete_ratio:.0%} complete")
    return fact.high_c


def _in_a_row(leaf: Leaf, seen: Seen, reading: Reading) -> LeafVerdict:
    """Whether the comparison holds today, by the forecast, and held on each of the days before, as observed."""
    days = [seen.day.business_on - timedelta(days=back) for back in range(1, leaf.for_days)]
    held = {on: observed_truth(leaf, seen.outlook.past.get(on)) for on in days}
    truth = all_of([compare(leaf, reading), *held.values()])
    unknown = [on for on, one in held.items() if one is Truth.UNKNOWN]
    gap = f"not fully observed: {', '.join(f'{on}' for on in sorted(unknown))}" if unknown else None
    told = ", ".join(f"{on} {one}" for on, one in sorted(held.items()))
    whole = replace(reading, gap="; ".join(filter(None, (reading.gap, gap))) or None, detail=f"days before: {told}")
    return LeafVerdict(leaf, truth, whole)


def observed_truth(leaf: Leaf, fact: DayFact | None) -> Truth:
    """Whether a comparison held on a day gone by; an incomplete day tells only what it saw."""
    if fact is None:
        return Truth.UNKNOWN
    whole = None if fact.complete_ratio >= COMPLETE_RATIO else "incomplete"
    if leaf.reading in ("weather", "sky"):
        return any_of([_kind_seen(str(kind), fact, whole) for kind in leaf.values])
    if leaf.reading == "temperature_min":
        value, at_most = fact.low_c, True
    else:
        value, at_most = (fact.high_c if leaf.reading == "temperature_max" else fact.rain_mm), False
    if isinstance(value, Gap):
        return Truth.UNKNOWN
    return compare(leaf, Reading(leaf.reading, value, whole, None, None, at_most=at_most))


def _kind_seen(kind: str, fact: DayFact, whole: str | None) -> Truth:
    if kind == "snow":
        seen: bool | Gap = fact.snowed
    elif kind == "rain":
        seen = fact.rain_mm if isinstance(fact.rain_mm, Gap) else fact.rain_mm >= WET_MM
    else:
        return Truth.UNKNOWN
    if isinstance(seen, Gap) or (whole and not seen):
        return Truth.UNKNOWN
    return truth_of(seen)


def _first(leaf: Leaf, seen: Seen, reading: Reading) -> LeafVerdict:
    """Whether the weather comes today and has not come before in this season.

    That it has not is known from a history that is complete enough, or from the operator's word for this season;
    that it has, from any one day that was observed, or from an earlier firing.
    """
    plain = seasons.plain(leaf)
    today = compare(plain, reading)
    key, begins_on = seasons.season_of(leaf, seen.day.business_on)
    was_on = next((on for one, on in seen.notes.firsts if one == key and on < seen.day.business_on), None)
    if was_on is not None:
        return LeafVerdict(leaf, Truth.FALSE, replace(reading, detail=f"{key}: it came on {was_on}"))
    days = [begins_on + timedelta(days=n) for n in range((seen.day.business_on - begins_on).days)]
    held = [observed_truth(plain, seen.outlook.past.get(on)) for on in days]
    if Truth.TRUE in held:
        came_on = days[held.index(Truth.TRUE)]
        return LeafVerdict(leaf, Truth.FALSE, replace(reading, detail=f"{key}: it came on {came_on}"))
    if _is_settled(days, held, seen.notes.confirmed_on):
        return LeafVerdict(leaf, today, replace(reading, detail=f"{key}: it has not come before"))
    known = sum(one is not Truth.UNKNOWN for one in held) / len(held)
    gap = (
        f"the observations since {begins_on} are {known:.0%} complete, and {COMPLETE_RATIO:.0%} are needed, or"
        " season_confirmed_on"
    )
    whole = replace(reading, gap="; ".join(filter(None, (reading.gap, gap))), detail=key)
    return LeafVerdict(leaf, all_of([today, Truth.UNKNOWN]), whole)


def _is_settled(days: Sequence[date], held: Sequence[Truth], confirmed_on: date | None) -> bool:
    """Whether it is known well enough that nothing came on these days."""
    if not days or (confirmed_on is not None and confirmed_on >= days[0]):
        return True
    return sum(one is not Truth.UNKNOWN for one in held) >= COMPLETE_RATIO * len(days)
