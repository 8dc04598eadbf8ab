"""Calls to LINE's send endpoints: bytes made once, paced per account, repeated with the same retry key."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import aiohttp

from app.messaging.answers import Answer, Meaning, judge

PUSHES_PER_SECOND = 2000
MULTICASTS_PER_SECOND = 200
"""LINE's limits of one channel. Source: Messaging API reference, rate limits, 2026-08."""
_AGAIN_AFTER_SECONDS = (0.1, 0.3, 1.0)


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
class Channel:
    """How to send as one account: its token, and the pace of each endpoint."""

    http: aiohttp.ClientSession
    api_url: str
    get_token: Callable[[bool], Awaitable[str]]
    token: str
    push_pace: Pace
    multicast_pace: Pace
    slots: asyncio.Semaphore
    """How many calls may be in the air at once, over all channels."""

    async def multicast(self, line_user_ids: Sequence[str], messages: bytes, retry_key: UUID) -> Answer:
        """Send the same messages to up to 500 people."""
        to = b'","'.join(one.encode() for one in line_user_ids)
        body = b'{"to":["' + to + b'"],"messages":' + messages + b"}"
        return await self._send("/v2/bot/message/multicast", body, retry_key, self.multicast_pace)

    async def push(self, line_user_id: str, messages: bytes, retry_key: UUID) -> Answer:
        """Send messages to one person."""
        body = b'{"to":"' + line_user_id.encode() + b'","messages":' + messages + b"}"
        return await self._send("/v2/bot/message/push", body, retry_key, self.push_pace)

    async def _send(self, path: str, body: bytes, retry_key: UUID, pace: Pace) -> Answer:
        """One message, tried until LINE's answer is clear or the tries are used up; always with the same key."""
        answer = await self._try(path, body, retry_key, pace)
        renewed = False
        for seconds in _AGAIN_AFTER_SECONDS:
            if answer.meaning is Meaning.UNAUTHORIZED and not renewed:
                self.token = await self.get_token(True)
                renewed = True
            elif answer.meaning not in (Meaning.UNCLEAR, Meaning.SLOW_DOWN):
                return answer
            else:
                await asyncio.sleep(seconds)
            answer = await self._try(path, body, retry_key, pace)
        return answer

    async def _try(self, path: str, body: bytes, retry_key: UUID, pace: Pace) -> Answer:
        await pace.wait()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "X-Line-Retry-Key": str(retry_key),
        }
        try:
            async with self.slots, self.http.post(self.api_url + path, data=body, headers=headers) as response:
                content = await response.content.read(65536)
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
    """The keys of a batch's two halves, the same however often it is halved again after a crash."""
    return uuid5(retry_key, "first half"), uuid5(retry_key, "second half")


def person_key(retry_key: UUID, customer_id: UUID) -> UUID:
    """The key of one person's push in a batch."""
    return uuid5(retry_key, customer_id.hex)
