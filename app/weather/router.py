"""Forecasts, weather rules and their decisions over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import col, select

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import LocalDate, Page, StoreId, WeatherDecisionId, WeatherRuleId
from app.weather import approvals, decisions, pollen, queries, recording, service
from app.weather.asking import AskedChange, AskedNew
from app.weather.jma import ATTRIBUTION
from app.weather.licences import refuse_unlicensed
from app.weather.models import PollenSpell, WeatherDecision, WeatherRule
from app.weather.schemas import (
    EvaluationRead,
    EvaluationsRead,
    ForecastRead,
    PollenPut,
    PollenRead,
    Status,
    WeatherDecisionRead,
    WeatherDecisionsRead,
    WeatherRuleCreate,
    WeatherRulePatch,
    WeatherRuleRead,
)
from tenants.problems import PermissionMissing

forecast_router = APIRouter(prefix="/v1/weather", tags=["weather"], route_class=ApiRoute)
rules_router = APIRouter(prefix="/v1/weather-rules", tags=["weather"], route_class=ApiRoute)
decisions_router = APIRouter(prefix="/v1/weather-decisions", tags=["weather"], route_class=ApiRoute)


@forecast_router.get("/forecast", dependencies=[allow("weather:read")])
def get_forecast(store_id: StoreId, session: ScopedSession, caller: Caller, now: Now) -> ForecastRead:
    """The newest forecast for a store, as JMA issued it; what is not stated is null and says why."""
    forecast = service.see_forecast(session, caller.store(session, store_id), now)
    shown = {name: getattr(forecast, name) for name in type(forecast).__dataclass_fields__}
    return ForecastRead.model_validate(shown | {"attribution": ATTRIBUTION})


@rules_router.get("", dependencies=[allow("weather:read")])
def list_weather_rules(
    session: ScopedSession, paging: PagingParams, status: Status | None = None
) -> Page[WeatherRuleRead]:
    """Weather rules: head office's, and those of the caller's stores."""
    wanted = select(WeatherRule).where(col(WeatherRule.archived_at).is_(None))
    if status is not None:
        wanted = wanted.where(col(WeatherRule.status) == status)
    return make_page(session, wanted, WeatherRule.id, paging, read_rule)


@rules_router.post("", status_code=201, dependencies=[allow("weather:write")])
def create_weather_rule(
    asked: AskedNew, body: WeatherRuleCreate, request: Request, session: ScopedSession, caller: Caller, now: Now
) -> WeatherRuleRead:
    """Make a weather rule. It decides at its decide times once it is live.

    A rule with a coupon puts copies into people's hands, so it needs `coupons:issue` too. One that needs a source which
    may not be used commercially cannot be live.
    """
    if body.coupon_id is not None:
        caller.require("coupons:issue")
    owner = caller.owner(session, body.store_id)
    rule = service.create_rule(session, _values(body, exclude_unset=False), owner=owner, now=now)
    refuse_unlicensed(rule, request.app.state.settings)
    return read_rule(rule)


@rules_router.get("/{rule_id}", dependencies=[allow("weather:read")])
def get_weather_rule(rule_id: WeatherRuleId, session: ScopedSession) -> WeatherRuleRead:
    """One weather rule."""
    return read_rule(queries.get_rule(session, rule_id))


@rules_router.patch("/{rule_id}", dependencies=[allow("weather:write")])
def change_weather_rule(
    rule_id: WeatherRuleId,
    asked: AskedChange,
    body: WeatherRulePatch,
    *,
    request: Request,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
    now: Now,
) -> WeatherRuleRead:
    """Change the caller's own rule; one with a coupon needs `coupons:issue` too, unless it is only stopped."""
    rule = _own(session, caller, rule_id)
    if_match.check(read_rule(rule))
    changes = _values(body, exclude_unset=True)
    changed = service.change_rule(session, rule, changes, now)
    refuse_unlicensed(changed, request.app.state.settings)
    if changed.coupon_id is not None and changes != {"status": "paused"}:
        caller.require("coupons:issue")
    return read_rule(changed)


@rules_router.delete("/{rule_id}", status_code=204, dependencies=[allow("weather:write")])
def archive_weather_rule(rule_id: WeatherRuleId, session: ScopedSession, caller: Caller, now: Now) -> Response:
    """Take the caller's own rule out of use; its decisions stay."""
    service.archive_rule(session, _own(session, caller, rule_id), now)
    return Response(status_code=204)


@rules_router.post("/{rule_id}/evaluate", dependencies=[allow("weather:write")])
def evaluate_weather_rule(rule_id: WeatherRuleId, session: ScopedSession, now: Now) -> EvaluationsRead:
    """What the rule would conclude now for each of its stores, on the forecasts as they are. Changes nothing."""
    concluded = decisions.conclude(session, [queries.get_rule(session, rule_id)], now)
    return EvaluationsRead(
        items=[
            EvaluationRead.model_validate(
                {
                    "rule_id": one.rule.id,
                    "store_id": one.store.id,
                    "business_on": one.decision.business_on,
                    "decided_at": now,
                    "fired": one.decision.fired,
                    "reason": one.decision.reason,
                    "detail": one.decision.detail,
                    "readings": [recording.describe(verdict, now) for verdict in one.decision.leaves],
                }
            )
            for one in concluded
        ]
    )


@decisions_router.get("", dependencies=[allow("weather:read")])
def list_weather_decisions(
    session: ScopedSession,
    paging: PagingParams,
    rule_id: WeatherRuleId | None = None,
    store_id: StoreId | None = None,
    date: Annotated[LocalDate | None, Query(description="The business day.")] = None,
) -> Page[WeatherDecisionRead]:
    """What the rules concluded, newest first: a row for each store and tick, whether it fired or not."""
    wanted = select(WeatherDecision)
    if rule_id is not None:
        wanted = wanted.where(col(WeatherDecision.weather_rule_id) == rule_id)
    if store_id is not None:
        wanted = wanted.where(col(WeatherDecision.store_id) == store_id)
    if date is not None:
        wanted = wanted.where(col(WeatherDecision.business_on) == date)
    return make_page(session, wanted, WeatherDecision.id, paging, read_decision)


@decisions_router.post("/{decision_id}/approve", dependencies=[allow("campaigns:approve")])
def approve_weather_decision(decision_id: WeatherDecisionId, session: ScopedSession, now: Now) -> WeatherDecisionsRead:
    """Let what a rule would send on this business day go out, for all stores whose firing waits.

    Each of them is decided for anew, and each new decision is answered: where the forecast has changed its mind since,
    or another rule has fired, nothing goes out. Firings may be approved until the rule's window ends, or the store's
    day.
    """
    ids = approvals.approve(session, decision_id, now)
    return WeatherDecisionsRead(items=[read_decision(one) for one in queries.list_decisions(session, ids)])


@forecast_router.get("/pollen", dependencies=[allow("weather:read")])
def get_pollen(session: ScopedSession) -> PollenRead:
    """The levels of pollen that the brand has set, which conditions on `pollen` are read from."""
    return read_pollen(queries.list_pollen(session))


@forecast_router.put("/pollen", dependencies=[allow("areas:write")])
def put_pollen(body: PollenPut, session: ScopedSession, caller: Caller) -> PollenRead:
    """Say how much pollen flies, where and when: all of it, in place of what was said before. Head office's to say.

    There is no feed of pollen that may be used freely, so it is a switch of the brand's. Where several levels are set
    for a store's areas on a date, the greatest counts; a date for which none is set is unknown.
    """
    if not caller.scope.sees_store(None):
        raise PermissionMissing("areas:write")
    return read_pollen(pollen.put_spells(session, [spell.model_dump() for spell in body.items]))


def read_pollen(spells: Sequence[PollenSpell]) -> PollenRead:
    """Levels of pollen as they are shown."""
    return PollenRead.model_validate({"items": [spell.model_dump() for spell in spells]})


def read_rule(rule: WeatherRule) -> WeatherRuleRead:
    """A rule as it is shown."""
    return WeatherRuleRead.model_validate(rule.model_dump())


def read_decision(decision: WeatherDecision) -> WeatherDecisionRead:
    """A decision as it is shown."""
    return WeatherDecisionRead.model_validate(decision.model_dump() | {"rule_id": decision.weather_rule_id})


def _values(body: WeatherRuleCreate | WeatherRulePatch, *, exclude_unset: bool) -> dict[str, Any]:
    names = body.model_fields_set if exclude_unset else type(body).model_fields.keys()
    return {name: getattr(body, name) for name in names}


def _own(session: Any, caller: CallerInfo, rule_id: WeatherRuleId) -> WeatherRule:
    """A rule that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    rule = queries.get_rule(session, rule_id)
    if not caller.scope.sees_store(rule.store_no):
        raise PermissionMissing("weather:write")
    session.refresh(rule, with_for_update={"key_share": True})
    return rule


routers = [forecast_router, rules_router, decisions_router]
