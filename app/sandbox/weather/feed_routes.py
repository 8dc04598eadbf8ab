"""The paths of the feeds beside the forecast: JMA's, the Ministry of the Environment's and Open-Meteo's.

All hosts are one here, as no two of their paths are alike.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.sandbox.clock import JST
from app.sandbox.state import Sandbox
from app.sandbox.weather import feeds
from app.sandbox.weather.answers import conditional, not_found, read_moment

KEPT = timedelta(days=10)
"""How far back maps of observations are still there."""

SEASON = ((4, 22), (10, 21))
"""In which the Ministry publishes, as in 2026; outside it the files are not there."""
ALERT_HOURS = ("05", "10", "14", "17")
MOST_PLACES = 1_000

_ALERTS = re.compile(r"alert_(?P<on>[0-9]{8})_(?P<hour>[0-9]{2})\.csv")


def routes(sandbox: Sandbox) -> list[Route]:
    """The feeds' routes."""

    def at_moment(path: str, answer: Callable[[Request, datetime], Response]) -> Route:
        async def get(request: Request) -> Response:
            try:
                now = read_moment(sandbox, request)
            except ValueError:
                return JSONResponse({"message": "X-Sandbox-Now is not an RFC 3339 instant"}, 400)
            return answer(request, now)

        handler: Callable[[Request], Awaitable[Response]] = get
        return Route(path, handler)

    def latest_time(request: Request, now: datetime) -> Response:
        return PlainTextResponse(feeds.newest_moment(now).isoformat())

    def observations(request: Request, now: datetime) -> Response:
        try:
            moment = datetime.strptime(request.path_params["moment"], "%Y%m%d%H%M%S").replace(tzinfo=JST)
        except ValueError:
            return not_found()
        if moment.minute % 10 or moment.second or not now - KEPT <= moment <= feeds.newest_moment(now):
            return not_found()
        return conditional(request, feeds.observations(sandbox.weather, moment), moment + timedelta(minutes=5))

    def warnings_clock(request: Request, now: datetime) -> Response:
        return conditional(request, feeds.warnings_clock(now), now)

    def warnings(request: Request, now: datetime) -> Response:
        changed_at = max(datetime.fromtimestamp(sandbox.weather.warned_at, UTC), feeds.SINCE)
        return conditional(request, feeds.warnings(sandbox.weather), changed_at)

    def floods(request: Request, now: datetime) -> Response:
        return conditional(request, feeds.floods(), feeds.SINCE)

    def heat_index(request: Request, now: datetime) -> Response:
        if not _in_season(now):
            return not_found()
        return conditional(request, feeds.heat_index(sandbox.weather, now), now, "text/csv")

    def heat_alerts(request: Request, now: datetime) -> Response:
        name = _ALERTS.fullmatch(request.path_params["name"])
        if name is None or name["hour"] not in ALERT_HOURS or not _in_season(now):
            return not_found()
        made_at = datetime.strptime(name["on"] + name["hour"], "%Y%m%d%H").replace(tzinfo=JST)
        if made_at - timedelta(minutes=30) > now:
            return not_found()
        return conditional(
            request, feeds.heat_alerts(sandbox.weather, made_at.date(), made_at.hour), made_at, "text/csv"
        )

    def run_meta(request: Request, now: datetime) -> Response:
        return conditional(request, feeds.run_meta(now), feeds.newest_run(now))

    def model_hours(request: Request, now: datetime) -> Response:
        query = request.query_params
        try:
            latitudes = [float(text) for text in query["latitude"].split(",")]
            longitudes = [float(text) for text in query["longitude"].split(",")]
            days = int(query.get("forecast_days", "7"))
            places = list(zip(latitudes, longitudes, strict=True))
        except (KeyError, ValueError):
            return JSONResponse({"error": True, "reason": "latitude and longitude are lists of numbers"}, 400)
        if len(places) > MOST_PLACES or not 1 <= days <= 16:
            return JSONResponse({"error": True, "reason": "too many places or days"}, 400)
        if query.get("timezone") != "Asia/Tokyo" or query.get("wind_speed_unit") != "ms":
            return JSONResponse({"error": True, "reason": "the sandbox knows Asia/Tokyo and ms only"}, 400)
        found = [feeds.model_hours(sandbox.weather, *place, now, days) for place in places]
        return Response(orjson.dumps(found[0] if len(found) == 1 else found), media_type="application/json")

    return [
        at_moment("/bosai/amedas/data/latest_time.txt", latest_time),
        at_moment("/bosai/amedas/data/map/{moment}.json", observations),
        at_moment("/bosai/warning/data/r8/map_time.json", warnings_clock),
        at_moment("/bosai/warning/data/r8/map.json", warnings),
        at_moment("/bosai/flood/data/r8/flood_xml.json", floods),
        at_moment("/prev15WG/dl/yohou_all.csv", heat_index),
        at_moment("/alert/dl/{year}/{name}", heat_alerts),
        at_moment("/data/jma_msm/static/meta.json", run_meta),
        at_moment("/v1/forecast", model_hours),
    ]


def _in_season(now: datetime) -> bool:
    on = now.astimezone(JST).date()
    return SEASON[0] <= (on.month, on.day) <= SEASON[1]
