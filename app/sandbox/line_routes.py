"""LINE's paths about an account's quota."""

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.clock import month_of
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under LINE's two hosts that is not a send."""
    return _account_routes(sandbox)


def _account_routes(sandbox: Sandbox) -> list[Route]:
    async def quota(request: Request, channel: Channel) -> Answer:
        if channel.quota is None:
            return answers.ok({"type": "none"})
        return answers.ok({"type": "limited", "value": channel.quota})

    async def consumption(request: Request, channel: Channel) -> Answer:
        return answers.ok({"totalUsage": channel.used.get(month_of(sandbox.clock.now()), 0)})

    return [
        api(sandbox, "GET", "/v2/bot/message/quota", quota),
        api(sandbox, "GET", "/v2/bot/message/quota/consumption", consumption),
    ]
