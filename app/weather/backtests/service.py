"""Back-tests: begun in the request that asks for one, played by a worker."""

from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.jobs.queue import defer
from app.operations import service as operations
from app.operations.kinds import register
from app.operations.models import Operation
from app.weather import queries
from app.weather.backtests import tasks
from app.weather.backtests.schemas import BacktestRule
from app.weather.models import WeatherRule
from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

KIND: Final = register("weather_backtest", permission="weather:write")

MOST_DAYS: Final = 1_100
MOST_STORE_DAYS: Final = 1_500_000
"""Stores times days times decide times."""


def begin_backtest(
    session: ScopedSession,
    rule: WeatherRule,
    changes: BacktestRule | None,
    first_on: date,
    last_on: date,
    *,
    store: Store | None,
    started_by: str,
    now: datetime,
) -> Operation:
    """Begin a back-test of a rule over these business days, at all of its stores or one alone. Raises Invalid."""
    today = now.astimezone(ZoneInfo(get_brand(session, session.scope.brand_id).timezone)).date()
    if last_on > today:
        raise Invalid.at("/to", f"Must not lie ahead of today, {today}: what is to come has not been forecast.")
    if first_on > last_on:
        raise Invalid.at("/from", "Must not come after the last day.")
    if (last_on - first_on).days >= MOST_DAYS:
        raise Invalid.at("/from", f"The period must be {MOST_DAYS} days or shorter.")
    imagined = imagine(session, rule, changes, now)
    stores = 1 if store is not None else len(queries.list_stores(session))
    if stores * ((last_on - first_on).days + 1) * len(imagined.decide_times) > MOST_STORE_DAYS:
        raise Invalid.at("/from", f"Stores times days times decide times must come to {MOST_STORE_DAYS:,} at most.")
    arguments = {
        "weather_rule_id": str(rule.id),
        "from": first_on.isoformat(),
        "to": last_on.isoformat(),
        "changes": tasks.as_json(changes),
        "store_no": store.no if store is not None else None,
    }
    operation = operations.start(
        session,
        KIND,
        arguments=arguments,
        store_no=store.no if store is not None else None,
        started_by=started_by,
        now=now,
    )
    defer(session, tasks.play_backtest, once_key=f"backtest:{operation.id}", operation_id=operation.id)
    return operation


def imagine(session: ScopedSession, rule: WeatherRule, changes: BacktestRule | None, now: datetime) -> WeatherRule:
    """The rule as it is to be played. Raises Invalid with pointers into the body."""
    try:
        return tasks.imagine(session, rule, tasks.as_json(changes), now)
    except Invalid as invalid:
        errors: list[dict[str, Any]] = [error | {"pointer": f"/rule{error['pointer']}"} for error in invalid.errors]
        raise Invalid(errors) from invalid
