"""A tick: rules decide for each of their stores, and each decision is written down, also every "no"."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import insert, text

from app.events.service import record
from app.schemas import write_instant
from app.weather import queries
from app.weather.conditions import parse_condition, parse_window
from app.weather.evaluation import LeafVerdict
from app.weather.events import WeatherDecided
from app.weather.forecasts import Current, read_current
from app.weather.logic import Truth
from app.weather.models import WeatherDecision, WeatherRule
from app.weather.outlook import Gap, Outlook, PlaceForecast
from app.weather.places import Spot, find_spots
from app.weather.readings import Day
from app.weather.rules import Decision, Reason, Rule, State, decide
from tenants.areas.queries import map_store_nos
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now

MAX_COOLDOWN_DAYS = 90


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a rule concluded for a store, and the body of the forecast that it used."""

    rule: WeatherRule
    store: Store
    decision: Decision
    forecast_issue_id: UUID | None


def list_offices(session: ScopedSession) -> set[str]:
    """The offices whose forecasts the brand's live rules need."""
    wanted = {store.id: store for stores in _stores_of(session, queries.list_live_rules(session)) for store in stores}
    return {spot.office for spot in find_spots(session, wanted.values()).values() if isinstance(spot, Spot)}


def conclude(
    session: ScopedSession, rules: Sequence[WeatherRule], now: datetime, current: Mapping[str, Current] | None = None
) -> list[Conclusion]:
    """What these rules conclude at `now` for each of their stores that the session sees. Writes nothing.

    `current` are forecasts by office that the caller has just fetched; others are read as they are stored.
    """
    brand = get_brand(session, session.scope.brand_id)
    zone = ZoneInfo(brand.timezone)
    stores_of = _stores_of(session, rules)
    stores = {store.id: store for listed in stores_of for store in listed}
    spots = find_spots(session, stores.values())
    offices = {spot.office for spot in spots.values() if isinstance(spot, Spot)}
    fetched = current or {}
    forecasts = {**read_current(session, offices - fetched.keys()), **fetched}
    places: dict[Spot, PlaceForecast | Gap] = {}
    for spot in spots.values():
        if isinstance(spot, Spot) and spot not in places:
            forecast = forecasts[spot.office].forecast
            places[spot] = forecast if isinstance(forecast, Gap) else forecast.at(spot.class10, spot.station)
    hours = {store.id: orjson.dumps(store.opening_hours) for store in stores.values()}
    days: dict[bytes, Day] = {}
    for store in stores.values():
        if hours[store.id] not in days:
            days[hours[store.id]] = Day.of(store.opening_hours, now, zone)
    states = _states(session, rules, now)
    conclusions: list[Conclusion] = []
    for row, listed in zip(rules, stores_of, strict=True):
        rule = compile_rule(row)
        spent = _is_spent(session, row, now, zone)
        # Stores of one district with the same hours and history come to the same decision: it is made once.
        made: dict[tuple[Spot | Gap, bytes, State], Decision] = {}
        for store in listed:
            spot, day = spots[store.id], days[hours[store.id]]
            state = states.get((row.id, store.id), _History()).on(day)
            key = (spot, hours[store.id], state)
            if key not in made:
                place = places[spot] if isinstance(spot, Spot) else spot
                decided = _within_budget(decide(rule, Outlook(place), day, state, now), spent)
                made[key] = _hold_back(decided, brand)
            issue_id = forecasts[spot.office].issue_id if isinstance(spot, Spot) else None
            conclusions.append(Conclusion(row, store, made[key], issue_id))
    return conclusions


def write_down(
    session: ScopedSession, conclusions: Sequence[Conclusion], now: datetime, clock_shift_seconds: int = 0
) -> list[UUID]:
    """Store each conclusion as a decision and record those that fired; answers the decisions' ids, in order."""
    ids = [uuid7() for _ in conclusions]
    readings: dict[int, list[dict[str, Any]]] = {}
    for conclusion in conclusions:
        decision = conclusion.decision
        if id(decision) not in readings:
            readings[id(decision)] = [describe(verdict, now) for verdict in decision.leaves]
    rows = [
        {
            "brand_id": session.scope.brand_id,
            "id": decision_id,
            "created_at": utc_now(),
            "weather_rule_id": conclusion.rule.id,
            "store_id": conclusion.store.id,
            "store_no": conclusion.store.no,
            "business_on": conclusion.decision.business_on,
            "decided_at": now,
            "fired": conclusion.decision.fired,
            "reason": conclusion.decision.reason.value,
            "detail": conclusion.decision.detail,
            "state_on": conclusion.decision.on,
            "readings": readings[id(conclusion.decision)],
            "forecast_issue_id": conclusion.forecast_issue_id,
            "clock_shift_seconds": clock_shift_seconds,
        }
        for decision_id, conclusion in zip(ids, conclusions, strict=True)
    ]
    if rows:
        session.flush()
        session.connection().execute(insert(WeatherDecision), rows)
    record(
        session,
        *(
            WeatherDecided(
                occurred_at=utc_now(),
                store_no=conclusion.store.no,
                decision_id=decision_id,
                weather_rule_id=conclusion.rule.id,
                store_id=conclusion.store.id,
                business_on=conclusion.decision.business_on.isoformat(),
                reason=conclusion.decision.reason.value,
            )
            for decision_id, conclusion in zip(ids, conclusions, strict=True)
            if conclusion.decision.fired
        ),
    )
    return ids


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


def describe(verdict: LeafVerdict, now: datetime) -> dict[str, Any]:
    """A comparison as a decision keeps and shows it; a value that could not settle it is null, with the gap beside."""
    reading = verdict.reading
    return {
        "reading": reading.name,
        "value": None if verdict.truth is Truth.UNKNOWN else reading.value,
        "source": reading.source,
        "issued_at": write_instant(reading.issued_at) if reading.issued_at else None,
        "age_seconds": round((now - reading.issued_at).total_seconds()) if reading.issued_at else None,
        "gap": reading.gap,
        "op": verdict.leaf.op,
        "compared_with": list(verdict.leaf.values) if verdict.leaf.op == "in" else verdict.leaf.values[0],
        "holds": None if verdict.truth is Truth.UNKNOWN else verdict.truth is Truth.TRUE,
    }


@dataclass(frozen=True, slots=True)
class _History:
    """A rule's firings at a store, and its last state on each business day."""

    fired_on: tuple[date, ...] = ()
    state_on: tuple[tuple[date, bool], ...] = ()

    def on(self, day: Day) -> State:
        """What went before, seen from a business day: a rehearsal of a later day does not count for it."""
        before = [fired_on for fired_on in self.fired_on if fired_on <= day.business_on]
        return State(max(before, default=None), dict(self.state_on).get(day.business_on, False))


def _states(session: ScopedSession, rules: Sequence[WeatherRule], now: datetime) -> dict[tuple[UUID, UUID], _History]:
    ids = [rule.id for rule in rules]
    fired: dict[tuple[UUID, UUID], list[date]] = {}
    for rule_id, store_id, business_on in queries.list_fired(
        session, ids, (now - timedelta(days=MAX_COOLDOWN_DAYS + 2)).date()
    ):
        fired.setdefault((rule_id, store_id), []).append(business_on)
    states: dict[tuple[UUID, UUID], list[tuple[date, bool]]] = {}
    for rule_id, store_id, business_on, on in queries.list_states(session, ids, (now - timedelta(days=2)).date()):
        states.setdefault((rule_id, store_id), []).append((business_on, on))
    return {
        key: _History(tuple(fired.get(key, ())), tuple(states.get(key, ()))) for key in fired.keys() | states.keys()
    }


def _stores_of(session: ScopedSession, rules: Iterable[WeatherRule]) -> list[list[Store]]:
    """The stores of each rule, in order of their numbers."""
    listed = list(rules)
    stores = queries.list_stores(session)
    by_area = map_store_nos(session, {area_id for rule in listed for area_id in rule.area_ids})
    return [[store for store in stores if _takes_part(rule, store, by_area)] for rule in listed]


def _takes_part(rule: WeatherRule, store: Store, by_area: Mapping[UUID, Collection[int]]) -> bool:
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
