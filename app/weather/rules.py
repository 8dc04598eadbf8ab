"""Weather rules as pure functions: outlook, rule and state → decision.

A rule fires on true only. The same functions decide now and in a back-test over stored issues, so they ask neither
clock nor database.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from app.weather.conditions import Condition, list_leaves
from app.weather.evaluation import LeafVerdict, evaluate
from app.weather.freshness import staleness
from app.weather.logic import Truth, negate
from app.weather.outlook import Gap, Outlook, PlaceForecast
from app.weather.readings import NOTHING_NOTED, Day, Notes, Window
from app.weather.vocabulary import FORECAST
from tenants.stores import opening_hours

MIN_TIME_LEFT = timedelta(hours=2)
"""Opening time that must be left, so that whoever reads the message can still come."""


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
class Rule:
    """What a decision needs to know of a weather rule."""

    condition: Condition
    off_condition: Condition | None = None
    window: Window | None = None
    cooldown_days: int = 0
    max_age_minutes: int | None = None
    blackout_on: frozenset[date] = frozenset()

    @property
    def uses_forecast(self) -> bool:
        """Whether a comparison is with JMA's forecast, which the rule's own greatest age then applies to."""
        conditions = (self.condition, self.off_condition)
        return any(leaf.reading in FORECAST for one in conditions if one is not None for leaf in list_leaves(one))


@dataclass(frozen=True, slots=True)
class State:
    """What went before for a rule at a store: its last firing, whether it is on in this business day, and what the
    brand has noted."""

    last_fired_on: date | None = None
    on: bool = False
    notes: Notes = NOTHING_NOTED


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


def decide(rule: Rule, outlook: Outlook, day: Day, state: State, now: datetime) -> Decision:
    """What a rule concludes for a store at `now`: the first of these reasons that applies, with all readings.

    already_fired (this business day) · closed (a blackout date, a closed day, under two opening hours left) ·
    stale · unknown_data · condition_false · cooldown · fired. Whether there is money or approval, and whether another
    rule was first, is for the caller to ask.
    """
    judge = partial(evaluate, notes=state.notes, max_age_minutes=rule.max_age_minutes)
    verdict = judge(rule.condition, outlook, day, now, rule.window)
    truth, leaves = verdict.truth, verdict.leaves
    if state.on and truth is Truth.FALSE and rule.off_condition is not None:
        still = judge(rule.off_condition, outlook, day, now, rule.window)
        truth, leaves = negate(still.truth), leaves + still.leaves
    place = outlook.forecast
    max_age = rule.max_age_minutes if rule.uses_forecast else None
    stale = None if isinstance(place, Gap) else staleness(place.issued_at, now, max_age)
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
        unknown = [verdict.reading for verdict in leaves if verdict.truth is Truth.UNKNOWN]
        gaps = sorted({f"{reading.name}: {reading.gap}" for reading in unknown})
        why = Reason.STALE if all(reading.is_stale for reading in unknown) else Reason.UNKNOWN_DATA
        return why, f"Missing {'; '.join(gaps)}."
    if truth is Truth.FALSE:
        return Reason.CONDITION_FALSE, "The condition does not hold."
    if state.last_fired_on and (day.business_on - state.last_fired_on).days < rule.cooldown_days:
        return Reason.COOLDOWN, f"The rule last fired here on {state.last_fired_on}."
    return Reason.FIRED, "The condition holds."
