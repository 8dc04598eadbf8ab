"""Append what LINE told us: requests that arrive together share one insert and one commit."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Histogram
from psycopg_pool import AsyncConnectionPool

log = structlog.get_logger("intake")
GROUP = Histogram(
    "noren_line_intake_group", "Webhook requests that shared one commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)

MOST_WAITING = 4000
MOST_IN_GROUP = 256
PATIENCE_SECONDS = 8
"""Longer than LINE waits: what is not stored by then is LINE's to send again."""

LANE = "line_events"
FORWARD_LANE = "line_forward"
GIVE_UP_AFTER = timedelta(days=3)
"""How long a call that goes on to another tool is tried."""


class Told(NamedTuple):
    """One event as it is stored: the columns of `line_event`."""

    brand_id: UUID
    line_account_id: UUID
    webhook_event_id: str
    type: str
    line_user_id: str | None
    occurred_ms: int
    body: str


class Forwarded(NamedTuple):
    """One call as it goes on to another tool: columns of `line_forward_call`."""

    id: UUID
    brand_id: UUID
    line_account_id: UUID
    body: bytes
    signature: str
    content_type: str | None
    user_agent: str | None


class NotStored(Exception):
    """The database cannot take events just now; LINE must keep them and send them again."""


class Refused(Exception):
    """These very events can never be stored."""


_EVENTS = """
    INSERT INTO line_event
        (brand_id, line_account_id, webhook_event_id, type, line_user_id, occurred_at, received_at, body)
    SELECT brand_id, line_account_id, event_id, type, user_id, to_timestamp(occurred_ms / 1000.0), now(), body::jsonb
    FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
        AS told (brand_id, line_account_id, event_id, type, user_id, occurred_ms, body)
    ORDER BY brand_id, line_account_id, event_id
    ON CONFLICT DO NOTHING
"""
_LANES = """
ON CONFLICT (kind, brand_id, key) DO UPDATE
SET due_at = least(lane.due_at, excluded.due_at), touched = lane.touched + 1
"""
_APPEND = f"""
WITH appended AS ({_EVENTS})
INSERT INTO lane (kind, brand_id, key, due_at, touched)
SELECT %t, brand_id, key, now(), 1 FROM unnest(%b::uuid[], %b::uuid[]) AS lanes (brand_id, key)
ORDER BY brand_id, key
{_LANES}
"""
"""Events of any number of accounts and brands, and their lanes, in one statement and so in one commit.

The events' conflict names no target, since that would ask for the right to see the row that stands in the way.
All parts are ordered, so that two processes that store the same events at the same time do not deadlock.
"""
_APPEND_AND_FORWARD = f"""
WITH appended AS ({_EVENTS}),
forwarded AS (
    INSERT INTO line_forward_call
        (brand_id, id, line_account_id, received_at, state, is_aside, attempts, due_at, give_up_at, body, signature,
         content_type, user_agent)
    SELECT brand_id, id, line_account_id, now(), 'waiting', false, 0, now(), now() + %t::interval, body, signature,
        content_type, user_agent
    FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::bytea[], %b::text[], %b::text[], %b::text[])
        AS forwarded (id, brand_id, line_account_id, body, signature, content_type, user_agent)
    ON CONFLICT DO NOTHING
)
INSERT INTO lane (kind, brand_id, key, due_at, touched)
SELECT kind, brand_id, key, now(), 1 FROM unnest(%b::text[], %b::uuid[], %b::uuid[]) AS lanes (kind, brand_id, key)
ORDER BY kind, brand_id, key
{_LANES}
"""
"""The same, with calls that go on to other tools: a statement of its own, so that all others pay nothing for it.

Their ids were given before the first attempt, so an attempt that is repeated does not add them twice.
"""


class _Request(NamedTuple):
    """What one webhook call wants stored, and who waits for it."""

    told: Sequence[Told]
    forwarded: Forwarded | None
    stored: "asyncio.Future[None]"


class Appender:
    """The queue in front of the database: `append` returns once its events are committed."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._waiting: deque[_Request] = deque()
        self._arrived = asyncio.Event()

    async def append(self, told: Sequence[Told], forwarded: Forwarded | None = None) -> None:
        """Store the events of a call, and the call itself where it goes on: all or none. Raises NotStored, Refused."""
        if len(self._waiting) >= MOST_WAITING:
            raise NotStored
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(told, forwarded, stored))
        self._arrived.set()
        await stored

    async def run(self) -> None:
        """Commit group after group, until cancelled."""
        while True:
            await self._arrived.wait()
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_GROUP))]
            if not self._waiting:
                self._arrived.clear()
            await self._settle(group)

    async def _settle(self, group: list[_Request]) -> None:
        GROUP.observe(len(group))
        try:
            await self._store(group)
        except Refused as refused:
            if len(group) == 1:
                _answer(group[0].stored, refused)
                return
            for request in group:  # one of them is poisoned; the others must not suffer for it
                await self._settle([request])
        except NotStored as failed:
            for request in group:
                _answer(request.stored, failed)
        else:
            for request in group:
                _answer(request.stored, None)

    async def _store(self, group: list[_Request]) -> None:
        statement, values = _write(group)
        for attempt in (1, 2):
            try:
                async with asyncio.timeout(PATIENCE_SECONDS), self._pool.connection() as connection:
                    await connection.execute(statement, values)
                return
            except psycopg.DataError as error:
                raise Refused from error
            except (psycopg.Error, TimeoutError) as error:
                log.warning("events_not_stored", attempt=attempt, error=type(error).__name__)
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise NotStored from error
                # That the server has closed a connection is found out by using it: replace all that are broken.
                await self._pool.check()


def _write(group: list[_Request]) -> tuple[str, list[Any]]:
    """The statement that stores a group, and its values."""
    told = [one for request in group for one in request.told]
    forwarded = [request.forwarded for request in group if request.forwarded is not None]
    events = _columns(told, 7)
    accounts = {(one.brand_id, one.line_account_id) for one in told}
    if not forwarded:
        return _APPEND, [*events, LANE, *_columns(sorted(accounts), 2)]
    lanes = {(LANE, *account) for account in accounts}
    lanes |= {(FORWARD_LANE, one.brand_id, one.line_account_id) for one in forwarded}
    return _APPEND_AND_FORWARD, [*events, GIVE_UP_AFTER, *_columns(forwarded, 7), *_columns(sorted(lanes), 3)]


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    """Rows turned into columns, of which there are `count` also where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]


def _answer(stored: asyncio.Future[None], outcome: Exception | None) -> None:
    """Wake the request, unless its client has left."""
    if stored.done():
        return
    if outcome is None:
        stored.set_result(None)
    else:
        stored.set_exception(outcome)
