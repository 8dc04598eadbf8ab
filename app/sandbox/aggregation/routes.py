"""What LINE tells of the names in use this month."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.clock import month_of
from app.sandbox.cursors import open_start, parse_limit, seal_start
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


def routes(sandbox: Sandbox) -> list[Route]:
    """How many names, and which."""

    async def info(request: Request, channel: Channel) -> Answer:
        names = sandbox.ledger.units.list_names(channel.no, month_of(sandbox.clock.now()))
        return answers.ok({"numOfCustomAggregationUnits": len(names)})

    async def list_units(request: Request, channel: Channel) -> Answer:
        now = sandbox.clock.now()
        limit = parse_limit(request.query_params.get("limit"), default=100, most=100)
        first = open_start(channel, "units", request.query_params.get("start"), now) + 1
        names = sandbox.ledger.units.list_names(channel.no, month_of(now))
        answer: dict[str, Any] = {"customAggregationUnits": names[first : first + limit]}
        if first + limit < len(names):
            answer["next"] = seal_start(channel, "units", first + limit - 1, now)
        return answers.ok(answer)

    return [
        api(sandbox, "GET", "/v2/bot/message/aggregation/info", info),
        api(sandbox, "GET", "/v2/bot/message/aggregation/list", list_units),
    ]
