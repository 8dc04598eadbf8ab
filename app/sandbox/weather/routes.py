"""JMA's paths: forecast files with ETag and Last-Modified, and the constants about areas.

The header `X-Sandbox-Now` (RFC 3339) says what time it is for one fetch; without it the sandbox's clock does.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.sandbox.clock import parse_instant
from app.sandbox.state import Sandbox
from app.sandbox.weather import forecast, tables
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
            stated = request.headers.get("x-sandbox-now")
            now = parse_instant(stated) if stated else datetime.fromtimestamp(sandbox.clock.now(), UTC)
        except ValueError:
            return JSONResponse({"message": "X-Sandbox-Now is not an RFC 3339 instant"}, 400)
        recorded = find_recorded(sandbox.weather.recorded.get(office, ()), now)
        if recorded is not None:
            return _conditional(request, recorded.path.read_bytes(), recorded.issued_at - _EARLY)
        if office not in tables.offices():
            return _not_found()
        issued_at = forecast.newest_issue(now)
        body = forecast.build(office, issued_at, sandbox.weather.scenario_of(office))
        younger = timedelta(seconds=sandbox.weather.changes.get(office, 0))
        return _conditional(request, body, issued_at - _EARLY + younger)

    def constant(path: str, build: Callable[[], bytes]) -> Route:
        async def get_constant(request: Request) -> Response:
            return _conditional(request, build(), _TABLES_AT)

        return Route(path, get_constant)

    async def get_nothing(request: Request) -> Response:
        return _not_found()

    return [
        Route("/bosai/forecast/data/forecast/{office}.json", get_forecast),
        constant("/bosai/common/const/area.json", tables.area_json),
        constant("/bosai/forecast/const/forecast_area.json", tables.forecast_area_json),
        constant("/bosai/forecast/const/week_area.json", tables.week_area_json),
        constant("/bosai/amedas/const/amedastable.json", tables.amedastable_json),
        Route("/bosai/{rest:path}", get_nothing),
    ]


def _conditional(request: Request, body: bytes, modified_at: datetime) -> Response:
    """200 with the body, or 304 if the caller has it already. An ETag outranks a date (RFC 9110)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        "etag": etag,
        "last-modified": format_datetime(modified_at.astimezone(UTC), usegmt=True),
        "cache-control": "max-age=1",
    }
    known, since = request.headers.get("if-none-match"), request.headers.get("if-modified-since")
    if known is not None:
        fresh = etag in (tag.strip().removeprefix("W/") for tag in known.split(",")) or known.strip() == "*"
    else:
        fresh = since is not None and _is_not_before(since, modified_at)
    if fresh:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _is_not_before(since: str, modified_at: datetime) -> bool:
    try:
        return parsedate_to_datetime(since) >= modified_at
    except (ValueError, TypeError):
        return False


def _not_found() -> Response:
    return HTMLResponse("<html><head><title>404 Not Found</title></head></html>", 404)
