"""The verbs: make, change and archive rules; see the forecast that speaks for a store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.coupons import queries as coupons
from app.coupons.line_coupons.service import require_rendered
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.fallback import check_fallback
from app.messaging.render import check_messages
from app.segments import service as segments
from app.segments.compiler import compile_where
from app.weather import queries
from app.weather.conditions import parse_condition, parse_window
from app.weather.forecasts import read_current
from app.weather.freshness import staleness
from app.weather.jma import SOURCE
from app.weather.models import WeatherRule
from app.weather.outlook import Gap, PlaceForecast
from app.weather.places import Spot, find_spots
from app.weather.readings import BLOCK, JAPAN
from app.weather.schemas import RuleAudience
from tenants.areas.queries import map_store_nos
from tenants.brands.queries import get_brand
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.stores.opening_hours import find_minutes

_MAY_BE_NULL = {
    "off_condition", "window", "coupon_id", "fallback_messages", "audience", "max_age_minutes", "budget_yen",
    "late_until", "season_confirmed_on",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """One value of a forecast and the time it is for."""

    reading: str
    starts_at: datetime
    ends_at: datetime
    value: int | str | None
    unit: str | None
    gap: str | None


@dataclass(frozen=True, slots=True)
class StoreForecast:
    """The newest forecast for a store, and whether rules may act on it now."""

    store_id: UUID
    place: Spot | None
    source: str
    issued_at: datetime | None
    age_seconds: int | None
    checked_at: datetime | None
    usable: bool
    gap: str | None
    blocks: list[Block]


def create_rule(
    session: ScopedSession, values: Mapping[str, Any], *, owner: Store | None, now: datetime
) -> WeatherRule:
    """A new rule of head office or of one store. Raises Invalid with pointers."""
    rule = WeatherRule(created_at=now, decided_until=now, **_columns(values))
    if owner is not None:
        rule.store_id, rule.store_no = owner.id, owner.no
        if not rule.store_ids and not rule.area_ids:
            rule.all_stores = True
    _check(session, rule, values.keys(), now)
    session.add(rule)
    session.flush()
    return rule


def change_rule(session: ScopedSession, rule: WeatherRule, changes: Mapping[str, Any], now: datetime) -> WeatherRule:
    """Change a rule; decisions made before stay as they are. Raises Invalid with pointers."""
    for name, value in changes.items():
        if value is None and name not in _MAY_BE_NULL:
            raise Invalid.at(f"/{name}", "Must not be null.")
    goes_live = changes.get("status") == "live" and rule.status != "live"
    leaves_live = rule.status == "live" and changes.get("status", "live") != "live"
    for name, value in _columns(changes).items():
        setattr(rule, name, value)
    if goes_live:
        # Times that passed while it was not live are not made up for.
        rule.decided_until = now
    with session.no_autoflush:  # or the look-up of an unknown coupon would write its id first
        _check(session, rule, changes.keys(), now)
    session.add(rule)
    session.flush()
    if leaves_live:
        _stop_sending(session, rule, now)
    return rule


def imagine_rule(session: ScopedSession, rule: WeatherRule, changes: Mapping[str, Any], now: datetime) -> WeatherRule:
    """The rule as it would be with these changes, of which nothing is kept. Raises Invalid with pointers."""
    imagined = WeatherRule(**(rule.model_dump() | _columns(changes)))
    _check(session, imagined, changes.keys(), now)
    return imagined


def archive_rule(session: ScopedSession, rule: WeatherRule, now: datetime) -> None:
    """Take a rule out of use, and stop what it is sending; its decisions stay."""
    rule.archived_at = now
    session.add(rule)
    session.flush()
    _stop_sending(session, rule, now)


def _stop_sending(session: ScopedSession, rule: WeatherRule, now: datetime) -> None:
    """End the runs of a rule that is no longer live: what waits is never sent, what is in flight ends."""
    for run in runs.lock_sending_of_rule(session, rule.id):
        messaging.stop(session, run, now)


def see_forecast(session: ScopedSession, store: Store, now: datetime) -> StoreForecast:
    """The newest forecast for a store, as blocks in order of time."""
    spot = find_spots(session, [store])[store.id]
    if isinstance(spot, Gap):
        return StoreForecast(store.id, None, SOURCE, None, None, None, False, spot.reason, [])
    current = read_current(session, [spot.office])[spot.office]
    forecast = current.forecast
    if isinstance(forecast, Gap):
        return StoreForecast(store.id, spot, SOURCE, None, None, current.checked_at, False, forecast.reason, [])
    place = forecast.at(spot.class10, spot.station)
    gap = staleness(place.issued_at, now)
    return StoreForecast(
        store_id=store.id,
        place=spot,
        source=place.source,
        issued_at=place.issued_at,
        age_seconds=round((now - place.issued_at).total_seconds()),
        checked_at=current.checked_at,
        usable=gap is None,
        gap=gap,
        blocks=list_blocks(place),
    )


def list_blocks(place: PlaceForecast) -> list[Block]:
    """The values of a place's forecast, each with its time."""
    blocks = [_block("precipitation_probability", at, at + BLOCK, value, "percent") for at, value in place.rain.items()]
    for on, high in place.highs.items():
        blocks.append(_block("temperature_max", _at(on, 9), _at(on, 18), high, "celsius"))
    for on, sky in place.skies.items():
        blocks.append(_block("sky", _at(on, 0), _at(on, 24), sky, None))
    return sorted(blocks, key=lambda block: (block.starts_at, block.reading))


def _block(reading: str, starts_at: datetime, ends_at: datetime, value: int | str | Gap, unit: str | None) -> Block:
    if isinstance(value, Gap):
        return Block(reading, starts_at, ends_at, None, unit, value.reason)
    return Block(reading, starts_at, ends_at, value, unit, None)


def _at(on: date, hour: int) -> datetime:
    return datetime.combine(on, time(), tzinfo=JAPAN) + timedelta(hours=hour)


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a body names, as columns: ids of an audience stay TypeIDs, lists that are not given are empty."""
    columns = {name: value for name, value in values.items() if name != "store_id"}
    for name in ("store_ids", "area_ids"):
        if name in columns:
            columns[name] = list(dict.fromkeys(columns[name] or []))
    if "blackout_on" in columns:
        columns["blackout_on"] = sorted(set(columns["blackout_on"]))
    audience = columns.get("audience")
    if isinstance(audience, RuleAudience):
        columns["audience"] = audience.model_dump(mode="json", exclude_none=True) or None
    return columns


def _check(session: ScopedSession, rule: WeatherRule, given: Collection[str], now: datetime) -> None:
    """Refuse what could never be decided or sent; only what is given is looked at again, save what hangs together."""
    if "condition" in given:
        parse_condition(rule.condition, "/condition")
    if "off_condition" in given and rule.off_condition is not None:
        parse_condition(rule.off_condition, "/off_condition", turns_off=True)
    if "window" in given and rule.window is not None:
        parse_window(rule.window, "/window")
    if {"late_until", "decide_times"} & set(given) and rule.late_until is not None:
        first = min(find_minutes(clock) or 0 for clock in rule.decide_times)
        if (find_minutes(rule.late_until) or 0) <= first:
            raise Invalid.at("/late_until", "Must be later than the first of decide_times.")
    if "season_confirmed_on" in given and rule.season_confirmed_on and rule.season_confirmed_on > _today(session, now):
        raise Invalid.at("/season_confirmed_on", "Must not lie ahead: nobody can vouch for what is to come.")
    _check_stores(session, rule, given)
    _check_audience(session, rule, given, now)
    template = check_messages(rule.messages)
    if rule.fallback_messages is not None:
        if rule.coupon_id is None:
            raise Invalid.at("/fallback_messages", "Without a coupon_id no copies run out.")
        check_fallback(rule.fallback_messages)
    if rule.coupon_id is None:
        if any(name.startswith("coupon.") for name in template.variables):
            raise Invalid.at("/messages", "The messages name a coupon, but the rule has no coupon_id.")
    elif "coupon_id" in given or "coupon.line_id" in template.variables:
        try:
            require_rendered(coupons.get_issuable(session, rule.coupon_id), template.variables)
        except NotFound as error:
            raise Invalid.at("/coupon_id", "There is no such coupon.") from error


def _today(session: ScopedSession, now: datetime) -> date:
    return now.astimezone(ZoneInfo(get_brand(session, session.scope.brand_id).timezone)).date()


def _check_stores(session: ScopedSession, rule: WeatherRule, given: Collection[str]) -> None:
    if rule.all_stores and (rule.store_ids or rule.area_ids):
        raise Invalid.at("/all_stores", "Name stores or areas, or set all_stores, but not both.")
    if not (rule.all_stores or rule.store_ids or rule.area_ids):
        raise Invalid.at("/store_ids", "Name store_ids or area_ids, or set all_stores.")
    if "store_ids" in given:
        known = {store.id for store in queries.list_stores(session)}
        _require_all("/store_ids", rule.store_ids, known, "store")
    if "area_ids" in given:
        _require_all("/area_ids", rule.area_ids, map_store_nos(session, rule.area_ids), "area")


def _check_audience(session: ScopedSession, rule: WeatherRule, given: Collection[str], now: datetime) -> None:
    if "audience" not in given or rule.audience is None:
        return
    audience = RuleAudience.model_validate(rule.audience)
    if audience.segment_id is not None:
        try:
            segments.customer_filter(session, audience.segment_id, now)
        except NotFound as error:
            raise Invalid.at("/audience/segment_id", "There is no such segment.") from error
    elif audience.rule is not None:
        compile_where(session, audience.rule, now, at="/audience/rule")


def _require_all(pointer: str, wanted: Collection[UUID], known: Collection[UUID], noun: str) -> None:
    missing = [
        {"pointer": f"{pointer}/{index}", "detail": f"There is no such {noun}."}
        for index, one in enumerate(wanted)
        if one not in known
    ]
    if missing:
        raise Invalid(missing)
