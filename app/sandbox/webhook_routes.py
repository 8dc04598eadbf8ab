"""LINE's paths about webhooks: the address, whether it is switched on, and the test that really calls it."""

import time
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers, webhooks
from app.sandbox.answers import Answer
from app.sandbox.clock import format_instant
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NO_ENDPOINT = answers.error(404, "Webhook endpoint not found")
_NO_URL = answers.error(400, "Invalid webhook endpoint URL")


def routes(sandbox: Sandbox) -> list[Route]:
    """Setting, reading and testing a channel's webhook."""

    async def put_endpoint(request: Request, channel: Channel) -> Answer:
        endpoint = answers.parse_json(await request.body()).get("endpoint")
        if not isinstance(endpoint, str) or not is_webhook_url(endpoint):
            return _NO_URL
        webhooks.put_url(sandbox, channel, endpoint)
        return answers.EMPTY

    async def get_endpoint(request: Request, channel: Channel) -> Answer:
        if channel.webhook_url is None:
            return _NO_ENDPOINT
        return answers.ok({"endpoint": channel.webhook_url, "active": channel.webhook_active})

    async def test(request: Request, channel: Channel) -> Answer:
        """Calls the bot with no events, signed, and tells how it went."""
        body = await request.body()
        url = (answers.parse_json(body).get("endpoint") if body else None) or webhooks.find_url(sandbox, channel)
        if url is None:
            return _NO_ENDPOINT
        if not isinstance(url, str) or not is_webhook_url(url):
            return _NO_URL
        at = time.time()
        attempt = await webhooks.call_webhook(sandbox, channel, [], url)
        if attempt.success and url == channel.webhook_url:
            webhooks.lift(sandbox, channel)
        return answers.ok(
            {
                "success": attempt.success,
                "timestamp": format_instant(at + sandbox.clock.offset_seconds),
                "statusCode": attempt.status,
                "reason": attempt.reason,
                "detail": attempt.detail,
            }
        )

    path = "/v2/bot/channel/webhook/endpoint"
    return [
        api(sandbox, "PUT", path, put_endpoint),
        api(sandbox, "GET", path, get_endpoint),
        api(sandbox, "POST", "/v2/bot/channel/webhook/test", test),
    ]


def is_webhook_url(url: str) -> bool:
    """https, as LINE demands; http too if it leads back to this machine, so that a demo needs no certificate."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not parts.hostname or len(url) > 500:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
