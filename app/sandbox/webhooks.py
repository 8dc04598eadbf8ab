"""The sender of webhooks: signed bytes, two seconds to answer, one person's events in order, redelivery if switched on.

LINE does not promise order and may bundle events. Here each event goes alone, or several people's share a call if the
setting `webhook_bundle` says so; one person's events follow each other, and those of different people go side by side,
so that a burst is a burst. chaos.py disturbs all of that.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.sandbox import auto_answers
from app.sandbox.chaos import Parcel
from app.sandbox.clock import format_instant
from app.sandbox.webhook_calls import Attempt, post, sign
from app.sandbox.world import Channel

if TYPE_CHECKING:
    import aiohttp

    from app.sandbox.events import Event
    from app.sandbox.state import Sandbox

__all__ = ["Attempt", "Outbox", "call_webhook", "close", "enqueue", "sign"]

_SIDE_BY_SIDE = 64
"""Calls under way at once, to all channels together."""
_REDELIVERY_TICK_SECONDS = 0.2
_LATE_SECONDS = 0.5
"""How long a late event waits for one that overtakes it."""
_GATHERING_SECONDS = 0.005
"""How long a call that may carry several events waits for them."""

Lane = tuple[int, str]
"""Channel number and person, or group: what keeps its order."""


@dataclass(slots=True)
class Redelivery:
    """A call that failed and will be made again when the sandbox's clock reaches `due_at`."""

    due_at: float
    attempt_no: int
    channel: Channel
    events: list["Event"]


@dataclass(slots=True)
class Outbox:
    """Events on their way out."""

    lanes: dict[Lane, deque[Parcel]] = field(default_factory=dict)
    """Waiting events; a lane exists from its first event until its last is delivered."""
    ready: dict[int, deque[Lane]] = field(default_factory=dict)
    """By channel number: lanes whose first event may go."""
    redeliveries: list[Redelivery] = field(default_factory=list)
    held: bool = False
    """While true nothing goes out; then all does at once."""
    failing_since: dict[int, float] = field(default_factory=dict)
    suspended: set[int] = field(default_factory=set)
    """Channels, by number, whose webhook failed for so long that LINE stopped calling it."""
    applied_at: dict[int, tuple[str | None, float]] = field(default_factory=dict)
    """By channel number: the address that holds until a new one is in force, and when that is."""
    delivered: int = 0
    failed: int = 0
    """Calls that ended well or badly, counting events."""
    working: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    session: "aiohttp.ClientSession | None" = None

    def count_waiting(self) -> int:
        """Events that have not gone out yet."""
        return sum(map(len, self.lanes.values()))

    def reset(self) -> None:
        """Forget what waits; calls under way end as they do."""
        self.redeliveries.clear()
        self.failing_since.clear()
        self.suspended.clear()
        self.applied_at.clear()
        self.held = False
        self.delivered = self.failed = 0
        for lane in self.lanes.values():
            lane.clear()


def find_url(sandbox: "Sandbox", channel: Channel) -> str | None:
    """The address in force: a new one may take LINE a minute, if the setting says so."""
    before = sandbox.outbox.applied_at.get(channel.no)
    if before is not None:
        if sandbox.clock.now() < before[1]:
            return before[0]
        del sandbox.outbox.applied_at[channel.no]
    return channel.webhook_url


def put_url(sandbox: "Sandbox", channel: Channel, url: str) -> None:
    """Set the address; a webhook that LINE had stopped calling is called again."""
    seconds = sandbox.settings.webhook_apply_seconds
    if seconds > 0:
        sandbox.outbox.applied_at[channel.no] = (find_url(sandbox, channel), sandbox.clock.now() + seconds)
    channel.webhook_url = url
    sandbox.world.version += 1
    lift(sandbox, channel)


def lift(sandbox: "Sandbox", channel: Channel) -> None:
    """Call a webhook again that LINE had stopped calling."""
    sandbox.outbox.suspended.discard(channel.no)
    sandbox.outbox.failing_since.pop(channel.no, None)


def enqueue(sandbox: "Sandbox", channel: Channel, event: "Event") -> bool:
    """Send an event soon, after this person's earlier ones. False if the channel's webhook is off: LINE forgets it."""
    outbox = sandbox.outbox
    sandbox.phones.hear(sandbox.world, channel, event)
    auto_answers.answer(sandbox, channel, event)
    if find_url(sandbox, channel) is None or not channel.webhook_active or channel.no in outbox.suspended:
        return False
    source = event.get("source") or {}
    key = (channel.no, str(source.get("userId") or source.get("groupId") or source.get("roomId") or ""))
    lane = outbox.lanes.get(key)
    if lane is None:
        lane = outbox.lanes[key] = deque()
        outbox.ready.setdefault(channel.no, deque()).append(key)
    lane.extend(sandbox.chaos.disturb(event))
    _wake(sandbox)
    return True


def release(sandbox: "Sandbox") -> None:
    """Let go out what was held: all of it, now."""
    sandbox.outbox.held = False
    _wake(sandbox)


def _spawn(sandbox: "Sandbox", work: Any) -> None:
    task = asyncio.get_running_loop().create_task(work)
    sandbox.outbox.tasks.add(task)
    task.add_done_callback(sandbox.outbox.tasks.discard)


def _wake(sandbox: "Sandbox") -> None:
    outbox = sandbox.outbox
    if not outbox.held and outbox.ready and outbox.working < _SIDE_BY_SIDE:
        outbox.working += 1
        _spawn(sandbox, _work(sandbox))


async def _work(sandbox: "Sandbox") -> None:
    """Make calls until there is nothing to send."""
    outbox = sandbox.outbox
    try:
        while outbox.ready and not outbox.held:
            most = sandbox.chaos.draw_bundle(sandbox.settings.webhook_bundle)
            if most > 1:
                await asyncio.sleep(_GATHERING_SECONDS)
            channel, lanes, parcels = _take(sandbox, most)
            if channel is not None and parcels:
                events = [each.event for each in parcels]
                await _deliver(sandbox, channel, events, attempt_no=0, forged=any(each.forged for each in parcels))
            for key in lanes:
                if outbox.lanes[key]:
                    outbox.ready.setdefault(key[0], deque()).append(key)
                else:
                    del outbox.lanes[key]
    finally:
        outbox.working -= 1
        _wake(sandbox)


def _take(sandbox: "Sandbox", most: int) -> tuple[Channel | None, list[Lane], list[Parcel]]:
    """The next events of one channel, at most one of each lane, which nobody else takes from until they are there.

    A channel that was served goes behind the others.
    """
    outbox = sandbox.outbox
    if not outbox.ready:
        return None, [], []
    channel_no = next(iter(outbox.ready))
    waiting = outbox.ready.pop(channel_no)
    lanes = [waiting.popleft() for _ in range(min(most, len(waiting)))]
    if waiting:
        outbox.ready[channel_no] = waiting
        _wake(sandbox)
    channels = sandbox.world.channels_by_no
    if channel_no >= len(channels) or channel_no in outbox.suspended:  # The world was emptied, or nobody is called.
        for key in lanes:
            outbox.lanes[key].clear()
        return None, lanes, []
    taken, parcels = [], []
    for key in lanes:
        lane = outbox.lanes[key]
        if lane and lane[0].late and not _overtake(lane):
            asyncio.get_running_loop().call_later(_LATE_SECONDS, _bring_late, sandbox, key)
            continue
        taken.append(key)
        if lane:
            parcels.append(lane.popleft())
    return channels[channel_no], taken, parcels


def _overtake(lane: deque[Parcel]) -> bool:
    """Let the event after the late one go before it. False if there is none."""
    if len(lane) < 2:
        return False
    late, other = lane.popleft(), lane.popleft()
    lane.extendleft((late._replace(late=False), other._replace(late=False)))
    return True


def _bring_late(sandbox: "Sandbox", key: Lane) -> None:
    """The late event may go, after the one that came meanwhile if one did."""
    lane = sandbox.outbox.lanes[key]
    if lane and not _overtake(lane):
        lane[0] = lane[0]._replace(late=False)
    sandbox.outbox.ready.setdefault(key[0], deque()).append(key)
    _wake(sandbox)


async def _deliver(
    sandbox: "Sandbox", channel: Channel, events: list["Event"], *, attempt_no: int, forged: bool = False
) -> None:
    outbox = sandbox.outbox
    for event in events:
        sandbox.reply_tokens.mark_delivered(event.get("replyToken"), sandbox.clock.now())
    if forged:
        _log(sandbox, channel, events, await call_webhook(sandbox, channel, events, forged=True), forged=True)
    attempt = await call_webhook(sandbox, channel, events)
    _log(sandbox, channel, events, attempt, is_redelivery=attempt_no > 0)
    if attempt.success:
        outbox.delivered += len(events)
        outbox.failing_since.pop(channel.no, None)
        return
    outbox.failed += len(events)
    now = sandbox.clock.now()
    since = outbox.failing_since.setdefault(channel.no, now)
    suspend_seconds = sandbox.settings.webhook_suspend_seconds
    if 0 < suspend_seconds <= now - since:
        outbox.suspended.add(channel.no)
        return
    waits = sandbox.settings.redelivery_seconds
    if channel.webhook_redelivery and attempt_no < len(waits):
        again = [{**event, "deliveryContext": {"isRedelivery": True}} for event in events]
        outbox.redeliveries.append(Redelivery(now + waits[attempt_no], attempt_no + 1, channel, again))


def _log(
    sandbox: "Sandbox",
    channel: Channel,
    events: list["Event"],
    attempt: Attempt,
    *,
    is_redelivery: bool = False,
    forged: bool = False,
) -> None:
    at = format_instant(time.time())
    for event in events:
        sandbox.webhook_log.append(
            {
                "channel": channel.channel_id,
                "webhook_event_id": event.get("webhookEventId"),
                "type": event.get("type"),
                "is_redelivery": is_redelivery,
                "wrong_signature": forged,
                "status": attempt.status,
                "reason": attempt.reason,
                "detail": attempt.detail,
                "at": at,
            }
        )


async def call_webhook(
    sandbox: "Sandbox", channel: Channel, events: list["Event"], url: str | None = None, *, forged: bool = False
) -> Attempt:
    """POST the events, signed, and say how it went. An empty list is LINE's connection check."""
    if sandbox.outbox.session is None:
        import aiohttp  # Costs a fifth of a second, which the start should not pay.

        sandbox.outbox.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_SIDE_BY_SIDE), auto_decompress=False
        )
    return await post(
        sandbox.outbox.session,
        url or find_url(sandbox, channel) or "",
        destination=channel.bot_user_id,
        events=events,
        secret="0" * 32 if forged else channel.channel_secret,
        header="X-Line-Signature" if sandbox.settings.webhook_header_case == "title" else "x-line-signature",
        seconds=sandbox.settings.webhook_timeout_seconds,
    )


async def redeliver_forever(sandbox: "Sandbox") -> None:
    """Send failed events again when their time has come. Redelivered events overtake and are overtaken."""
    outbox = sandbox.outbox
    while True:
        await asyncio.sleep(_REDELIVERY_TICK_SECONDS)
        now = sandbox.clock.now()
        if outbox.held:
            continue
        due = [redelivery for redelivery in outbox.redeliveries if redelivery.due_at <= now]
        if due:
            outbox.redeliveries = [each for each in outbox.redeliveries if each.due_at > now]
        for each in due:
            if each.channel.no not in outbox.suspended:
                _spawn(sandbox, _deliver(sandbox, each.channel, each.events, attempt_no=each.attempt_no))


async def close(sandbox: "Sandbox") -> None:
    """Drop what is still waiting and close connections."""
    sandbox.outbox.held = True
    for task in list(sandbox.outbox.tasks):
        task.cancel()
    await asyncio.gather(*sandbox.outbox.tasks, return_exceptions=True)
    if sandbox.outbox.session is not None:
        await sandbox.outbox.session.close()
        sandbox.outbox.session = None
