"""A tick: rules decide for each of their stores."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import text

from app.messaging.safety.queries import map_standing
from app.weather import queries
from app.weather.conditions import list_leaves, needs_of, parse_condition, parse_window
from app.weather.forecasts import Current, read_current
from app.weather.models import PollenSpell, WeatherRule
from app.weather.outlook import Gap, Outlook
from app.weather.outlooks import read_outlooks
from app.weather.places import Spot, find_spots
from app.weather.readings import NOTHING_NOTED, Day, Notes
from app.weather.rules import MIN_TIME_LEFT, Decision, Reason, Rule, State, decide
from app.weather.sites import Site, list_sites
from app.weather.vocabulary import FIRST, POLLEN, TERMS
from tenants.areas.queries import map_store_nos
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession
from tenants.stores.opening_hours import time_left

MAX_COOLDOWN_DAYS = 90

_SPEAKS: Final = {
    "observed": ("station", "rain_station"),
    "past": ("station", "rain_station"),
    "hourly": ("cell",),
    "heat": ("station",),
    "warnings": ("class20",),
}
"""What of a spot decides which values it has, by part of the outlook; the forecast's are those of its district, and for
temperatures of its station."""


class Conclusion(NamedTuple):
    """What a rule concluded for a store in a district, and the body of the forecast that it used."""

    rule: WeatherRule
    store: Site
    decision: Decision
    forecast_issue_id: UUID | None
    class10: str | None


def list_offices(session: ScopedSession, rules: Sequence[WeatherRule] | None = None) -> set[str]:
    """The offices whose forecasts the brand's live rules need, or these rules."""
    asked = queries.list_live_rules(session) if rules is None else rules
    wanted = {store.id: store for stores in stores_of_rules(session, asked) for store in stores}
    return {spot.office for spot in find_spots(session, wanted.values()).values() if isinstance(spot, Spot)}


def conclude(
    session: ScopedSession,
    rules: Sequence[WeatherRule],
    now: datetime,
    current: Mapping[str, Current] | None = None,
    *,
    approved: bool = False,
    only: Collection[UUID] | None = None,
) -> list[Conclusion]:
    """What these rules conclude at `now` for each of their stores that the session sees. Writes nothing.

    `current` are forecasts by office that the caller has just fetched; others are read as they are stored. Of several
    rules one fires for a store and business day: the one that has already, else the one of the highest
    priority, else the oldest. `approved` says that somebody has looked at what would wait for it; `only` names the
    stores to decide for.
    """
    rules = sorted(rules, key=lambda rule: (-rule.priority, rule.id))
    brand = get_brand(session, session.scope.brand_id)
    zone = ZoneInfo(brand.timezone)
    stores_of = stores_of_rules(session, rules, only)
    stores = list({id(store): store for listed in stores_of for store in listed}.values())
    spots = find_spots(session, stores)
    known = {spot for spot in spots.values() if isinstance(spot, Spot)}
    compiled = [compile_rule(row) for row in rules]
    needs = [needs_of(rule.condition, rule.off_condition) for rule in compiled]
    fetched = current or {}
    forecasts = {**read_current(session, {spot.office for spot in known} - fetched.keys()), **fetched}
    outlooks = read_outlooks(session, known, now, frozenset[str]().union(*needs), forecasts)
    places = _Places(stores, spots, outlooks, now, zone)
    history = _histories(session, rules, places.first_on)
    noted = _Noted(session, rules, compiled)
    claims = _Claims(session, places.first_on)
    conclusions: list[Conclusion] = []
    for row, rule, listed, parts in zip(rules, compiled, stores_of, needs, strict=True):
        spent = _is_spent(session, row, now, zone)
        kinds, before_of, asks = places.kinds(rule, parts), history.get(row.id, {}), noted.asks(row)
        # Stores of one place, as far as this rule looks, with the same hours and history come to the same decision: it
        # is made once.
        made: dict[object, Decision] = {}
        for store in listed:
            index = places.index[id(store)]
            place = places.listed[index]
            before = before_of.get(place.no) if before_of else None
            notes = noted.of(row, place.no, place.spot, place.day) if asks else NOTHING_NOTED
            key = kinds[index] if before is None and notes is NOTHING_NOTED else (kinds[index], before, notes)
            decision = made.get(key)
            if decision is None:
                state = (before or _NEW).on(place.day, notes)
                seen = places.outlook(place.spot, is_live=row.status == "live")
                decided = decide(rule, seen, place.day, state, now)
                decision = made[key] = _hold_back(_within_budget(decided, spent), brand)
            if decision.reason is Reason.FIRED:
                decision = claims.claim(row, place.no, decision, approved=approved)
            if isinstance(place.spot, Spot):
                issue_id = forecasts[place.spot.office].issue_id
                conclusions.append(Conclusion(row, store, decision, issue_id, place.spot.class10))
            else:
                conclusions.append(Conclusion(row, store, decision, None, None))
    return conclusions


class _Place(NamedTuple):
    """A store's number, where its weather is found, and its business day."""

    no: int
    spot: Spot | Gap
    day: Day
    is_closing: bool


class _Places:
    """The stores' days and outlooks, and which stores are alike for a rule."""

    def __init__(
        self,
        stores: Sequence[Site],
        spots: Mapping[UUID, Spot | Gap],
        outlooks: Mapping[Spot, Outlook],
        now: datetime,
        zone: ZoneInfo,
    ) -> None:
        self._outlooks = outlooks
        self.index = {id(store): number for number, store in enumerate(stores)}
        days: dict[bytes, tuple[Day, bool]] = {}
        self.listed: list[_Place] = []
        for store in stores:
            hours = store.opening_hours
            written = orjson.dumps(hours)
            if written not in days:
                day = Day.of(hours, now, zone)
                days[written] = day, time_left(day.openings, now) < MIN_TIME_LEFT
            self.listed.append(_Place(store.no, spots[store.id], *days[written]))
        self.first_on = min((day.business_on for day, _ in days.values()), default=now.astimezone(zone).date())
        self._kinds: dict[tuple[object, bool], list[int]] = {}

    def outlook(self, spot: Spot | Gap, *, is_live: bool) -> Outlook:
        """What is known of a place; a live rule may not act on what is not for commercial use."""
        if isinstance(spot, Gap):
            return Outlook(spot)
        outlook = self._outlooks[spot]
        if is_live and not isinstance(outlook.hourly, Gap) and not outlook.hourly.is_commercial:
            return replace(outlook, hourly=Gap(f"{outlook.hourly.source} may not be used commercially"))
        return outlook

    def kinds(self, rule: Rule, needs: frozenset[str]) -> Sequence[int]:
        """By store, a number that stores share which are alike for a rule: of one place, as far as it looks, and with
        the same hours, where it looks at more of them than whether the day is over."""
        leaves = [leaf for one in (rule.condition, rule.off_condition) if one for leaf in list_leaves(one)]
        parts = {name for part in needs for name in _SPEAKS[part]}
        if any(leaf.reading.startswith("temperature") for leaf in leaves):
            parts.add("station")
        by_hours = rule.window is None and any(TERMS[leaf.reading].windowed and not leaf.window for leaf in leaves)
        speaks = ("office", "class10", *sorted(parts))
        if (speaks, by_hours) not in self._kinds:
            numbers: dict[object, int] = {}
            spots: dict[Spot | Gap, object] = {
                spot: spot if isinstance(spot, Gap) else tuple(getattr(spot, name) for name in speaks)
                for spot in {place.spot for place in self.listed}
            }
            self._kinds[speaks, by_hours] = [
                numbers.setdefault(
                    (
                        spots[place.spot],
                        place.is_closing,
                        tuple(place.day.openings) if by_hours else None,
                        place.day.business_on,
                    ),
                    len(numbers),
                )
                for place in self.listed
            ]
        return self._kinds[speaks, by_hours]


class _Claims:
    """Which rule has a store's business day: one fires there, and the others are outranked."""

    def __init__(self, session: ScopedSession, first_on: date) -> None:
        fired = queries.list_fired_stores(session, first_on)
        self._taken = {(store_no, business_on): (rule_id, name) for store_no, business_on, rule_id, name in fired}
        self._stopped = map_standing(session)
        self._made: dict[tuple[int, str], tuple[Decision, Decision]] = {}

    def claim(self, row: WeatherRule, store_no: int, decision: Decision, *, approved: bool) -> Decision:
        """The firing, if the rule may have the day; else why not. One that waits for approval does not take it."""
        stop = self._stopped.get(store_no)
        if stop is not None:
            return self._once(decision, Reason.SAFETY_STOP, stop.cause)
        key = (store_no, decision.business_on)
        rule_id, name = self._taken.get(key, (row.id, row.name))
        if rule_id != row.id:
            detail = f"The rule “{name}” fires here on this business day, and one a day is enough."
            return self._once(decision, Reason.OUTRANKED, detail)
        if row.approval == "before_send" and not approved:
            return self._once(decision, Reason.NOT_APPROVED, "It fires once somebody approves it.")
        self._taken[key] = (row.id, row.name)
        return decision

    def _once(self, decision: Decision, reason: Reason, detail: str) -> Decision:
        """The decision with another reason, the same object for all stores that share it."""
        key = (id(decision), detail)
        if key not in self._made:
            # The first is kept beside it, or another decision could come to have its number.
            self._made[key] = decision, replace(decision, reason=reason, detail=detail)
        return self._made[key][1]


class _Noted:
    """What the brand itself knows, for the rules that ask for it."""

    def __init__(self, session: ScopedSession, rules: Sequence[WeatherRule], compiled: Sequence[Rule]) -> None:
        leaves = {
            row.id: [leaf for one in (rule.condition, rule.off_condition) if one for leaf in list_leaves(one)]
            for row, rule in zip(rules, compiled, strict=True)
        }
        self._seasonal = {key for key, listed in leaves.items() if any(leaf.op == FIRST for leaf in listed)}
        self._pollen = {key for key, listed in leaves.items() if any(leaf.reading == "pollen" for leaf in listed)}
        self._firsts: dict[tuple[UUID, str], list[tuple[str, date]]] = {}
        for first in queries.list_firsts(session, self._seasonal) if self._seasonal else ():
            kept = self._firsts.setdefault((first.weather_rule_id, first.class10), [])
            kept.append((first.season, first.first_on))
        self._spells = queries.list_pollen(session) if self._pollen else ()
        areas = {spell.area_id for spell in self._spells if spell.area_id is not None}
        self._in_area = map_store_nos(session, areas) if areas else {}

    def asks(self, row: WeatherRule) -> bool:
        """Whether the rule asks for any of it."""
        return row.id in self._seasonal or row.id in self._pollen

    def of(self, row: WeatherRule, store_no: int, spot: Spot | Gap, day: Day) -> Notes:
        """What there is to know for a rule at a store."""
        district = spot.class10 if isinstance(spot, Spot) else ""
        firsts = tuple(sorted(self._firsts.get((row.id, district), ())))
        level = self._level(store_no, day.business_on) if row.id in self._pollen else None
        return Notes(firsts, row.season_confirmed_on, level)

    def _level(self, store_no: int, on: date) -> str | None:
        """The greatest level of the store's areas on a date; without one, that of the whole brand."""
        today = [spell for spell in self._spells if spell.from_on <= on <= spell.to_on]
        near = [one for one in today if one.area_id is not None and store_no in self._in_area.get(one.area_id, ())]
        chosen: list[PollenSpell] = near or [one for one in today if one.area_id is None]
        return max((one.level for one in chosen), key=POLLEN.index, default=None)


def lock_ticks(session: ScopedSession) -> None:
    """Let one tick of a brand run at a time, so that a rule cannot fire twice for a store in one business day."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
        {"place": f"weather:{session.scope.brand_id}"},
    )


def compile_rule(row: WeatherRule) -> Rule:
    """The pure rule of a row."""
    return Rule(
        condition=parse_condition(row.condition),
        off_condition=parse_condition(row.off_condition, turns_off=True) if row.off_condition else None,
        window=parse_window(row.window) if row.window else None,
        cooldown_days=row.cooldown_days,
        max_age_minutes=row.max_age_minutes,
        blackout_on=frozenset(row.blackout_on),
    )


@dataclass(frozen=True, slots=True)
class _History:
    """A rule's firings at a store, and the business days at whose last decision it was on."""

    fired_on: tuple[date, ...] = ()
    on_days: tuple[date, ...] = ()

    def on(self, day: Day, notes: Notes) -> State:
        """What went before, seen from a business day: a rehearsal of a later day does not count for it."""
        before = [fired_on for fired_on in self.fired_on if fired_on <= day.business_on]
        return State(max(before, default=None), day.business_on in self.on_days, notes)


_NEW: Final = _History()


def _histories(session: ScopedSession, rules: Sequence[WeatherRule], first_on: date) -> dict[UUID, dict[int, _History]]:
    """What went before by rule and store's number; those of which nothing is known, or only that they are off, are not
    in it. `first_on` is the earliest business day that is decided for."""
    ids = [rule.id for rule in rules]
    found: dict[UUID, dict[int, _History]] = {}
    since = first_on - timedelta(days=max((rule.cooldown_days for rule in rules), default=0))
    for rule_id, store_no, business_on in queries.list_fired(session, ids, since):
        of_rule = found.setdefault(rule_id, {})
        before = of_rule.get(store_no, _NEW)
        of_rule[store_no] = _History((*before.fired_on, business_on), before.on_days)
    for rule_id, store_no, business_on in queries.list_on(session, ids, first_on):
        of_rule = found.setdefault(rule_id, {})
        before = of_rule.get(store_no, _NEW)
        of_rule[store_no] = _History(before.fired_on, (*before.on_days, business_on))
    return found


def stores_of_rules(
    session: ScopedSession, rules: Iterable[WeatherRule], only: Collection[UUID] | None = None
) -> list[list[Site]]:
    """The stores of each rule, in order of their numbers."""
    listed = list(rules)
    stores = [store for store in list_sites(session) if only is None or store.id in only]
    by_area = map_store_nos(session, {area_id for rule in listed for area_id in rule.area_ids})
    return [
        stores
        if rule.all_stores and rule.store_no is None
        else [store for store in stores if _takes_part(rule, store, by_area)]
        for rule in listed
    ]


def _takes_part(rule: WeatherRule, store: Site, by_area: Mapping[UUID, Collection[int]]) -> bool:
    if rule.store_no is not None and rule.store_no != store.no:
        return False
    if rule.all_stores or store.id in rule.store_ids:
        return True
    return any(store.no in by_area.get(area_id, ()) for area_id in rule.area_ids)


def _is_spent(session: ScopedSession, rule: WeatherRule, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the rule's coupons have cost its budget in this calendar month."""
    if rule.budget_yen is None:
        return False
    month_at = now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return queries.count_discount_yen(session, rule.id, month_at) >= rule.budget_yen


def _within_budget(decision: Decision, spent: bool) -> Decision:
    if not (spent and decision.fired):
        return decision
    return replace(decision, reason=Reason.BUDGET, detail="This month's redemptions have used up the rule's budget.")


def _hold_back(decision: Decision, brand: Brand) -> Decision:
    """What a rule concludes for a brand that may not send: a firing is none, so that nothing is caught up later."""
    if not decision.fired or (brand.suspended_at is None and brand.sending_stopped_at is None):
        return decision
    why = "The brand is suspended, and sends nothing." if brand.suspended_at else "Sending was stopped by hand."
    return replace(decision, reason=Reason.SAFETY_STOP, detail=why)
