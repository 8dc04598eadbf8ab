"""JMA's paths: forecast files with ETag and Last-Modified, and the constants about areas.

The header `X-Sandbox-Now` (RFC 3339) says what time it is for one fetch; without it the sandbox's clock does.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.state import Sandbox
from app.sandbox.weather import feed_routes, forecast, tables
from app.sandbox.weather.answers import conditional, not_found, read_moment
from app.sandbox.weather.recorded import find_recorded

_EARLY = timedelta(minutes=15)
"""Files lie there before the time that they bear: that of 17:00 was last modified at 16:45."""

_TABLES_AT = datetime(2026, 4, 1, tzinfo=UTC)
"""When the newest of JMA's tables that ours are made of was fetched."""


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under /bosai."""

    async def get_forecast(request: Request) -> Response:
        office = request.path_params["office"]
        try:
            now = read_moment(sandbox, request)
        except ValueError:
            return JSONResponse({"message": "X-Sandbox-Now is not an RFC 3339 instant"}, 400)
        recorded = find_recorded(sandbox.weather.recorded.get(office, ()), now)
        if recorded is not None:
            return conditional(request, recorded.path.read_bytes(), recorded.issued_at - _EARLY)
        if office not in tables.offices():
            return not_found()
        issued_at = forecast.newest_issue(now)
        body = forecast.build(office, issued_at, sandbox.weather.scenario_of(office))
        younger = timedelta(seconds=sandbox.weather.changes.get(office, 0))
        return conditional(request, body, issued_at - _EARLY + younger)

    def constant(path: str, build: Callable[[], bytes]) -> Route:
        async def get_constant(request: Request) -> Response:
            return conditional(request, build(), _TABLES_AT)

        return Route(path, get_constant)

    async def get_nothing(request: Request) -> Response:
        return not_found()

    return [
        Route("/bosai/forecast/data/forecast/{office}.json", get_forecast),
        constant("/bosai/common/const/area.json", tables.area_json),
        constant("/bosai/forecast/const/forecast_area.json", tables.forecast_area_json),
        constant("/bosai/forecast/const/week_area.json", tables.week_area_json),
        constant("/bosai/amedas/const/amedastable.json", tables.amedastable_json),
        constant("/bosai/amedas/const/amedas_class20_list.json", tables.amedas_class20_list_json),
        *feed_routes.routes(sandbox),
        Route("/bosai/{rest:path}", get_nothing),
    ]
