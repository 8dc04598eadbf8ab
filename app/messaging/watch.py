"""What was stopped, as a worker knows it while it sends: looked up again and again, and never gone by once it is old.

A batch of personal messages is five hundred calls, and four of them are in hand at once at each account: who stops
must not wait for their end. So every call asks here first. It costs no query: one look a moment serves all lanes of
the process. Where the database does not answer, no call begins either, since nobody knows whether it may.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from tenants.scope import Scope
from tenants.session import scope_statement

log = structlog.get_logger("dispatch")

LOOK_SECONDS: Final = 0.1
FRESH_SECONDS: Final = 0.4
"""No call begins that goes by an older look: so long after a stop was committed, only calls in flight still end."""
BLIND_SECONDS: Final = 5.0
"""How long a call waits for a look before its batch is put back."""
NEVER: Final = float("-inf")


@dataclass(slots=True, eq=False)
class Turn:
    """One lane's turn: its account, the runs whose batches are in hand, and what the newest look said of them."""

    watch: "Watch"
    brand_id: UUID
    line_account_id: UUID
    known_at: float = NEVER
    """When it was last asked whether brand and account may send, by the loop's clock: before the asking."""
    runs_known_at: dict[UUID, float] = field(default_factory=dict)
    """The same of each run in hand."""
    signal_id: UUID | None = None
    """Of the newest safety stop that is heeded in it: at a later one it breaks off, and what it holds is sorted."""
    is_stopped: bool = False
    stopped_run_ids: frozenset[UUID] = frozenset()

    def take(self, run_ids: Iterable[UUID], asked_at: float) -> None:
        """Have batches of these runs in hand, and no others, which could be sent when it was asked."""
        self.runs_known_at = dict.fromkeys(run_ids, asked_at)

    async def allows(self, run_id: UUID) -> bool:
        """Whether a call for this run may begin this instant."""
        now = asyncio.get_running_loop().time
        blind_at = now() + BLIND_SECONDS
        while not self.is_stopped and run_id not in self.stopped_run_ids:
            asked_at = min(self.known_at, self.runs_known_at.get(run_id, NEVER))
            if now() - asked_at <= FRESH_SECONDS:
                return True
            if now() >= blind_at:
                return False
            await self.watch.wait_for_look(blind_at - now())
        return False


class Watch:
    """Looks, while any lane has its turn, at what its brand, its account and its runs may do."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._turns: set[Turn] = set()
        self._looked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def turn(self, brand_id: UUID, line_account_id: UUID) -> Iterator[Turn]:
        """Watch over one lane until the block ends."""
        turn = Turn(self, brand_id, line_account_id)
        self._turns.add(turn)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield turn
        finally:
            self._turns.discard(turn)

    async def wait_for_look(self, seconds: float) -> None:
        """Return after the next look, or after this time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._looked.wait(), seconds)

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look_on(self) -> None:
        """Look until no lane has a turn any more."""
        while self._turns:
            try:
                async with self._pool.connection() as connection:
                    while self._turns:
                        await asyncio.sleep(LOOK_SECONDS)
                        await self._look(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("watch_is_blind", detail=str(error))
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """One round trip for all brands that have a turn."""
        asked_at = asyncio.get_running_loop().time()
        turns = list(self._turns)
        runs = {turn: tuple(turn.runs_known_at) for turn in turns}
        by_brand: dict[UUID, list[Turn]] = {}
        for turn in turns:
            by_brand.setdefault(turn.brand_id, []).append(turn)
        stopped: dict[UUID, set[tuple[str, UUID]]] = {}
        if by_brand:
            looks = [_write_look(brand_id, of_brand, runs) for brand_id, of_brand in by_brand.items()]
            async with connection.cursor() as cursor:
                await cursor.execute("BEGIN; " + "; ".join(looks) + "; COMMIT")
                while True:
                    for brand_id, kind, thing_id in await cursor.fetchall() if cursor.description else ():
                        stopped.setdefault(brand_id, set()).add((kind, thing_id))
                    if not cursor.nextset():
                        break
        for turn in turns:
            found = stopped.get(turn.brand_id, set())
            turn.is_stopped = (
                ("brand", turn.brand_id) in found
                or ("account", turn.line_account_id) in found
                or _is_signalled(turn, found)
            )
            turn.stopped_run_ids = frozenset(thing_id for kind, thing_id in found if kind == "run")
            turn.known_at = asked_at
            for run_id in runs[turn]:
                if run_id in turn.runs_known_at:
                    turn.runs_known_at[run_id] = max(turn.runs_known_at[run_id], asked_at)
        self._looked.set()
        self._looked = asyncio.Event()


def _is_signalled(turn: Turn, found: set[tuple[str, UUID]]) -> bool:
    """Whether a safety stop has begun that the turn does not heed yet."""
    return any(
        kind == str(turn.line_account_id) and (turn.signal_id is None or thing_id.int > turn.signal_id.int)
        for kind, thing_id in found
    )


def _write_look(brand_id: UUID, turns: Sequence[Turn], runs: dict[Turn, tuple[UUID, ...]]) -> str:
    """What may not send of one brand. Many statements are sent at once, so ids stand in them as literals."""
    accounts = _list_ids({turn.line_account_id for turn in turns})
    run_ids = _list_ids({run_id for turn in turns for run_id in runs[turn]})
    return f"""{scope_statement(Scope(brand_id))};
        SELECT id, 'brand', id FROM brand
        WHERE id = '{brand_id}' AND (status <> 'active' OR sending_stopped_at IS NOT NULL)
        UNION ALL SELECT brand_id, 'account', id FROM line_account
        WHERE brand_id = '{brand_id}' AND id = ANY({accounts}) AND sending_stopped_at IS NOT NULL
        UNION ALL SELECT brand_id, 'run', id FROM run
        WHERE brand_id = '{brand_id}' AND id = ANY({run_ids}) AND status <> 'sending'
        UNION ALL SELECT account.brand_id, account.id::text, newest.signal_id FROM line_account account
        CROSS JOIN LATERAL (
            SELECT signal_id FROM safety_stop stop WHERE stop.brand_id = '{brand_id}' AND stop.ended_at IS NULL
              AND (cardinality(account.store_nos) <> 1 OR stop.store_no = ANY(account.store_nos))
            ORDER BY signal_id DESC LIMIT 1
        ) AS newest
        WHERE account.brand_id = '{brand_id}' AND account.id = ANY({accounts})"""


def _list_ids(ids: set[UUID]) -> str:
    return "'{" + ",".join(str(one) for one in ids) + "}'::uuid[]"
