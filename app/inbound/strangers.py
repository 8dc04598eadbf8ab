"""Calls that a channel's secret signed but that are for another bot: kept like all others, and noted at the account."""

import asyncio
import time
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from app.inbound.secrets import Account
from tenants.scope import Scope
from tenants.session import scope_statement

log = structlog.get_logger("intake")

AGAIN_AFTER_SECONDS = 60.0


class Strangers:
    """Notes them beside the answer, which must not wait for it, and each account once a minute at most."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._noted: dict[UUID, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, account: Account, destination: str | None) -> None:
        """Have it written down at the account that a call for another bot, or for none, came with its signature."""
        now = time.monotonic()
        if now - self._noted.get(account.id, -AGAIN_AFTER_SECONDS) < AGAIN_AFTER_SECONDS:
            return
        self._noted[account.id] = now
        log.warning("other_destination", line_account_id=str(account.id))
        task = asyncio.get_running_loop().create_task(self._write(account, (destination or "")[:64]))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, account: Account, destination: str) -> None:
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(scope_statement(Scope(account.brand_id)).encode())
                await connection.execute(_NOTE, [destination, account.brand_id, account.id])
        except psycopg.Error as error:
            self._noted.pop(account.id, None)
            log.warning("other_destination_not_noted", error=type(error).__name__)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writing)


_NOTE = """
UPDATE line_account SET other_destination = %s, other_destination_at = now() WHERE brand_id = %s AND id = %s
"""
