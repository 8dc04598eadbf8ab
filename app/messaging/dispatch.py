"""Dispatch, a hot edge: one lane for each account, async, with no transaction open while LINE answers."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from psycopg import AsyncCursor
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Engine

from app.line.errors import LineError, LineUnavailable
from app.line.tokens import ChannelTokens
from app.messaging import queries, service
from app.messaging.answers import Answer, Meaning
from app.messaging.calls import MULTICASTS_PER_SECOND, PUSHES_PER_SECOND, Channel, Pace, half_keys, person_key
from app.messaging.quota import quota_month
from app.messaging.render import Template, read_template
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import open_session, scope_statement

log = structlog.get_logger("dispatch")

BATCHES_AT_ONCE = 4
PUSHES_AT_ONCE = 64
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
}
_LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")


@dataclass
class Outcome:
    """What became of one batch: settled with a few failures, or held back until later."""

    request_id: str | None = None
    failures: list[tuple[UUID, str]] = field(default_factory=list)
    hold: Answer | None = None


class Dispatcher:
    """Works send lanes: takes their batches, sends them, and writes what became of each."""

    def __init__(self, engine: Engine, pool: AsyncConnectionPool[Any], keyring: Keyring, settings: Any) -> None:
        self.engine = engine
        self.pool = pool
        self.keyring = keyring
        self.settings = settings
        self.tokens = ChannelTokens(settings)
        connector = aiohttp.TCPConnector(limit=256, keepalive_timeout=60)
        self.http = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=30, connect=5), trust_env=False
        )
        self._templates: dict[UUID, Template] = {}
        self._paces: dict[UUID, tuple[Pace, Pace]] = {}

    async def close(self) -> None:
        """Close the connections to LINE."""
        await self.http.close()

    async def work_lane(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        """Send what waits at one account. Answers in how many seconds to come again; None: when there is work."""
        try:
            return await self._work(brand_id, line_account_id)
        except LineUnavailable as error:
            log.warning("lane_held", account=str(line_account_id), detail=str(error))
            return HOLD_SECONDS[Meaning.UNCLEAR]
        except LineError as error:
            log.warning("lane_held", account=str(line_account_id), detail=str(error))
            return HOLD_SECONDS[Meaning.UNAUTHORIZED]

    async def _work(self, brand_id: UUID, line_account_id: UUID) -> float | None:
        channel = await self._open_channel(brand_id, line_account_id)
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < TURN_SECONDS:
            batches = await self._take_batches(brand_id, line_account_id)
            if not batches:
                await asyncio.to_thread(self._finish_runs, brand_id)
                return None
            outcomes = await asyncio.gather(*(self._send_batch(channel, brand_id, batch) for batch in batches))
            holds = [outcome.hold for outcome in outcomes if outcome.hold is not None]
            if holds:
                worst = max(holds, key=lambda answer: HOLD_SECONDS[answer.meaning])
                log.warning("lane_held", account=str(line_account_id), meaning=worst.meaning.name, detail=worst.detail)
                return HOLD_SECONDS[worst.meaning]
        return 0.0

    async def _open_channel(self, brand_id: UUID, line_account_id: UUID) -> Channel:
        async with self._scoped(brand_id) as cursor:
            row = await (
                await cursor.execute(
                    "SELECT channel_id, sealed_secret, master_key_id, wrapped_key FROM line_account, brand"
                    " WHERE line_account.brand_id = %s AND line_account.id = %s AND brand.id = %s",
                    [brand_id, line_account_id, brand_id],
                )
            ).fetchone()
        assert row is not None
        key = self.keyring.open(brand_id, row["master_key_id"], row["wrapped_key"])
        secret = key.unseal(row["sealed_secret"], f"line_account.secret:{line_account_id}").decode()

        async def get_token(renew: bool) -> str:
            return await asyncio.to_thread(self.tokens.get, row["channel_id"], secret, renew=renew)

        push, multicast = self._paces.setdefault(
            line_account_id, (Pace(PUSHES_PER_SECOND), Pace(MULTICASTS_PER_SECOND))
        )
        return Channel(self.http, self.settings.line_api_url, get_token, await get_token(False), push, multicast)

    async def _take_batches(self, brand_id: UUID, line_account_id: UUID) -> list[dict[str, Any]]:
        """The next waiting batches of runs that are sending; their first try is noted before it is made."""
        async with self._scoped(brand_id) as cursor:
            await cursor.execute(_TAKE, {
                "brand_id": brand_id, "account_id": line_account_id, "most": BATCHES_AT_ONCE,
            })  # fmt: skip
            return await cursor.fetchall()

    async def _send_batch(self, channel: Channel, brand_id: UUID, batch: dict[str, Any]) -> Outcome:
        now = datetime.now(UTC)
        if (
            batch["valid_until"] is not None
            and now + timedelta(seconds=batch["clock_shift_seconds"]) >= batch["valid_until"]
        ):
            await asyncio.to_thread(self._end_run, brand_id, batch["run_id"], "expired")
            return Outcome()
        if now - batch["first_tried_at"] > KEY_LIFE:
            await self._settle(brand_id, batch, Outcome(), state="unknown")
            return Outcome()
        template = self._template(batch)
        people = await self._load_people(brand_id, batch, template)
        if batch["personal"]:
            outcome = await self._push_all(channel, batch, template, people)
        else:
            outcome = await self._multicast_all(channel, batch, template, people)
        if outcome.hold is None:
            await self._settle(brand_id, batch, outcome, state="sent")
        return outcome

    def _template(self, batch: dict[str, Any]) -> Template:
        template = self._templates.get(batch["run_id"])
        if template is None:
            if len(self._templates) > 200:
                self._templates.clear()
            template = self._templates[batch["run_id"]] = read_template(batch["messages"])
        return template

    async def _load_people(
        self, brand_id: UUID, batch: dict[str, Any], template: Template
    ) -> Sequence[Mapping[str, Any]]:
        values = {
            "brand_id": brand_id,
            "run_id": batch["run_id"],
            "batch_no": batch["batch_no"],
            "source": f"run:{batch['run_id']}",
        }
        async with self._scoped(brand_id) as cursor:
            query = _PEOPLE_WITH_VALUES if template.gaps else _PEOPLE
            return await (await cursor.execute(query, values)).fetchall()

    async def _multicast_all(
        self, channel: Channel, batch: dict[str, Any], template: Template, people: Sequence[Mapping[str, Any]]
    ) -> Outcome:
        outcome = Outcome()
        sendable = [one for one in people if _is_sendable(one, outcome)]
        if sendable:
            messages = template.render(_values(batch, sendable[0]))
            await self._multicast(channel, sendable, messages, batch["retry_key"], outcome)
        return outcome

    async def _multicast(
        self,
        channel: Channel,
        people: Sequence[Mapping[str, Any]],
        messages: bytes,
        retry_key: UUID,
        outcome: Outcome,
    ) -> None:
        """Send to all of these; one malformed id fails all, so on 400 halve until the bad one stands alone."""
        answer = await channel.multicast([one["line_user_id"] for one in people], messages, retry_key)
        if answer.meaning is Meaning.DONE:
            outcome.request_id = outcome.request_id or answer.request_id
        elif answer.meaning is Meaning.INVALID and (len(people) == 1 or not answer.about_recipient):
            outcome.failures.extend((one["customer_id"], answer.detail) for one in people)
        elif answer.meaning is Meaning.INVALID:
            middle = len(people) // 2
            first_key, second_key = half_keys(retry_key)
            await self._multicast(channel, people[:middle], messages, first_key, outcome)
            await self._multicast(channel, people[middle:], messages, second_key, outcome)
        else:
            outcome.hold = answer

    async def _push_all(
        self, channel: Channel, batch: dict[str, Any], template: Template, people: Sequence[Mapping[str, Any]]
    ) -> Outcome:
        outcome = Outcome()
        needs_code = "coupon.code" in template.variables
        waiting = iter(people)

        async def push_in_turn() -> None:
            for one in waiting:
                if outcome.hold is not None:
                    return
                if not _is_sendable(one, outcome):
                    continue
                if needs_code and not one["code"]:
                    outcome.failures.append((one["customer_id"], "She holds no copy of the coupon."))
                    continue
                messages = template.render(_values(batch, one))
                key = person_key(batch["retry_key"], one["customer_id"])
                answer = await channel.push(one["line_user_id"], messages, key)
                if answer.meaning is Meaning.DONE:
                    outcome.request_id = outcome.request_id or answer.request_id
                elif answer.meaning is Meaning.INVALID:
                    outcome.failures.append((one["customer_id"], answer.detail))
                else:
                    outcome.hold = answer

        await asyncio.gather(*(push_in_turn() for _ in range(min(PUSHES_AT_ONCE, len(people)))))
        return outcome

    async def _settle(self, brand_id: UUID, batch: dict[str, Any], outcome: Outcome, *, state: str) -> None:
        """Write the batch's end, its failures and the quota that it used, in one transaction."""
        sent = batch["size"] - len(outcome.failures) if state == "sent" else 0
        now = datetime.now(UTC)
        async with self._scoped(brand_id) as cursor:
            await cursor.execute(_SETTLE, {
                "brand_id": brand_id, "run_id": batch["run_id"], "batch_no": batch["batch_no"], "state": state,
                "now": now, "request_id": outcome.request_id, "account_no": batch["account_no"],
                "month_on": quota_month(now), "size": batch["size"], "sent": sent,
            })  # fmt: skip
            for customer_id, detail in outcome.failures:
                await cursor.execute(_FAIL, {
                    "brand_id": brand_id, "run_id": batch["run_id"], "customer_id": customer_id, "detail": detail,
                    "batch_no": batch["batch_no"],
                })  # fmt: skip

    def _finish_runs(self, brand_id: UUID) -> None:
        """Close the brand's runs that have no batch waiting, also those whose worker died before it could."""
        with open_session(self.engine, Scope(brand_id)) as session:
            for run in queries.lock_runs_all_sent(session):
                service.finish(session, run, datetime.now(UTC))
            session.commit()

    def _end_run(self, brand_id: UUID, run_id: UUID, status: str) -> None:
        with open_session(self.engine, Scope(brand_id)) as session:
            run = queries.lock_run(session, run_id)
            if run.status == "sending":
                service.stop(session, run, datetime.now(UTC), status)
            session.commit()

    @asynccontextmanager
    async def _scoped(self, brand_id: UUID) -> AsyncIterator[AsyncCursor[dict[str, Any]]]:
        """A cursor in a transaction of this brand's scope."""
        async with (
            self.pool.connection() as connection,
            connection.transaction(),
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            await cursor.execute(scope_statement(Scope(brand_id)))
            yield cursor


def _is_sendable(person: Mapping[str, Any], outcome: Outcome) -> bool:
    """Whether she has a LINE id of LINE's form; else she is written down as failed."""
    if person["line_user_id"] and _LINE_USER_ID.fullmatch(person["line_user_id"]):
        return True
    outcome.failures.append((person["customer_id"], "The LINE user id is malformed or erased."))
    return False


def _values(batch: Mapping[str, Any], person: Mapping[str, Any]) -> dict[str, str | None]:
    """What stands behind each variable for one person of a batch."""
    expires_at = person.get("expires_at")
    return {
        "brand.name": batch["brand_name"],
        "coupon.name": batch["coupon_name"],
        "customer.name": person.get("name"),
        "store.name": person.get("store_name"),
        "coupon.code": person.get("code"),
        "coupon.expires_at": expires_at,
    }


_TAKE = """
UPDATE batch SET attempts = least(batch.attempts + 1, 30000), first_tried_at = coalesce(batch.first_tried_at, now())
FROM (
    SELECT waiting.run_id, waiting.batch_no, run.messages, run.personal, run.valid_until, run.clock_shift_seconds,
           run.brand_name, run.coupon_name
    FROM batch waiting JOIN run ON run.brand_id = waiting.brand_id AND run.id = waiting.run_id
    WHERE waiting.brand_id = %(brand_id)s AND waiting.line_account_id = %(account_id)s AND waiting.state = 'waiting'
      AND run.status = 'sending'
    ORDER BY waiting.run_id, waiting.batch_no LIMIT %(most)s
) AS next
WHERE batch.brand_id = %(brand_id)s AND batch.run_id = next.run_id AND batch.batch_no = next.batch_no
RETURNING batch.run_id, batch.batch_no, batch.account_no, batch.size, batch.retry_key, batch.first_tried_at,
          next.messages, next.personal, next.valid_until, next.clock_shift_seconds, next.brand_name, next.coupon_name
"""

_PEOPLE = """
SELECT customer_id, line_user_id FROM delivery
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s ORDER BY customer_id
"""

_PEOPLE_WITH_VALUES = """
SELECT delivery.customer_id, delivery.line_user_id, store.name AS store_name, issued.code,
       to_char(issued.expires_at AT TIME ZONE brand.timezone, 'FMMM/FMDD HH24:MI') AS expires_at,
       coalesce(customer.name, identity.display_name) AS name
FROM delivery
JOIN brand ON brand.id = %(brand_id)s
JOIN customer ON customer.brand_id = delivery.brand_id AND customer.id = delivery.customer_id
LEFT JOIN LATERAL (
    SELECT display_name FROM identity WHERE identity.brand_id = delivery.brand_id
    AND identity.customer_id = delivery.customer_id AND identity.line_user_id = delivery.line_user_id LIMIT 1
) AS identity ON customer.name IS NULL
LEFT JOIN store ON store.brand_id = delivery.brand_id AND store.no = delivery.store_no
LEFT JOIN LATERAL (
    SELECT code, expires_at FROM issued_coupon
    WHERE issued_coupon.brand_id = %(brand_id)s AND issued_coupon.customer_id = delivery.customer_id
      AND issued_coupon.source = %(source)s LIMIT 1
) AS issued ON true
WHERE delivery.brand_id = %(brand_id)s AND delivery.run_id = %(run_id)s AND delivery.batch_no = %(batch_no)s
ORDER BY delivery.customer_id
"""

# A batch that was stopped while it was in flight was sent all the same: its quota is used, but no longer reserved.
_SETTLE = """
WITH settled AS (
    UPDATE batch SET state = %(state)s, done_at = %(now)s, request_id = %(request_id)s
    FROM (
        SELECT state AS before FROM batch
        WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s
          AND state IN ('waiting', 'stopped') FOR UPDATE
    ) AS held
    WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s
    RETURNING held.before
)
UPDATE quota_month SET used = used + %(sent)s,
       reserved = greatest(0, reserved - CASE WHEN settled.before = 'waiting' THEN %(size)s ELSE 0 END)
FROM settled
WHERE brand_id = %(brand_id)s AND account_no = %(account_no)s AND month_on = %(month_on)s
"""

_FAIL = """
INSERT INTO delivery_failure (brand_id, run_id, customer_id, status, detail, store_no)
SELECT brand_id, run_id, customer_id, 'failed', %(detail)s, store_no FROM delivery
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND customer_id = %(customer_id)s
ON CONFLICT DO NOTHING
"""
