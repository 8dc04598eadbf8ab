"""LINE's paths besides sending: tokens, profiles, bot info, friends, quota, webhook settings, validation."""

import base64
import hmac
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers, sends, tokens, webhooks
from app.sandbox.answers import Answer, Refusal
from app.sandbox.clock import format_instant, month_of
from app.sandbox.routing import api, form
from app.sandbox.state import Sandbox
from app.sandbox.validation import check_messages
from app.sandbox.world import USER_ID, Channel

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_START_SECONDS = 24 * 3600


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under LINE's two hosts that is not a send."""
    return [*_token_routes(sandbox), *_account_routes(sandbox), *_webhook_routes(sandbox)]


def _token_routes(sandbox: Sandbox) -> list[Route]:
    world, now = sandbox.world, sandbox.clock.now
    return [
        form(sandbox, "/oauth2/v3/token", lambda fields: tokens.issue_stateless(world, fields, now())),
        form(
            sandbox,
            "/v2/oauth/accessToken",
            lambda fields: tokens.issue_short_lived(sandbox.tokens, world, fields, now()),
        ),
        form(sandbox, "/v2/oauth/verify", lambda fields: tokens.verify_short_lived(sandbox.tokens, fields, now())),
        form(sandbox, "/v2/oauth/revoke", lambda fields: tokens.revoke_short_lived(sandbox.tokens, fields)),
    ]


def _account_routes(sandbox: Sandbox) -> list[Route]:
    world = sandbox.world

    async def profile(request: Request, channel: Channel) -> Answer:
        """Of friends, and of those who wrote without blocking; everybody else is not found."""
        user_id = request.path_params["user_id"]
        if not USER_ID.fullmatch(user_id):
            return answers.error(400, "The value for the 'userId' parameter is invalid")
        no = world.providers[channel.provider_id].numbers.get(user_id)
        wrote = user_id in channel.wrote_at and user_id not in channel.blocked
        if no is None or not (user_id in channel.friends or wrote):
            return answers.NOT_FOUND
        return answers.ok({"displayName": world.person_names[no], "userId": user_id, "language": "ja"})

    async def info(request: Request, channel: Channel) -> Answer:
        return answers.ok(
            {
                "userId": channel.bot_user_id,
                "basicId": channel.basic_id,
                "displayName": channel.display_name,
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )

    async def follower_ids(request: Request, channel: Channel) -> Answer:
        """Friends in the order in which the sandbox met them; for verified accounts only."""
        if not channel.verified:
            return answers.FORBIDDEN
        limit = _limit(request.query_params.get("limit"), default=300, most=1000)
        after = _open_start(channel, request.query_params.get("start"), sandbox.clock.now())
        numbers = sorted(no for no in channel.friends.values() if no > after)
        page = numbers[:limit]
        user_ids = world.providers[channel.provider_id].user_ids
        answer: dict[str, Any] = {"userIds": [user_ids[no] for no in page]}
        if len(numbers) > limit:
            answer["next"] = _seal_start(channel, page[-1], sandbox.clock.now())
        return answers.ok(answer)

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
        api(sandbox, "GET", "/v2/bot/profile/{user_id}", profile),
        api(sandbox, "GET", "/v2/bot/info", info),
        api(sandbox, "GET", "/v2/bot/followers/ids", follower_ids),
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


def _limit(text: str | None, *, default: int, most: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Refusal(answers.error(400, "The value for the 'limit' parameter is invalid"))
    return int(text)


def _seal_start(channel: Channel, after: int, now: float) -> str:
    """A continuation token: opaque, of this channel, good for a day."""
    text = f"{after}.{int(now)}"
    mark = hmac.new(channel.channel_secret.encode(), text.encode(), "sha256").hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{text}.{mark}".encode()).rstrip(b"=").decode()


def _open_start(channel: Channel, start: str | None, now: float) -> int:
    if start is None:
        return -1
    invalid = Refusal(answers.error(400, "Invalid start param"))
    try:
        after, made_at, _ = base64.urlsafe_b64decode(start + "=" * (-len(start) % 4)).decode().split(".")
        if _seal_start(channel, int(after), int(made_at)) != start or now - int(made_at) > _START_SECONDS:
            raise invalid
    except ValueError:
        raise invalid from None
    return int(after)
