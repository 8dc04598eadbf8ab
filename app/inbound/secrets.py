"""The channel secrets of accounts, read once and remembered for a while by each process."""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

import structlog
from psycopg_pool import AsyncConnectionPool

from app.line.signature import is_signed
from tenants.line_accounts.service import secret_purpose
from tenants.scope import Scope
from tenants.sealing import BrandKey, Keyring, Unsealable
from tenants.session import scope_statement

log = structlog.get_logger("intake")

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
    previous_secret: bytes | None
    """What LINE signed with before the secret was reissued; good until `previous_until`."""
    previous_until: float
    """In seconds since 1970."""
    is_forwarded: bool
    """Whether another tool gets its calls too."""

    def has_signed(self, body: bytes, signature: str, now: float) -> bool:
        """Whether this is the signature of a raw body under the secret, or until its end under the one before."""
        if is_signed(self.secret, body, signature):
            return True
        previous = self.previous_secret
        return previous is not None and now < self.previous_until and is_signed(previous, body, signature)


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
        key = self._keyring.open(brand_id, row[-2], row[-1])
        return _read_row(brand_id, account_id, key, *row[:-2])


def _read_row(
    brand_id: UUID,
    account_id: UUID,
    key: BrandKey,
    sealed_secret: bytes,
    bot_user_id: str | None,
    sealed_previous_secret: bytes | None,
    previous_until: float | None,
    is_forwarded: bool,
) -> Account:
    """The account of a row. Raises Unsealable."""
    purpose = secret_purpose(account_id)
    previous = None
    if sealed_previous_secret is not None and previous_until is not None:
        try:
            previous = key.unseal(sealed_previous_secret, purpose)
        except Unsealable:  # the present secret is enough to go on with
            log.error("previous_secret_does_not_open", line_account_id=str(account_id))
    secret = key.unseal(sealed_secret, purpose)
    return Account(brand_id, account_id, secret, bot_user_id, previous, previous_until or 0.0, is_forwarded)


_READ = """
SELECT account.sealed_secret, account.bot_user_id, account.sealed_previous_secret,
       extract(epoch FROM account.previous_secret_until)::float8, coalesce(forward.active, false),
       brand.master_key_id, brand.wrapped_key
FROM line_account AS account
JOIN brand ON brand.id = account.brand_id
LEFT JOIN line_forward AS forward ON forward.brand_id = account.brand_id AND forward.line_account_id = account.id
WHERE account.brand_id = %s AND account.id = %s AND account.archived_at IS NULL AND brand.status <> 'deleting'
"""
