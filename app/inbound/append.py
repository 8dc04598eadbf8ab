"""Append what LINE told us: requests that arrive together share one insert and one commit."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
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


class Told(NamedTuple):
    """One event as it is stored: the columns of `line_event`."""

    brand_id: UUID
    line_account_id: UUID
    webhook_event_id: str
    type: str
    line_user_id: str | None
    occurred_ms: int
    body: str


class NotStored(Exception):
    """The database cannot take events just now; LINE must keep them and send them again."""


class Refused(Exception):
    """These very events can never be stored."""


_APPEND = """
WITH appended AS (
    INSERT INTO line_event
        (brand_id, line_account_id, webhook_event_id, type, line_user_id, occurred_at, received_at, body)
    SELECT brand_id, line_account_id, event_id, type, user_id, to_timestamp(occurred_ms / 1000.0), now(), body::jsonb
    FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
        AS told (brand_id, line_account_id, event_id, type, user_id, occurred_ms, body)
    ORDER BY brand_id, line_account_id, event_id
    ON CONFLICT DO NOTHING
)
INSERT INTO lane (kind, brand_id, key, due_at, touched)
SELECT %t, brand_id, key, now(), 1 FROM unnest(%b::uuid[], %b::uuid[]) AS lanes (brand_id, key)
ORDER BY brand_id, key
ON CONFLICT (kind, brand_id, key) DO UPDATE
SET due_at = least(lane.due_at, excluded.due_at), touched = lane.touched + 1
"""
"""Events of any number of accounts and brands, and their lanes, in one statement and so in one commit.

The events' conflict names no target, since that would ask for the right to see the row that stands in the way.
Both parts are ordered, so that two processes that store the same events at the same time do not deadlock.
"""


class Appender:
    """The queue in front of the database: `append` returns once its events are committed."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._waiting: deque[tuple[Sequence[Told], asyncio.Future[None]]] = deque()
        self._arrived = asyncio.Event()

    async def append(self, told: Sequence[Told]) -> None:
        """Store these events, all or none. Raises NotStored or Refused."""
        if len(self._waiting) >= MOST_WAITING:
            raise NotStored
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((told, stored))
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

    async def _settle(self, group: list[tuple[Sequence[Told], asyncio.Future[None]]]) -> None:
        GROUP.observe(len(group))
        try:
            await self._store([one for told, _ in group for one in told])
        except Refused as refused:
            if len(group) == 1:
                _answer(group[0][1], refused)
                return
            for request in group:  # one of them is poisoned; the others must not suffer for it
                await self._settle([request])
        except NotStored as failed:
            for _, stored in group:
                _answer(stored, failed)
        else:
            for _, stored in group:
                _answer(stored, None)

    async def _store(self, told: Sequence[Told]) -> None:
        columns = [list(column) for column in zip(*told, strict=True)]
        accounts = sorted({(one.brand_id, one.line_account_id) for one in told})
        lanes = [list(column) for column in zip(*accounts, strict=True)]
        for attempt in (1, 2):
            try:
                async with asyncio.timeout(PATIENCE_SECONDS), self._pool.connection() as connection:
                    await connection.execute(_APPEND, [*columns, LANE, *lanes])
                return
            except psycopg.DataError as error:
                raise Refused from error
            except (psycopg.Error, TimeoutError) as error:
                log.warning("events_not_stored", attempt=attempt, error=type(error).__name__)
                if attempt == 2 or isinstance(error, TimeoutError):
                    raise NotStored from error
                # That the server has closed a connection is found out by using it: replace all that are broken.
                await self._pool.check()


def _answer(stored: asyncio.Future[None], outcome: Exception | None) -> None:
    """Wake the request, unless its client has left."""
    if stored.done():
        return
    if outcome is None:
        stored.set_result(None)
    else:
        stored.set_exception(outcome)
