"""Lift over HTTP, as JSON or as CSV."""

from collections.abc import Iterable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request

from app.auth import Now, ScopedSession, allow
from app.events.queries import map_store_ids
from app.periods import LONGEST_DAYS, read_period
from app.reports.lift import queries, service
from app.reports.lift.queries import Compared, LiftBy
from app.reports.lift.schemas import Lift, LiftFigure, LiftReport, LiftRow, WeatherRuleLift
from app.routes import ApiRoute
from app.schemas import LocalDate, WeatherRuleId
from app.sheets import prefers_csv, write_csv
from app.weather import queries as weather
from tenants.brands.queries import get_brand

rules_router = APIRouter(prefix="/v1/weather-rules", tags=["weather"], route_class=ApiRoute)
reports_router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=ApiRoute)
routers = [rules_router, reports_router]

USUAL_DAYS: Final = 90
First = Annotated[
    LocalDate | None,
    Query(alias="from", description=f"The first business day; {USUAL_DAYS - 1} days before the last where not given."),
]
Last = Annotated[
    LocalDate | None,
    Query(alias="to", description=f"The last business day, at most {LONGEST_DAYS} with the first; else today."),
]
MessageYen = Annotated[
    float, Query(ge=0, le=1000, description="What one message costs by your plan of LINE's, in yen.", examples=[3.0])
]
By = Annotated[LiftBy, Query(description="What each row is about.")]
_CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@rules_router.get(
    "/{rule_id}/lift", dependencies=[allow("reports:read")], response_model=WeatherRuleLift, responses=_CSV
)
def get_weather_rule_lift(
    rule_id: WeatherRuleId,
    request: Request,
    session: ScopedSession,
    now: Now,
    *,
    first: First = None,
    last: Last = None,
    message_yen: MessageYen = 0.0,
) -> Any:
    """What the rule's messages added, from the people whom its `holdout_ratio` kept from them.

    Both sides are compared in the same run and store, so that the weather itself is not counted; docs/lift.md has the
    statistics. A store key learns of its stores' people, and of what they did at its stores.
    """
    rule = weather.get_rule(session, rule_id)
    from_on, to_on = read_period(session, first, last, now, usual_days=USUAL_DAYS)
    zone = get_brand(session, session.scope.brand_id).timezone
    found = queries.compare(session, "weather_rule", from_on, to_on, zone=zone, now=now, rule_id=rule.id)
    (compared,) = found or [Compared(str(rule.id))]
    lift = WeatherRuleLift.model_validate(
        {"rule_id": rule.id, **service.show(compared, message_yen=message_yen, by_days=True, now=now)}
    )
    if prefers_csv(request.headers.get("accept", "")):
        return _write([lift], "rule_id")
    return lift


@reports_router.get(
    "/lift",
    dependencies=[allow("reports:read")],
    response_model=LiftReport,
    response_model_exclude_unset=True,
    responses=_CSV,
)
def get_lift(
    *,
    request: Request,
    session: ScopedSession,
    now: Now,
    first: First = None,
    last: Last = None,
    group_by: By = "weather_rule",
    message_yen: MessageYen = 0.0,
) -> Any:
    """What messages added, by weather rule, campaign or store: of all in whose runs somebody was held out.

    A campaign is sent once, so its interval goes by people and speaks of that day. By store, rules and campaigns are
    taken together; do not rank single stores by it while their intervals overlap.
    """
    from_on, to_on = read_period(session, first, last, now, usual_days=USUAL_DAYS)
    zone = get_brand(session, session.scope.brand_id).timezone
    found = queries.compare(session, group_by, from_on, to_on, zone=zone, now=now)
    ids: dict[str, UUID] = {one.key: UUID(one.key) for one in found if one.key} if group_by != "store" else {}
    if group_by == "store":
        numbers = [int(one.key) for one in found if one.key is not None]
        ids = {str(number): store_id for number, store_id in map_store_ids(session, numbers).items()}
    name = f"{group_by}_id"
    by_days = group_by != "campaign"
    rows = [
        LiftRow.model_validate(
            {
                name: None if one.key is None else ids.get(one.key),
                **service.show(one, message_yen=message_yen, by_days=by_days, now=now),
            }
        )
        for one in found
    ]
    if prefers_csv(request.headers.get("accept", "")):
        return _write(rows, name)
    return LiftReport(items=rows)


def _write(lifts: Iterable[Lift], key: str) -> Any:
    """A line for each group and figure."""
    shared = ("status", "days", "runs", "messages", "cost_yen")
    sides = ("offered", "held_out")
    columns = [
        key, "figure", *shared, *(f"{side}_{what}" for side in sides for what in ("people", "sum")),
        *LiftFigure.model_fields,
    ]  # fmt: skip
    lines = []
    for lift in lifts:
        whole = lift.model_dump(mode="json")
        for figure in service.FIGURES:
            line = {key: whole[key], "figure": figure, **{name: whole[name] for name in shared}, **whole[figure]}
            for side in sides:
                line |= {f"{side}_people": whole[side]["people"], f"{side}_sum": whole[side][figure]}
            lines.append(line)
    return write_csv(columns, lines)
