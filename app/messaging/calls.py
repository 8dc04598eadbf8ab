"""Calls to LINE's send endpoints: bytes made once, paced per account, repeated with the same retry key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

import aiohttp

from app.line.circuit import circuits
from app.line.errors import LineCircuitOpen
from app.line.telemetry import OK, count_call, count_not_asked, note_call
from app.messaging.answers import Answer, Meaning, judge
from app.messaging.watch import Turn
from tenants.sealing import BrandKey

PUSHES_PER_SECOND = 2000
MULTICASTS_PER_SECOND = 200
"""LINE's limits of one channel. Source: Messaging API reference, rate limits, 2026-08."""
_AGAIN_AFTER_SECONDS = (0.1, 0.3, 1.0)
MAX_ANSWER_BYTES = 65536
_OUTCOMES = {
    Meaning.INVALID: "invalid",
    Meaning.SLOW_DOWN: "rate_limited",
    Meaning.MONTH_SPENT: "month_spent",
    Meaning.UNAUTHORIZED: "unauthorized",
    Meaning.REFUSED: "refused",
    Meaning.UNCLEAR: "unavailable",
}
"""What is not done, by the names in metrics, as the calls that are not hot have them."""


class Pace:
    """Lets through at most `per_second` calls a second, evenly."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def wait(self) -> None:
        """Return when the next call may go."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._next = max(self._next, now - 0.05) + self._gap
        if self._next > now:
            await asyncio.sleep(self._next - now)


@dataclass
class LineChannel:
    """How to send as one LINE account, a `channels.Channel`: its token, and the pace of each endpoint."""

    http: aiohttp.ClientSession
    api_url: str
    channel_id: str
    get_token: Callable[[str | None], Awaitable[str]]
    """A token, in place of the one that LINE refused if it did."""
    token: str
    """Empty while none was minted."""
    push_pace: Pace
    multicast_pace: Pace
    slots: asyncio.Semaphore
    """How many calls may be in the air at once, over all accounts."""
    turn: Turn
    """Says before each call whether it may still be made."""
    key: BrandKey
    """The brand's, of which come the tags in addresses that name their reader."""

    async def send_many(self, run_id: UUID, addresses: Sequence[str], messages: bytes, retry_key: UUID) -> Answer:
        """Send the same messages, and whatever stands behind them in the body, to up to 500 people."""
        to = b'","'.join(one.encode() for one in addresses)
        body = b'{"to":["' + to + b'"],"messages":' + messages + b"}"
        return await self._send("/v2/bot/message/multicast", run_id, body, retry_key, self.multicast_pace)

    async def send_one(self, run_id: UUID, address: str, messages: bytes, retry_key: UUID) -> Answer:
        """Send messages to one person."""
        body = b'{"to":"' + address.encode() + b'","messages":' + messages + b"}"
        return await self._send("/v2/bot/message/push", run_id, body, retry_key, self.push_pace)

    async def _send(self, path: str, run_id: UUID, body: bytes, retry_key: UUID, pace: Pace) -> Answer:
        """One message, tried until LINE's answer is clear or the tries are used up; always with the same key."""
        answer = await self._try(path, run_id, body, retry_key, pace)
        renewed = False
        for seconds in _AGAIN_AFTER_SECONDS:
            if answer.meaning is Meaning.UNAUTHORIZED and not renewed:
                self.token = await self.get_token(self.token)
                renewed = True
            elif answer.meaning not in (Meaning.UNCLEAR, Meaning.SLOW_DOWN):
                return answer
            else:
                await asyncio.sleep(seconds)
            again = await self._try(path, run_id, body, retry_key, pace)
            answer = replace(again, was_unclear=answer.may_have_arrived)
        return answer

    async def _try(self, path: str, run_id: UUID, body: bytes, retry_key: UUID, pace: Pace) -> Answer:
        await pace.wait()
        async with self.slots:
            # Last of all: whatever a call waited for, it is not begun once somebody has stopped it.
            if not await self.turn.allows(run_id):
                return Answer(Meaning.HALTED, None, "The sending was stopped.")
            return await self._call(path, body, retry_key)

    async def _call(self, path: str, body: bytes, retry_key: UUID) -> Answer:
        endpoint, started = f"POST {path}", time.monotonic()
        try:
            circuits.enter(self.api_url, self.channel_id, started)
        except LineCircuitOpen as error:
            count_not_asked(endpoint)
            return Answer(Meaning.NOT_ASKED, None, str(error))
        answer = await self._post(path, body, retry_key)
        now = time.monotonic()
        circuits.leave(self.api_url, self.channel_id, now, answered=answer.meaning is not Meaning.UNCLEAR)
        if answer.meaning is Meaning.DONE:
            # Not written down one by one, two thousand a second: the batch keeps LINE's request id.
            count_call(endpoint, OK, now - started)
        else:
            note_call(
                endpoint,
                _OUTCOMES[answer.meaning],
                now - started,
                channel_id=self.channel_id,
                status=answer.status,
                request_id=answer.request_id,
            )
        return answer

    async def _post(self, path: str, body: bytes, retry_key: UUID) -> Answer:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-Line-Retry-Key": str(retry_key),
        }
        try:
            async with self.http.post(
                self.api_url + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.content.read(MAX_ANSWER_BYTES)
                while response.status >= 400 and len(content) < MAX_ANSWER_BYTES:
                    more = await response.content.read(MAX_ANSWER_BYTES - len(content))
                    if not more:
                        break
                    content += more
                names = response.headers
                return judge(
                    response.status,
                    names.get("x-line-request-id"),
                    names.get("x-line-accepted-request-id"),
                    content,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(Meaning.UNCLEAR, None, type(error).__name__)


def half_keys(retry_key: UUID) -> tuple[UUID, UUID]:
    """The keys of a batch's two halves."""
    return uuid5(retry_key, "first half"), uuid5(retry_key, "second half")


def person_key(retry_key: UUID, line_user_id: str) -> UUID:
    """The key of one person's push in a batch; it stays hers when she is merged into another customer."""
    return uuid5(retry_key, line_user_id)
