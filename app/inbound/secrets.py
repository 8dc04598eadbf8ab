"""The channel secrets of accounts, read once and remembered for a while by each process."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from psycopg_pool import AsyncConnectionPool

from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import scope_statement

REMEMBER_SECONDS = 30.0
READ_AGAIN_SECONDS = 1.0
"""How often a signature that does not match may cause another read: so a changed secret counts within a second, and a
forger costs us one query a second."""
MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Account:
    """What the intake knows of an account."""

    brand_id: UUID
    id: UUID
    secret: bytes
    bot_user_id: str | None


class Accounts:
    """Accounts by id; those that do not exist are remembered too."""

    def __init__(self, pool: AsyncConnectionPool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self._known: dict[UUID, tuple[float, Account | None]] = {}
        self._reading: dict[UUID, asyncio.Task[Account | None]] = {}

    async def find(self, account_id: UUID) -> Account | None:
        """The account, at most half a minute old. Raises Unsealable, or psycopg's OperationalError."""
        return await self._find(account_id, REMEMBER_SECONDS)

    async def find_fresh(self, account_id: UUID) -> Account | None:
        """The account, at most a second old. Raises like `find`."""
        return await self._find(account_id, READ_AGAIN_SECONDS)

    async def _find(self, account_id: UUID, seconds: float) -> Account | None:
        known = self._known.get(account_id)
        if known is not None and time.monotonic() - known[0] < seconds:
            return known[1]
        # Requests that come while it is read wait for the same answer.
        reading = self._reading.get(account_id)
        if reading is None:
            reading = asyncio.create_task(self._read(account_id))
            self._reading[account_id] = reading
            reading.add_done_callback(lambda _: self._reading.pop(account_id, None))
        return await asyncio.shield(reading)

    async def _read(self, account_id: UUID) -> Account | None:
        account = await self._query(account_id)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[account_id] = (time.monotonic(), account)
        return account

    async def _query(self, account_id: UUID) -> Account | None:
        async with self._pool.connection() as connection:
            found = await (await connection.execute("SELECT find_account_brand(%s)", [account_id])).fetchone()
            brand_id = found[0] if found else None
            if brand_id is None:
                return None
            async with connection.transaction():
                await connection.execute(scope_statement(Scope(brand_id)).encode())
                row = await (await connection.execute(_READ, [brand_id, account_id])).fetchone()
        if row is None:
            return None
        sealed_secret, bot_user_id, master_key_id, wrapped_key = row
        key = self._keyring.open(brand_id, master_key_id, wrapped_key)
        return Account(
            brand_id, account_id, key.unseal(sealed_secret, f"line_account.secret:{account_id}"), bot_user_id
        )


_READ = """
SELECT account.sealed_secret, account.bot_user_id, brand.master_key_id, brand.wrapped_key
FROM line_account AS account JOIN brand ON brand.id = account.brand_id
WHERE account.brand_id = %s AND account.id = %s AND account.archived_at IS NULL AND brand.status <> 'deleting'
"""
