"""Dispatch, a hot edge: one lane for each account, async, with no transaction open while LINE answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import aiohttp
import structlog
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Engine

from app.line.circuit import circuits
from app.line.errors import LineCircuitOpen, LineError, LineRateLimited, LineUnavailable
from app.line.hosts import line_hosts
from app.line.tokens import ChannelTokens
from app.links.rewriting import is_marked, open_at
from app.links.tags import Tagger
from app.messaging import batches, queries, service
from app.messaging.answers import Answer, Meaning
from app.messaging.batches import Account, Cursor, Outcome, TakenBatch
from app.messaging.calls import MULTICASTS_PER_SECOND, PUSHES_PER_SECOND, LineChannel, Pace
from app.messaging.coupon_links import coupon_url, find_line_coupon
from app.messaging.metrics import count_ends
from app.messaging.parting import part
from app.messaging.quiet import Silence, find_silence
from app.messaging.render import ATTRIBUTES, Template, is_of_store, read_template
from app.messaging.safety.sweeping import sweep
from app.messaging.sending import multicast_all, push_all
from app.messaging.syncing import sync_account
from app.messaging.watch import Turn, Watch
from tenants.line_accounts.service import secret_purpose
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import open_session, scope_statement

log = structlog.get_logger("dispatch")

BATCHES_AT_ONCE = 4
CALLS_AT_ONCE = 256
"""To LINE, of all lanes: at a tenth of a second a call, more than one channel's rate."""
TURN_SECONDS = 5.0
"""After so long a lane gives way to others, and queues again."""
KEY_LIFE = timedelta(hours=23)
"""LINE remembers a retry key for 24 hours from the first try; after that the same key would send twice."""
HOLD_SECONDS = {
    Meaning.SLOW_DOWN: 1.0,
    Meaning.UNCLEAR: 5.0,
    Meaning.UNAUTHORIZED: 60.0,
    Meaning.REFUSED: 60.0,
    Meaning.MONTH_SPENT: 3600.0,
    Meaning.NOT_ASKED: 0.0,
    Meaning.HALTED: 0.0,
}
HELD_BACK_SECONDS = 300.0
"""How soon a lane comes again that LINE refuses though the month is not spent."""
SOON_SECONDS = 0.2
"""How soon a lane comes again that was not let through while another call finds out whether LINE is back."""
LOOK_AGAIN_SECONDS = 300.0
"""How soon a lane looks again whether that for which its batches wait is still to come."""


class NextUp(NamedTuple):
    """What a lane has to do next."""

    batches: list[TakenBatch]
    run_to_finish: bool
    """Whether, with no batch left here, a run of the brand has none left anywhere."""
    wait_seconds: float | None = None
    """How long batches wait for a moment or for quiet hours to end, where some do."""
    expired_run_ids: Sequence[UUID] = ()
    """Runs that will not see it."""


class Dispatcher:
    """Works send lanes: takes their batches, sends them, and writes what became of each."""

    def __init__(self, engine: Engine, pool: AsyncConnectionPool[Any], keyring: Keyring, settings: Any) -> None:
        self.engine = engine
        self.pool = pool
        self.keyring = keyring
        self.settings = settings
        connector = aiohttp.TCPConnector(limit=CALLS_AT_ONCE, keepalive_timeout=60)
        self.http = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=30, connect=5), trust_env=False
        )
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)
        self._watch = Watch(pool)
        self._templates: dict[tuple[UUID, int | None], Template] = {}
        self._paces: dict[UUID, tuple[Pace, Pace]] = {}
        self._swept: dict[UUID, UUID] = {}
        """The signal after which an account was swept last, by account."""

    async def close(self) -> None:
        """Close the connections to LINE, and look no more for what was stopped."""
        await self._watch.close()
        await self.http.close()

    async def work_lane(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        """Send what waits at one account. Answers in how many seconds to come again; None: when there is work."""
        try:
            with self._watch.turn(brand_id, line_account_id) as turn:
                return await self._work(turn, brand_id, line_account_id)
        except LineCircuitOpen as error:
            return max(error.retry_after_seconds, SOON_SECONDS)
        except (LineUnavailable, LineRateLimited) as error:
            log.warning("lane_held", account=str(line_account_id), detail=str(error))
            return HOLD_SECONDS[Meaning.UNCLEAR]
        except LineError as error:
            log.warning("lane_held", account=str(line_account_id), detail=str(error))
            return HOLD_SECONDS[Meaning.UNAUTHORIZED]

    async def _work(self, turn: Turn, brand_id: UUID, line_account_id: UUID) -> float | None:
        began_at = asyncio.get_running_loop().time()
        until = began_at + TURN_SECONDS
        async with self._scoped(brand_id) as cursor:
            account = await batches.get_account(cursor, brand_id, line_account_id)
            turn.known_at, turn.signal_id = began_at, account.signal_id
            if account.signal_id is not None and self._swept.get(line_account_id) != account.signal_id:
                await asyncio.to_thread(self._sweep, brand_id, line_account_id)
                self._swept[line_account_id] = account.signal_id
            silence = find_silence(account.holidays, datetime.now(UTC), has_store_hours=account.has_store_hours)
            # All that LINE may refuse comes before anything is taken: waiting counts as no try, and while a secret is
            # wrong no retry key grows old.
            if seconds := self._rest_seconds(account):
                return seconds
            channel = self._open_channel(turn, account)
            needs_token = False
            if account.is_stopped or account.is_held:  # who lets it send again touches the lane
                next_up = await self._find_rest(cursor, turn, silence)
                if account.is_held and next_up.wait_seconds is None:  # it is planned: so JMA goes on being asked
                    next_up = next_up._replace(wait_seconds=LOOK_AGAIN_SECONDS)
            elif channel.token or not (
                needs_token := await batches.is_waiting(cursor, brand_id, line_account_id, silence)
            ):
                next_up = await self._take(cursor, turn, silence)
        if needs_token:
            channel.token = await channel.get_token(None)
            async with self._scoped(brand_id) as cursor:
                next_up = await self._take(cursor, turn, silence)
        while taken := next_up.batches:
            ends = await asyncio.gather(
                *(self._send_batch(channel, brand_id, batch) for batch in taken), return_exceptions=True
            )
            outcomes = [(batch, end) for batch, end in zip(taken, ends, strict=True) if isinstance(end, Outcome)]
            errors = [end for end in ends if isinstance(end, BaseException)]
            holds = [outcome.hold for _, outcome in outcomes if outcome.hold is not None]
            is_over = bool(errors or holds) or asyncio.get_running_loop().time() >= until
            async with self._scoped(brand_id) as cursor:
                for batch, outcome in outcomes:
                    await part(cursor, brand_id, batch, outcome)
                await batches.settle(cursor, brand_id, outcomes, datetime.now(UTC))
                if not is_over:
                    # Another transaction, so that of lanes that end together the last one sees that it is the last.
                    await cursor.execute("COMMIT; " + _begin(brand_id))
                    next_up = await self._take(cursor, turn, silence)
            count_ends(line_account_id, outcomes)
            if errors:
                raise errors[0]
            if holds:
                return await self._hold(turn, account, holds)
            if is_over:
                return 0.0
        return await self._end_turn(turn, next_up)

    async def _hold(self, turn: Turn, account: Account, holds: Sequence[Answer]) -> float:
        """In how many seconds to come again, after some batches were held back."""
        if any(answer.meaning is Meaning.HALTED for answer in holds):
            await asyncio.to_thread(self._finish_runs, turn.brand_id, turn.line_account_id)
        worst = max(holds, key=lambda answer: HOLD_SECONDS[answer.meaning])
        log.warning("lane_held", account=str(turn.line_account_id), meaning=worst.meaning.name, detail=worst.detail)
        if worst.meaning is Meaning.MONTH_SPENT:
            return await asyncio.to_thread(self._look_at_quota, turn.brand_id, turn.line_account_id)
        return max(HOLD_SECONDS[worst.meaning], self._rest_seconds(account), SOON_SECONDS)

    def _look_at_quota(self, brand_id: UUID, line_account_id: UUID) -> float:
        """In how many seconds to come again to an account of which LINE says that its month is spent.

        LINE is asked at once for what it counts, so that quotas tell the truth. Where some is left after all, LINE only
        holds it back while it decides on the recipients of another delivery. Whoever raises the limit wakes the lane.
        """
        now = datetime.now(UTC)
        told = sync_account(self.engine, self.keyring, self.settings, brand_id, line_account_id, now)
        has_left = told is not None and told.error is None and (told.limit is None or told.used < told.limit)
        return HELD_BACK_SECONDS if has_left else HOLD_SECONDS[Meaning.MONTH_SPENT]

    async def _end_turn(self, turn: Turn, next_up: NextUp) -> float | None:
        """Close what is to be closed; in how many seconds to come again, if at all."""
        brand_id, line_account_id = turn.brand_id, turn.line_account_id
        for run_id in next_up.expired_run_ids:
            await asyncio.to_thread(self._end_run, brand_id, run_id, "expired")
        if next_up.run_to_finish:
            await asyncio.to_thread(self._finish_runs, brand_id, line_account_id)
        return None if next_up.wait_seconds is None else min(next_up.wait_seconds, LOOK_AGAIN_SECONDS)

    def _open_channel(self, turn: Turn, account: Account) -> LineChannel:
        """How to send as the account of a turn, with the token that is kept, if one is."""
        brand_id, line_account_id = turn.brand_id, turn.line_account_id
        key = self.keyring.open(brand_id, account.master_key_id, account.wrapped_key)
        secret = key.unseal(account.sealed_secret, secret_purpose(line_account_id)).decode()
        api_url = line_hosts(self.settings, account.mode).api_url
        tokens = ChannelTokens(api_url)

        async def get_token(refused: str | None) -> str:
            return await asyncio.to_thread(tokens.get, account.channel_id, secret, refused=refused)

        push, multicast = self._paces.setdefault(
            line_account_id, (Pace(PUSHES_PER_SECOND), Pace(MULTICASTS_PER_SECOND))
        )
        token = tokens.find(account.channel_id, secret) or ""
        return LineChannel(
            self.http, api_url, account.channel_id, get_token, token, push, multicast, self._slots, turn, key
        )

    def _rest_seconds(self, account: Account) -> float:
        """How long LINE is to be left in peace by this account, since it did not answer. Raises NoTestHost."""
        api_url = line_hosts(self.settings, account.mode).api_url
        return circuits.wait_seconds(api_url, account.channel_id, time.monotonic())

    async def _take(self, cursor: Cursor, turn: Turn, silence: Silence | None) -> NextUp:
        """The next batches with their people; when there are none, whether a run has nothing left to send."""
        brand_id, line_account_id = turn.brand_id, turn.line_account_id
        asked_at = asyncio.get_running_loop().time()
        taken = await batches.take(cursor, brand_id, line_account_id, BATCHES_AT_ONCE, silence)
        turn.take({batch.run_id for batch in taken}, asked_at)
        for _, group in groupby(taken, key=lambda batch: batch.run_id):
            await self._load_people(cursor, brand_id, list(group))
        if taken:
            return NextUp(taken, False)
        return await self._find_rest(cursor, turn, silence)

    async def _find_rest(self, cursor: Cursor, turn: Turn, silence: Silence | None) -> NextUp:
        """What there is to do where nothing is to be sent."""
        to_finish = await batches.has_run_to_finish(cursor, turn.brand_id, turn.line_account_id)
        return NextUp([], to_finish, *await batches.find_wait(cursor, turn.brand_id, turn.line_account_id, silence))

    async def _load_people(self, cursor: Cursor, brand_id: UUID, of_run: list[TakenBatch]) -> None:
        """Fill in the people of batches of one run, with as much of them as its texts name."""
        variables = frozenset().union(*(self._template(batch).variables for batch in of_run))
        first = of_run[0]
        is_old = first.store_values is None and any(map(is_of_store, variables))
        with_attributes = any(one.startswith(ATTRIBUTES) for one in variables)
        await batches.load_people(
            cursor, brand_id, of_run, with_values=first.personal or is_old, with_attributes=with_attributes
        )
        if "coupon.url" in variables and first.coupon_id is not None:
            for batch in of_run:
                batch.coupon_url = coupon_url(self.settings.public_url, first.coupon_id)
        if "coupon.line_id" in variables and first.coupon_id is not None:
            line_id = await find_line_coupon(cursor, brand_id, first.coupon_id, first.account_no)
            for batch in of_run:
                batch.line_coupon_id = line_id

    async def _send_batch(self, channel: LineChannel, brand_id: UUID, batch: TakenBatch) -> Outcome:
        now = datetime.now(UTC)
        if batch.valid_until is not None and now + timedelta(seconds=batch.clock_shift_seconds) >= batch.valid_until:
            await asyncio.to_thread(self._end_run, brand_id, batch.run_id, "expired")
            customer_ids = [one.customer_id for one in batch.people]
            return Outcome(hold=Answer(Meaning.HALTED, detail="It has expired."), untried=customer_ids)
        if now - batch.first_tried_at > KEY_LIFE:
            return Outcome(state="unknown")
        template = self._template(batch)
        if is_marked(template.pieces):
            batch.tagger = Tagger(channel.key, batch.run_id)
        send = push_all if batch.personal else multicast_all
        return await send(channel, batch, template)

    def _template(self, batch: TakenBatch) -> Template:
        content = (batch.run_id, batch.variant)
        template = self._templates.get(content)
        if template is None:
            if len(self._templates) > 200:
                self._templates.clear()
            messages = open_at(batch.messages, self.settings.public_url)
            template = self._templates[content] = read_template(messages)
        return template

    def _finish_runs(self, brand_id: UUID, line_account_id: UUID) -> None:
        """Close the brand's runs that have no batch waiting, also those whose worker died before it could.

        Batches of this lane are in nobody's hand now, so what waits of runs that were ended goes first.
        """
        with open_session(self.engine, Scope(brand_id)) as session:
            service.stop_left_over(session, line_account_id, datetime.now(UTC))
            session.commit()  # of lanes that end together the last one sees that it is the last
            for run in queries.lock_runs_all_sent(session):
                status = "finished" if run.status == "sending" else run.status
                service.finish(session, run, datetime.now(UTC), status)
            session.commit()

    def _sweep(self, brand_id: UUID, line_account_id: UUID) -> None:
        """Cancel what waits at an account for people whom a safety stop protects; nothing of it is in hand."""
        with open_session(self.engine, Scope(brand_id)) as session:
            sweep(session, line_account_id, datetime.now(UTC))
            session.commit()

    def _end_run(self, brand_id: UUID, run_id: UUID, status: str) -> None:
        with open_session(self.engine, Scope(brand_id)) as session:
            run = queries.lock_run(session, run_id)
            if run.status == "sending":
                service.stop(session, run, datetime.now(UTC), status)
            session.commit()

    @asynccontextmanager
    async def _scoped(self, brand_id: UUID) -> AsyncIterator[Cursor]:
        """A cursor in a transaction of this brand's scope, committed when the block ends.

        Nobody waits for the disk: what a crash of the database loses of these notes is done again with the same keys.
        """
        async with self.pool.connection() as connection, connection.cursor() as cursor:
            await cursor.execute(_begin(brand_id))
            yield cursor


def _begin(brand_id: UUID) -> str:
    """Begins a transaction in a brand's scope, all of it sent at once."""
    return "BEGIN; SET LOCAL synchronous_commit = off; " + scope_statement(Scope(brand_id))
