"""The sender of webhooks: signed bytes, two seconds to answer, one person's events in order, redelivery if switched on.

LINE does not promise order and may bundle events; here each event goes alone, and events of different people go side
by side, so that a burst is a burst.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from app.sandbox.clock import format_instant
from app.sandbox.world import Channel

if TYPE_CHECKING:
    import aiohttp

    from app.sandbox.events import Event
    from app.sandbox.state import Sandbox

_SIDE_BY_SIDE = 64
_REDELIVERY_TICK_SECONDS = 0.2
_USER_AGENT = "LineBotWebhook/2.0"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one call of a webhook ended, in the words of LINE's webhook test."""

    success: bool
    status: int
    reason: str
    detail: str


@dataclass(slots=True)
class Redelivery:
    """An event that failed and will be sent again when the sandbox's clock reaches `due_at`."""

    due_at: float
    attempt_no: int
    channel: Channel
    event: "Event"


@dataclass(slots=True)
class Outbox:
    """Events on their way out."""

    lanes: dict[tuple[int, str], deque["Event"]] = field(default_factory=dict)
    """Waiting events by channel and person; a lane exists while a task works it off."""
    redeliveries: list[Redelivery] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_SIDE_BY_SIDE))
    session: "aiohttp.ClientSession | None" = None


def sign(channel_secret: str, body: bytes) -> str:
    """The value of `x-line-signature`."""
    return base64.b64encode(hmac.new(channel_secret.encode(), body, hashlib.sha256).digest()).decode()


def enqueue(sandbox: "Sandbox", channel: Channel, event: "Event") -> bool:
    """Send an event soon, after this person's earlier ones. False if the channel's webhook is off: LINE forgets it."""
    if channel.webhook_url is None or not channel.webhook_active:
        return False
    key = (channel.no, event["source"]["userId"])
    lane = sandbox.outbox.lanes.get(key)
    if lane is not None:
        lane.append(event)
        return True
    sandbox.outbox.lanes[key] = deque([event])
    _spawn(sandbox, _work_off(sandbox, channel, key))
    return True


def _spawn(sandbox: "Sandbox", work: Any) -> None:
    task = asyncio.get_running_loop().create_task(work)
    sandbox.outbox.tasks.add(task)
    task.add_done_callback(sandbox.outbox.tasks.discard)


async def _work_off(sandbox: "Sandbox", channel: Channel, key: tuple[int, str]) -> None:
    lane = sandbox.outbox.lanes[key]
    while lane:
        await _deliver(sandbox, channel, lane.popleft(), attempt_no=0)
    del sandbox.outbox.lanes[key]


async def _deliver(sandbox: "Sandbox", channel: Channel, event: "Event", *, attempt_no: int) -> None:
    async with sandbox.outbox.slots:
        sandbox.reply_tokens.mark_delivered(event.get("replyToken"), sandbox.clock.now())
        attempt = await call_webhook(sandbox, channel, [event])
    sandbox.webhook_log.append(
        {
            "channel": channel.channel_id,
            "webhook_event_id": event["webhookEventId"],
            "type": event["type"],
            "is_redelivery": attempt_no > 0,
            "status": attempt.status,
            "reason": attempt.reason,
            "detail": attempt.detail,
            "at": format_instant(time.time()),
        }
    )
    waits = sandbox.settings.redelivery_seconds
    if not attempt.success and channel.webhook_redelivery and attempt_no < len(waits):
        due_at = sandbox.clock.now() + waits[attempt_no]
        again = {**event, "deliveryContext": {"isRedelivery": True}}
        sandbox.outbox.redeliveries.append(Redelivery(due_at, attempt_no + 1, channel, again))


async def call_webhook(sandbox: "Sandbox", channel: Channel, events: list["Event"], url: str | None = None) -> Attempt:
    """POST the events, signed, and say how it went. An empty list is LINE's connection check."""
    import aiohttp  # Costs a fifth of a second, which the start should not pay.

    if sandbox.outbox.session is None:
        sandbox.outbox.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_SIDE_BY_SIDE), auto_decompress=False
        )
    body = orjson.dumps({"destination": channel.bot_user_id, "events": events})
    headers = {
        "content-type": "application/json; charset=utf-8",
        "user-agent": _USER_AGENT,
        "x-line-signature": sign(channel.channel_secret, body),
    }
    timeout = aiohttp.ClientTimeout(total=sandbox.settings.webhook_timeout_seconds)
    try:
        async with sandbox.outbox.session.post(
            url or channel.webhook_url or "", data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            success = 200 <= response.status < 300
            reason = "OK" if success else "ERROR_STATUS_CODE"
            return Attempt(success, response.status, reason, str(response.status))
    except TimeoutError:
        return Attempt(False, 0, "REQUEST_TIMEOUT", "Request timeout")
    except aiohttp.ClientConnectorError as failure:
        return Attempt(False, 0, "COULD_NOT_CONNECT", f"Connection failed: {failure}")
    except (aiohttp.ClientError, ValueError) as failure:
        return Attempt(False, 0, "UNCLASSIFIED", str(failure) or type(failure).__name__)


async def redeliver_forever(sandbox: "Sandbox") -> None:
    """Send failed events again when their time has come. Redelivered events overtake and are overtaken."""
    while True:
        await asyncio.sleep(_REDELIVERY_TICK_SECONDS)
        now = sandbox.clock.now()
        due = [redelivery for redelivery in sandbox.outbox.redeliveries if redelivery.due_at <= now]
        if due:
            sandbox.outbox.redeliveries = [each for each in sandbox.outbox.redeliveries if each.due_at > now]
        for each in due:
            _spawn(sandbox, _deliver(sandbox, each.channel, each.event, attempt_no=each.attempt_no))


async def close(sandbox: "Sandbox") -> None:
    """Drop what is still waiting and close connections."""
    for task in list(sandbox.outbox.tasks):
        task.cancel()
    await asyncio.gather(*sandbox.outbox.tasks, return_exceptions=True)
    if sandbox.outbox.session is not None:
        await sandbox.outbox.session.close()
        sandbox.outbox.session = None
