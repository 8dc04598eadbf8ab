"""Back-tests over HTTP."""

from fastapi import APIRouter

from app.auth import Caller, Now, ScopedSession, allow
from app.operations.schemas import OperationRead
from app.operations.service import show
from app.routes import ApiRoute
from app.schemas import WeatherRuleId
from app.weather import queries
from app.weather.backtests import service
from app.weather.backtests.schemas import BacktestCreate

router = APIRouter(prefix="/v1/weather-rules", tags=["weather"], route_class=ApiRoute)
routers = [router]


@router.post("/{rule_id}/backtest", status_code=202, dependencies=[allow("weather:write")])
def backtest_weather_rule(
    rule_id: WeatherRuleId, body: BacktestCreate, session: ScopedSession, caller: Caller, now: Now
) -> OperationRead:
    """Have a rule played over days gone by, as it is or with changes that are not kept.

    Each decision is made as it would have been then, on the forecast that was out, and held against the rain that fell.
    The operation's result tells how often it would have fired and been right, its files tell it day by day.
    """
    rule = queries.get_rule(session, rule_id)
    store = caller.owner(session, body.store_id)
    operation = service.begin_backtest(
        session, rule, body.rule, body.from_, body.to, store=store, started_by=caller.name, now=now
    )
    return show(session, operation)
