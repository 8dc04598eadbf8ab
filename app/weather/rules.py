"""Weather rules as pure functions: readings, rule and state → decision.

Logic is three-valued (Kleene): a comparison whose reading is missing is unknown, `all` is false as soon as
one part is false, `any` true as soon as one is true, and a rule fires on true only. The same functions decide
now and, later, in a back-test over stored issues, so they ask neither clock nor database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from app.trees import AllOf, Not
from app.weather.conditions import RANGES, Condition, Leaf
from app.weather.outlook import Gap, Outlook, PlaceForecast
from app.weather.readings import JAPAN, Reading, Window, rain_probability, sky, temperature_max
from tenants.stores import opening_hours
from tenants.stores.opening_hours import Hours, Interval

ISSUE_HOURS = (5, 11, 17)
GRACE = timedelta(minutes=30)
"""How long after its nominal time an issue may still be missing, and how far ahead of us it may be dated:
files appear up to a quarter of an hour before the time they bear."""

MIN_TIME_LEFT = timedelta(hours=2)
"""Opening time that must be left, so that whoever reads the message can still come."""


class Truth(StrEnum):
    """What is known of a condition."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a decision came out as it did; the names are published."""

    FIRED = "fired"
    CONDITION_FALSE = "condition_false"
    UNKNOWN_DATA = "unknown_data"
    STALE = "stale"
    COOLDOWN = "cooldown"
    BUDGET = "budget"
    CLOSED = "closed"
    OUTRANKED = "outranked"
    ALREADY_FIRED = "already_fired"
    SAFETY_STOP = "safety_stop"
    NOT_APPROVED = "not_approved"


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


@dataclass(frozen=True, slots=True)
class Rule:
    """What a decision needs to know of a weather rule."""

    condition: Condition
    off_condition: Condition | None = None
    window: Window | None = None
    cooldown_days: int = 0
    max_age_minutes: int | None = None
    blackout_on: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """What went before for a rule at a store: its last firing, and whether it is on in this business day."""

    last_fired_on: date | None = None
    on: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule concluded for one store at one moment; `on` is the state that the next decision starts
    from."""

    business_on: date
    reason: Reason
    detail: str
    on: bool
    leaves: tuple[LeafVerdict, ...] = field(default=())

    @property
    def fired(self) -> bool:
        """Whether the rule's message goes out."""
        return self.reason is Reason.FIRED


def negate(truth: Truth) -> Truth:
    """Not: unknown stays unknown."""
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE, Truth.UNKNOWN: Truth.UNKNOWN}[truth]


def all_of(truths: Sequence[Truth]) -> Truth:
    """And: false if any is false, else unknown if any is unknown."""
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.TRUE


def any_of(truths: Sequence[Truth]) -> Truth:
    """Or: true if any is true, else unknown if any is unknown."""
    if Truth.TRUE in truths:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE


def evaluate(condition: Condition, outlook: Outlook, day: Day, now: datetime, window: Window | None = None) -> Verdict:
    """What a condition comes to for a place on a business day, seen at `now`.

    `window` is the rule's, for comparisons that name none. A comparison with what the outlook lacks is unknown.
    """
    leaves: list[LeafVerdict] = []

    def walk(node: Condition) -> Truth:
        if isinstance(node, Leaf):
            reading = _read(node, outlook, day, now, window)
            leaves.append(LeafVerdict(node, compare(node, reading), reading))
            return leaves[-1].truth
        if isinstance(node, Not):
            return negate(walk(node.part))
        truths = [walk(part) for part in node.parts]
        return all_of(truths) if isinstance(node, AllOf) else any_of(truths)

    return Verdict(walk(condition), tuple(leaves))


def compare(leaf: Leaf, reading: Reading) -> Truth:
    """A comparison with a reading.

    A reading with a gap beside its value is at least that value and at most the greatest there is: a known
    block of 70 % satisfies `>= 60` whatever the missing block holds, and refutes `< 60`.
    """
    if reading.value is None:
        return Truth.UNKNOWN
    if reading.gap is None or not isinstance(reading.value, int):
        return _truth(_holds(leaf.op, reading.value, leaf.values))
    greatest = RANGES[leaf.reading][1]
    possible = {_holds(leaf.op, value, leaf.values) for value in range(reading.value, greatest + 1)}
    return _truth(possible.pop()) if len(possible) == 1 else Truth.UNKNOWN


def expected_issue(now: datetime) -> datetime:
    """The regular issue (05:00, 11:00, 17:00 Japan time) that must be out: the latest one 30 minutes or more
    ago."""
    local = (now - GRACE).astimezone(JAPAN)
    hours = [hour for hour in ISSUE_HOURS if hour <= local.hour]
    on = local.date() if hours else local.date() - timedelta(days=1)
    return datetime.combine(on, time(hours[-1] if hours else ISSUE_HOURS[-1]), tzinfo=JAPAN).astimezone(UTC)


def staleness(issued_at: datetime, now: datetime, max_age_minutes: int | None = None) -> str | None:
    """Why an issue is not fresh enough to act on at `now`, or None if it is."""
    if issued_at - now > GRACE:
        return f"The forecast is dated {_clock(issued_at)}, more than 30 minutes ahead of {_clock(now)}."
    expected = expected_issue(now)
    if issued_at < expected:
        return f"The forecast is that of {_clock(issued_at)}; the issue of {_clock(expected)} should be out."
    if max_age_minutes is not None and now - issued_at > timedelta(minutes=max_age_minutes):
        return f"The forecast of {_clock(issued_at)} is older than the rule's {max_age_minutes} minutes."
    return None


def decide(rule: Rule, outlook: Outlook, day: Day, state: State, now: datetime) -> Decision:
    """What a rule concludes for a store at `now`: the first of these reasons that applies, with all readings.

    already_fired (this business day) · closed (a blackout date, a closed day, under two opening hours left) ·
    stale · unknown_data · condition_false · cooldown · fired. Whether there is money or approval is for the
    caller to ask.
    """
    verdict = evaluate(rule.condition, outlook, day, now, rule.window)
    truth, leaves = verdict.truth, verdict.leaves
    if state.on and truth is Truth.FALSE and rule.off_condition is not None:
        still = evaluate(rule.off_condition, outlook, day, now, rule.window)
        truth, leaves = negate(still.truth), leaves + still.leaves
    place = outlook.forecast
    stale = None if isinstance(place, Gap) else staleness(place.issued_at, now, rule.max_age_minutes)
    on = state.on if stale or truth is Truth.UNKNOWN else truth is Truth.TRUE
    reason, detail = _reason(rule, place, day, state=state, now=now, truth=truth, stale=stale, leaves=leaves)
    return Decision(day.business_on, reason, detail, on, leaves)


def _reason(
    rule: Rule,
    place: PlaceForecast | Gap,
    day: Day,
    *,
    state: State,
    now: datetime,
    truth: Truth,
    stale: str | None,
    leaves: tuple[LeafVerdict, ...],
) -> tuple[Reason, str]:
    if state.last_fired_on == day.business_on:
        return Reason.ALREADY_FIRED, "The rule has fired here on this business day."
    if day.business_on in rule.blackout_on:
        return Reason.CLOSED, "The date is one of the rule's blackout dates."
    if opening_hours.time_left(day.openings, now) < MIN_TIME_LEFT:
        return Reason.CLOSED, "Fewer than two opening hours are left on this business day."
    if isinstance(place, Gap):
        return Reason.UNKNOWN_DATA, place.reason
    if stale:
        return Reason.STALE, stale
    if truth is Truth.UNKNOWN:
        gaps = {f"{verdict.reading.name}: {verdict.reading.gap}" for verdict in leaves if verdict.reading.gap}
        return Reason.UNKNOWN_DATA, f"Missing {'; '.join(sorted(gaps))}."
    if truth is Truth.FALSE:
        return Reason.CONDITION_FALSE, "The condition does not hold."
    if state.last_fired_on and (day.business_on - state.last_fired_on).days < rule.cooldown_days:
        return Reason.COOLDOWN, f"The rule last fired here on {state.last_fired_on}."
    return Reason.FIRED, "The condition holds."


def _read(leaf: Leaf, outlook: Outlook, day: Day, now: datetime, window: Window | None) -> Reading:
    place = outlook.forecast
    if isinstance(place, Gap):
        return Reading(leaf.reading, None, place.reason, None, None)
    if leaf.reading == "temperature_max":
        return temperature_max(place, day.business_on)
    if leaf.reading == "sky":
        return sky(place, day.business_on)
    return rain_probability(place, day.spans(leaf.window or window), now)


def _holds(op: str, value: Any, wanted: Sequence[Any]) -> bool:
    if op in ("=", "in"):
        return value in wanted
    if op in ("<", "<="):
        return bool(value < wanted[0] or (op == "<=" and value == wanted[0]))
    return bool(value > wanted[0] or (op == ">=" and value == wanted[0]))


def _truth(holds: bool) -> Truth:
    return Truth.TRUE if holds else Truth.FALSE


def _clock(at: datetime) -> str:
    return f"{at.astimezone(JAPAN):%Y-%m-%d %H:%M}"
