"""LINE's paths besides sending: quota, webhook settings, validation."""

import time
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers, sends, webhooks
from app.sandbox.answers import Answer
from app.sandbox.clock import format_instant, month_of
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.validation import check_messages
from app.sandbox.world import Channel

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under LINE's two hosts that is not a send."""
    return [*_account_routes(sandbox), *_webhook_routes(sandbox)]


def _account_routes(sandbox: Sandbox) -> list[Route]:
    async def quota(request: Request, channel: Channel) -> Answer:
        if channel.quota is None:
            return answers.ok({"type": "none"})
        return answers.ok({"type": "limited", "value": channel.quota})

    async def consumption(request: Request, channel: Channel) -> Answer:
        return answers.ok({"totalUsage": channel.used.get(month_of(sandbox.clock.now()), 0)})

    async def validate(request: Request, channel: Channel) -> Answer:
        messages = answers.parse_json(await request.body()).get("messages")
        sends.dump_messages(messages)
        details = check_messages(messages)
        return answers.invalid(details) if details else answers.EMPTY

    return [
        api(sandbox, "GET", "/v2/bot/message/quota", quota),
        api(sandbox, "GET", "/v2/bot/message/quota/consumption", consumption),
        *(
            api(sandbox, "POST", f"/v2/bot/message/validate/{kind}", validate)
            for kind in ("reply", "push", "multicast", "narrowcast", "broadcast")
        ),
    ]


def _webhook_routes(sandbox: Sandbox) -> list[Route]:
    async def put_endpoint(request: Request, channel: Channel) -> Answer:
        """In force at once, where LINE may take a minute."""
        endpoint = answers.parse_json(await request.body()).get("endpoint")
        if not isinstance(endpoint, str) or not is_webhook_url(endpoint):
            return answers.error(400, "Invalid webhook endpoint URL")
        channel.webhook_url = endpoint
        sandbox.world.version += 1
        return answers.EMPTY

    async def get_endpoint(request: Request, channel: Channel) -> Answer:
        if channel.webhook_url is None:
            return answers.error(404, "Webhook endpoint not found")
        return answers.ok({"endpoint": channel.webhook_url, "active": channel.webhook_active})

    async def test(request: Request, channel: Channel) -> Answer:
        """Calls the bot with no events, signed, and tells how it went."""
        body = await request.body()
        url = (answers.parse_json(body).get("endpoint") if body else None) or channel.webhook_url
        if url is None:
            return answers.error(404, "Webhook endpoint not found")
        if not isinstance(url, str) or not is_webhook_url(url):
            return answers.error(400, "Invalid webhook endpoint URL")
        at = time.time()
        attempt = await webhooks.call_webhook(sandbox, channel, [], url)
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
