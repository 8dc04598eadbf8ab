"""A rule played over days gone by: the decisions that it would have made, by what was known at each decide time.

The deciding is `rules.decide`, as it is live; this is the clock and the memory around it. Pure: whoever plays reads the
records, counts the people and keeps the budget.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from app.weather import seasons
from app.weather.archive.reading import Before, Place, StationDay, observed_at
from app.weather.conditions import needs_of
from app.weather.logic import Truth
from app.weather.outlook import DayFact, Gap, Outlook, PlaceForecast, Warnings
from app.weather.places import Spot
from app.weather.readings import JAPAN, NOTHING_NOTED, Day, Notes
from app.weather.rules import Decision, Reason, Rule, State, decide
from app.weather.vocabulary import FIRST
from tenants.stores.opening_hours import Hours, instant

NO_HOURLY: Final = Gap("The archive holds no second source.")
NO_HEAT: Final = Gap("The archive holds no heat index.")
NOT_NEEDED: Final = Gap("No observation is needed.")


@dataclass(frozen=True, slots=True)
class PlayedStore:
    """A store that a rule is played for."""

    no: int
    id: UUID
    name: str
    spot: Spot | Gap
    hours: Hours
    hours_key: bytes
    """Stores with the same hours have the same."""

    @classmethod
    def of(cls, no: int, store_id: UUID, name: str, spot: Spot | Gap, hours: Hours) -> "PlayedStore":
        """A store with its hours' key."""
        return cls(no, store_id, name, spot, hours, orjson.dumps(hours))


@dataclass(frozen=True, slots=True)
class Records:
    """What was forecast and measured, as far as a stretch of days needs it."""

    forecasts: Mapping[Place, Mapping[datetime, PlaceForecast | Gap]]
    days: Mapping[Spot, Mapping[date, StationDay]]
    facts: Mapping[Spot, Mapping[date, DayFact]]
    corrections: Sequence[datetime] = ()
    """When issues came, for rules with a late trigger."""

    def outlook(self, spot: Spot, moment: datetime, needs: frozenset[str]) -> Outlook:
        """What was known of a place at a moment, of which only what is needed is put together."""
        forecast = self.forecasts[Place(spot.class10, spot.station)][moment]
        observed = observed_at(self.days.get(spot, {}), moment) if "observed" in needs else NOT_NEEDED
        past = Before(self.facts.get(spot, {}), moment.astimezone(JAPAN).date()) if "past" in needs else {}
        # The archive holds no warnings. That there was none is assumed, and told with the result: else a rule that
        # says "unless there is a warning" would come to nothing on every day.
        warnings = Warnings("assumed", moment, ())
        return Outlook(forecast, observed, NO_HOURLY, NO_HEAT, warnings, past)


@dataclass(slots=True)
class StoreDay:
    """What a business day came to at a store: its firing, or why the last decision was none."""

    reason: Reason
    decided_at: datetime
    decision: Decision | None = None
    """Of a firing."""


Claims: TypeAlias = dict[tuple[int, date], UUID]
"""By store number and business day, the rule that fires there: one a day is enough."""


@dataclass(slots=True)
class _Memory:
    """What went before for the rule at one store."""

    last_fired_on: date | None = None
    on: bool = False
    on_of: date | None = None
    """The business day that `on` is of."""

    def state(self, business_on: date, notes: Notes) -> State:
        return State(self.last_fired_on, self.on and self.on_of == business_on, notes)


class Player:
    """A rule on its way through time, for stores, from a clean beginning: it has never fired before."""

    def __init__(
        self,
        rule_id: UUID,
        rule: Rule,
        times: Iterable[int],
        stores: Sequence[PlayedStore],
        *,
        first_on: date,
        last_on: date,
        zone: ZoneInfo,
        confirmed_on: date | None = None,
        late_until: int | None = None,
    ) -> None:
        self.rule_id, self.rule, self.stores = rule_id, rule, stores
        self.times = sorted(set(times))
        self.needs = needs_of(rule.condition, rule.off_condition)
        self._first_on, self._last_on, self._zone = first_on, last_on, zone
        self._memories = {store.no: _Memory() for store in stores}
        self._confirmed_on, self._late_until = confirmed_on, late_until
        self.is_late = late_until is not None
        self._firsts: dict[str, tuple[tuple[str, date], ...]] = {}

    def moments(self, first_on: date, last_on: date, corrections: Sequence[datetime] = ()) -> list[datetime]:
        """The moments on these dates of the brand's calendar at which it decides, in order: its decide times, and
        those of `corrections` that come between one of them and the end of its late trigger."""
        dates = [first_on + timedelta(days=no) for no in range(-1, (last_on - first_on).days + 1)]
        every = {instant(on, minutes, self._zone) for on in dates for minutes in self.times}
        if self._late_until is not None and corrections:
            for on in dates:
                begins_at = instant(on, self.times[0], self._zone)
                ends_at = instant(on, self._late_until, self._zone)
                every.update(at for at in corrections if begins_at < at < ends_at)
        return sorted(at for at in every if first_on <= at.astimezone(self._zone).date() <= last_on)

    def decide(
        self, moment: datetime, records: Records, claims: Claims, *, is_spent: bool = False
    ) -> list[tuple[PlayedStore, Decision]]:
        """What the rule concludes at a moment for each of its stores whose business day lies in the period.

        `is_spent` says that the month's budget is used up. Moments are to come in order, and at one moment the rules
        in order of their priority.
        """
        days: dict[bytes, Day] = {}
        outlooks: dict[Spot, Outlook] = {}
        # As live: stores of one place with the same hours and history come to the same decision, made once.
        made: dict[tuple[Spot | Gap, bytes, State], Decision] = {}
        concluded: list[tuple[PlayedStore, Decision]] = []
        for store in self.stores:
            if store.hours_key not in days:
                days[store.hours_key] = Day.of(store.hours, moment, self._zone)
            day = days[store.hours_key]
            if not self._first_on <= day.business_on <= self._last_on:
                continue
            memory = self._memories[store.no]
            state = memory.state(day.business_on, self._notes(store))
            key = (store.spot, store.hours_key, state)
            if key not in made:
                outlook = self._outlook(store, moment, records, outlooks)
                made[key] = decide(self.rule, outlook, day, state, moment)
            decision = self._allow(store, made[key], claims, is_spent=is_spent)
            memory.on, memory.on_of = decision.on, decision.business_on
            if decision.fired:
                memory.last_fired_on = decision.business_on
            concluded.append((store, decision))
        self._note_firsts(concluded)
        return concluded

    def _outlook(
        self, store: PlayedStore, moment: datetime, records: Records, outlooks: dict[Spot, Outlook]
    ) -> Outlook:
        if isinstance(store.spot, Gap):
            return Outlook(store.spot)
        if store.spot not in outlooks:
            outlooks[store.spot] = records.outlook(store.spot, moment, self.needs)
        return outlooks[store.spot]

    def _allow(self, store: PlayedStore, decision: Decision, claims: Claims, *, is_spent: bool) -> Decision:
        """A firing, unless the budget is used up or another rule has the day; what is none stays as it is."""
        if not decision.fired:
            return decision
        if is_spent:
            return replace(decision, reason=Reason.BUDGET, detail="The month's budget is used up.")
        if claims.setdefault((store.no, decision.business_on), self.rule_id) != self.rule_id:
            return replace(decision, reason=Reason.OUTRANKED, detail="Another rule fires here on this business day.")
        return decision

    def _notes(self, store: PlayedStore) -> Notes:
        district = store.spot.class10 if isinstance(store.spot, Spot) else ""
        firsts = self._firsts.get(district, ())
        return NOTHING_NOTED if not firsts and self._confirmed_on is None else Notes(firsts, self._confirmed_on)

    def _note_firsts(self, concluded: Iterable[tuple[PlayedStore, Decision]]) -> None:
        """Remember which first times of a season have come in which district."""
        for store, decision in concluded:
            if not decision.fired or isinstance(store.spot, Gap):
                continue
            known = self._firsts.get(store.spot.class10, ())
            for verdict in decision.leaves:
                if verdict.leaf.op == FIRST and verdict.truth is Truth.TRUE:
                    season, _ = seasons.season_of(verdict.leaf, decision.business_on)
                    if season not in dict(known):
                        known = (*known, (season, decision.business_on))
            if known:
                self._firsts[store.spot.class10] = known


def note(
    days: dict[tuple[int, date], StoreDay], concluded: Iterable[tuple[PlayedStore, Decision]], at: datetime
) -> None:
    """Add decisions to what the business days came to: a firing stays, else the last decision speaks for the day."""
    for store, decision in concluded:
        key = (store.no, decision.business_on)
        known = days.get(key)
        if known is None or (known.reason is not Reason.FIRED and decision.reason is not Reason.ALREADY_FIRED):
            days[key] = StoreDay(decision.reason, at, decision if decision.fired else None)
