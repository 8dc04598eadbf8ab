"""Batches on the hot path: taken with their people, and settled together, in as few statements as will do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, starmap
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import AsyncCursor
from psycopg.rows import TupleRow

from app.links.tags import Tagger
from app.messaging.answers import Answer
from app.messaging.audience import FALLBACK
from app.messaging.quiet import HOLIDAY_SECONDS, IS_HOLIDAY, Silence, is_quiet, quiet_seconds
from app.messaging.quota import RESERVED_ON, quota_month

Cursor = AsyncCursor[TupleRow]
"""Of plain tuples: made into dictionaries, five hundred people took three times as long."""


class Account(NamedTuple):
    """What it takes to mint an account's tokens, sealed, and whether it may send."""

    channel_id: str
    mode: str
    sealed_secret: bytes
    master_key_id: str
    wrapped_key: bytes
    is_stopped: bool
    signal_id: UUID | None
    """Of the newest safety stop that concerns it; None where none stands."""
    is_held: bool
    """Whether it is not known of one of its stores whether a warning lies over it."""
    holidays: Mapping[str, Any] | None
    has_store_hours: bool


class Person(NamedTuple):
    """One person of a batch, and where the content is personal what stands behind its variables."""

    batch_no: int
    customer_id: UUID
    line_user_id: str
    """Empty once she is erased."""
    store_name: str | None = None
    code: str | None = None
    expires_at: str | None = None
    name: str | None = None
    member_number: str | None = None
    attributes: Mapping[str, Any] | None = None
    """Only where they are asked for."""


@dataclass(slots=True, eq=False)
class TakenBatch:
    """A waiting batch with what its run says, and its people. Its fields are in the order of `_TAKE`'s columns."""

    run_id: UUID
    batch_no: int
    account_no: int
    size: int
    retry_key: UUID
    attempts: int
    """How often it was taken, this time included."""
    first_tried_at: datetime
    variant: int | None
    messages: Sequence[Mapping[str, Any]]
    """Of its variant, or else of the run."""
    personal: bool
    valid_until: datetime | None
    clock_shift_seconds: int
    brand_name: str
    coupon_name: str | None
    coupon_id: UUID | None
    store_values: Mapping[str, str] | None
    """What stands behind the variables of the store that its people are written to for; None where there are none."""
    unit: str | None
    """Under which name LINE counts what comes of it."""
    people: Sequence[Person] = ()
    tagger: Tagger | None = None
    """Where addresses in its content name their reader: how."""
    coupon_url: str | None = None
    line_coupon_id: str | None = None
    """Of LINE's own coupon at its account, where its content names that and it stands there."""


@dataclass(slots=True)
class Outcome:
    """What became of one batch: settled with a few failures, or held back until later."""

    state: str | None = "sent"
    """What the batch's state becomes; None: it is left as it is."""
    request_id: str | None = None
    failures: list[tuple[UUID, str]] = field(default_factory=list)
    """Customers who cannot be sent to, and why."""
    hold: Answer | None = None
    unclear: list[UUID] = field(default_factory=list)
    """Where it is held back: customers whom it may have reached."""
    untried: list[UUID] = field(default_factory=list)
    """Where it is held back: customers whom it surely did not reach."""
    is_refused: bool = False
    """Whether LINE refused it because of one of its people, so that nobody got it and it is to be halved."""


async def get_account(cursor: Cursor, brand_id: UUID, line_account_id: UUID) -> Account:
    """The account of a lane."""
    await cursor.execute(_ACCOUNT, {"brand_id": brand_id, "id": line_account_id})
    row = await cursor.fetchone()
    assert row is not None
    return Account(*row)


async def is_waiting(cursor: Cursor, brand_id: UUID, line_account_id: UUID, silence: Silence | None) -> bool:
    """Whether `take` would take anything."""
    query = _IS_WAITING.format(_IN_SILENCE if silence else _WAITING)
    await cursor.execute(query, _of_lane(brand_id, line_account_id, silence))
    return await cursor.fetchone() is not None


async def take(
    cursor: Cursor, brand_id: UUID, line_account_id: UUID, most: int, silence: Silence | None
) -> list[TakenBatch]:
    """The next waiting batches of runs that are sending, none while the brand is suspended, stopped or quiet; their
    first try is noted before it is made."""
    values = _of_lane(brand_id, line_account_id, silence)
    await cursor.execute(_TAKES[silence is not None], {**values, "most": most})
    taken = [TakenBatch(*row) for row in await cursor.fetchall()]
    return sorted(taken, key=lambda batch: (batch.run_id, batch.batch_no))


def _of_lane(brand_id: UUID, line_account_id: UUID, silence: Silence | None) -> dict[str, Any]:
    values: dict[str, Any] = {"brand_id": brand_id, "account_id": line_account_id}
    return values if silence is None else {**values, "holidays": list(silence.days)}


async def load_people(
    cursor: Cursor, brand_id: UUID, taken: Sequence[TakenBatch], *, with_values: bool, with_attributes: bool = False
) -> None:
    """Fill in the people of batches of one run; `with_values` with what stands behind each variable too."""
    run_id = taken[0].run_id
    values = {
        "brand_id": brand_id,
        "run_id": run_id,
        "batch_nos": [batch.batch_no for batch in taken],
        "source": f"run:{run_id}",
    }
    with_all = _PEOPLE_WITH_ATTRIBUTES if with_attributes else _PEOPLE_WITH_VALUES
    await cursor.execute(with_all if with_values else _PEOPLE, values)
    rows = groupby(starmap(Person, await cursor.fetchall()), key=attrgetter("batch_no"))
    people = {batch_no: list(group) for batch_no, group in rows}
    for batch in taken:
        batch.people = people.get(batch.batch_no, ())


async def settle(cursor: Cursor, brand_id: UUID, outcomes: Sequence[tuple[TakenBatch, Outcome]], now: datetime) -> None:
    """Write how batches of one account ended, their failures, and the quota that they used."""
    ended = [(batch, outcome) for batch, outcome in outcomes if outcome.hold is None and outcome.state is not None]
    if not ended:
        return
    # What is unknown may have been sent, and LINE may count it.
    is_taken = ("sent", "unknown")
    sent = [batch.size - len(outcome.failures) if outcome.state in is_taken else 0 for batch, outcome in ended]
    await cursor.execute(
        _SETTLE,
        {
            "brand_id": brand_id,
            "account_no": ended[0][0].account_no,
            "month_on": quota_month(now),
            "now": now,
            "run_ids": [batch.run_id for batch, _ in ended],
            "batch_nos": [batch.batch_no for batch, _ in ended],
            "states": [outcome.state for _, outcome in ended],
            "request_ids": [outcome.request_id for _, outcome in ended],
            "sent": sent,
        },
    )
    failures = [
        {
            "brand_id": brand_id,
            "run_id": batch.run_id,
            "batch_no": batch.batch_no,
            "customer_id": customer_id,
            "line_user_id": addresses.get(customer_id),
            "detail": detail,
        }
        for batch, outcome in ended
        if outcome.failures
        for addresses in (map_addresses(batch),)
        for customer_id, detail in outcome.failures
    ]
    if failures:
        await cursor.executemany(_FAIL, failures)


def map_addresses(batch: TakenBatch) -> dict[UUID, str]:
    """The LINE user ids of a batch's people, by which they are found if they were merged while it was in hand.

    Erased people have none any more: they are found by their own id.
    """
    return {one.customer_id: one.line_user_id for one in batch.people if one.line_user_id}


async def find_wait(
    cursor: Cursor, brand_id: UUID, line_account_id: UUID, silence: Silence | None
) -> tuple[float | None, Sequence[UUID]]:
    """Of this account's batches that wait for a moment, or for quiet hours to end: in how many seconds the first may go
    or expires, None where there are none; and the runs that have expired already."""
    query = _WAIT_IN_SILENCE if silence else _WAIT_SECONDS
    await cursor.execute(query, _of_lane(brand_id, line_account_id, silence))
    row = await cursor.fetchone()
    assert row is not None
    return None if row[0] is None else max(0.0, float(row[0])), row[1] or ()


async def has_run_to_finish(cursor: Cursor, brand_id: UUID, line_account_id: UUID) -> bool:
    """Whether a run of the brand has no batch waiting any more, or was ended for good while some were in hand here."""
    await cursor.execute(_TO_FINISH, {"brand_id": brand_id, "account_id": line_account_id})
    return await cursor.fetchone() is not None


_ACCOUNT = """
SELECT channel_id, mode, sealed_secret, master_key_id, wrapped_key, line_account.sending_stopped_at IS NOT NULL, (
           SELECT signal_id FROM safety_stop stop WHERE stop.brand_id = %(brand_id)s AND stop.ended_at IS NULL
             AND (cardinality(line_account.store_nos) <> 1 OR stop.store_no = ANY(line_account.store_nos))
           ORDER BY signal_id DESC LIMIT 1
       ), EXISTS (
           SELECT FROM safety_stop stop WHERE stop.brand_id = %(brand_id)s AND stop.ended_at IS NULL
             AND stop.kind = 'hold' AND stop.store_no = ANY(line_account.store_nos)
       ), brand.holidays, EXISTS (
           SELECT FROM store WHERE store.brand_id = %(brand_id)s AND jsonb_typeof(store.quiet_hours) = 'object')
FROM line_account JOIN brand ON brand.id = %(brand_id)s
WHERE line_account.brand_id = %(brand_id)s AND line_account.id = %(id)s
"""

_IS_QUIET = is_quiet("brand.quiet_hours")
_QUIET_STORES = f"""
    FROM store WHERE store.brand_id = %(brand_id)s AND jsonb_typeof(store.quiet_hours) = 'object'
      AND waiting.stores ? store.no::text AND {is_quiet("store.quiet_hours")}
"""
_IS_SILENT = f"({IS_HOLIDAY} OR EXISTS (SELECT {_QUIET_STORES}))"
_OF_SENDING = """
    FROM batch waiting JOIN run ON run.brand_id = waiting.brand_id AND run.id = waiting.run_id
        JOIN brand ON brand.id = %(brand_id)s AND brand.status = 'active' AND brand.sending_stopped_at IS NULL
    WHERE waiting.brand_id = %(brand_id)s AND waiting.line_account_id = %(account_id)s AND waiting.state = 'waiting'
      AND run.status = 'sending'
"""
# A batch of an experiment goes out only once it is decided what its people get.
_IS_UNDECIDED = "(waiting.variant IS NULL AND jsonb_typeof(run.variants) = 'array')"
_IS_EARLY = f"coalesce(waiting.not_before > now() OR {_IS_UNDECIDED}, false)"
_LASTS = "extract(epoch FROM run.valid_until - now() - make_interval(secs => run.clock_shift_seconds))"
_WAITING = f"{_OF_SENDING} AND NOT {_IS_QUIET} AND NOT {_IS_EARLY}"
_IN_SILENCE = f"{_WAITING} AND NOT {_IS_SILENT}"
"""As `_WAITING`, of brands that have holidays, or stores with hours of their own."""

_IS_WAITING = "SELECT 1 {} LIMIT 1"

_WAIT_SECONDS = f"""
SELECT min(least({_LASTS}, greatest(
    extract(epoch FROM waiting.not_before - now()),
    CASE WHEN {_IS_UNDECIDED} THEN 60 END,
    CASE WHEN {_IS_QUIET} THEN {quiet_seconds("brand.quiet_hours")} END {{more}}))),
    array_agg(DISTINCT run.id) FILTER (WHERE {_LASTS} <= 0)
{_OF_SENDING} AND ({_IS_QUIET} OR {_IS_EARLY} {{or_silent}})
"""
_WAIT_IN_SILENCE = _WAIT_SECONDS.format(
    more=f", CASE WHEN {IS_HOLIDAY} THEN {HOLIDAY_SECONDS} END,"
    f" (SELECT max({quiet_seconds('store.quiet_hours')}) {_QUIET_STORES})",
    or_silent=f"OR {_IS_SILENT}",
)
_WAIT_SECONDS = _WAIT_SECONDS.format(more="", or_silent="")

_TAKE = """
UPDATE batch SET attempts = least(batch.attempts + 1, 30000), first_tried_at = coalesce(batch.first_tried_at, now())
FROM (
    SELECT waiting.run_id, waiting.batch_no, CASE WHEN waiting.variant = {FALLBACK} THEN run.fallback_messages
               ELSE coalesce(run.variants -> waiting.variant -> 'messages', run.messages) END AS messages,
           run.personal, run.valid_until, run.clock_shift_seconds,
           run.brand_name, run.coupon_name, run.coupon_id,
           CASE WHEN run.store_values IS NOT NULL THEN run.store_values -> (
               SELECT min(no) FROM jsonb_object_keys(waiting.stores) AS no) END AS store_values
    {}
    ORDER BY waiting.run_id, waiting.batch_no LIMIT %(most)s
) AS next
WHERE batch.brand_id = %(brand_id)s AND batch.run_id = next.run_id AND batch.batch_no = next.batch_no
RETURNING batch.run_id, batch.batch_no, batch.account_no, batch.size, batch.retry_key, batch.attempts,
          batch.first_tried_at, batch.variant, next.messages, next.personal, next.valid_until, next.clock_shift_seconds,
          next.brand_name, next.coupon_name, next.coupon_id, next.store_values,
          batch.unit
"""
_TAKES = {
    is_silent: _TAKE.format(waiting, FALLBACK=FALLBACK)
    for is_silent, waiting in ((False, _WAITING), (True, _IN_SILENCE))
}

# Both select the fields of `Person`, in their order.
_PEOPLE = """
SELECT batch_no, customer_id, coalesce(line_user_id, '') FROM delivery
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = ANY(%(batch_nos)s::int[])
ORDER BY batch_no, customer_id
"""

_VALUES_OF_PEOPLE = """
SELECT delivery.batch_no, delivery.customer_id, coalesce(delivery.line_user_id, ''), store.name, issued.code,
       to_char(issued.expires_at AT TIME ZONE brand.timezone, 'FMMM/FMDD HH24:MI'),
       coalesce(customer.name, identity.display_name), customer.member_number, {}
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
      AND (issued_coupon.source = %(source)s OR EXISTS (
          SELECT FROM coupon_reminded WHERE coupon_reminded.brand_id = %(brand_id)s
            AND coupon_reminded.issued_coupon_id = issued_coupon.id AND coupon_reminded.run_id = %(run_id)s))
    ORDER BY expires_at LIMIT 1
) AS issued ON true
WHERE delivery.brand_id = %(brand_id)s AND delivery.run_id = %(run_id)s
  AND delivery.batch_no = ANY(%(batch_nos)s::int[])
ORDER BY delivery.batch_no, delivery.customer_id
"""
_PEOPLE_WITH_VALUES = _VALUES_OF_PEOPLE.format("NULL")
_PEOPLE_WITH_ATTRIBUTES = _VALUES_OF_PEOPLE.format("customer.attributes")

# A batch that was stopped while it was in flight was sent all the same: its quota is used, but no longer reserved. What
# was reserved in one month may be sent in another. Of one that another worker has parted meanwhile only who is left
# counts here. What was unknown has been counted as sent before.
_SETTLE = f"""
WITH given AS (
    SELECT * FROM unnest(%(run_ids)s::uuid[], %(batch_nos)s::int[], %(states)s::text[], %(request_ids)s::text[],
                         %(sent)s::int[]) AS given (run_id, batch_no, state, request_id, sent)
), before AS (
    SELECT given.*, batch.state AS state_before, batch.size, batch.line_account_id, {RESERVED_ON} AS reserved_on
    FROM given JOIN batch ON batch.brand_id = %(brand_id)s AND batch.run_id = given.run_id
        AND batch.batch_no = given.batch_no
    JOIN run ON run.brand_id = %(brand_id)s AND run.id = given.run_id
    WHERE batch.state IN ('waiting', 'stopped', 'unknown')
    ORDER BY batch.run_id, batch.batch_no FOR UPDATE OF batch
), settled AS (
    UPDATE batch SET state = before.state, done_at = %(now)s, request_id = before.request_id
    FROM before
    WHERE batch.brand_id = %(brand_id)s AND batch.run_id = before.run_id AND batch.batch_no = before.batch_no
    RETURNING before.line_account_id, before.reserved_on,
              least(before.sent, before.size)
                  - CASE WHEN before.state_before = 'unknown' THEN before.size ELSE 0 END AS sent,
              CASE WHEN before.state_before = 'waiting' THEN before.size ELSE 0 END AS freed
), change AS (
    SELECT line_account_id, month_on, sum(sent)::int AS sent, sum(freed)::int AS freed FROM (
        SELECT line_account_id, %(month_on)s::date AS month_on, sent, 0 AS freed FROM settled
        UNION ALL SELECT line_account_id, reserved_on, 0, freed FROM settled
    ) AS each GROUP BY 1, 2
)
INSERT INTO quota_month (brand_id, line_account_id, month_on, account_no, used, sent, others, unbilled, alerted_percent,
                         marks, reserved)
SELECT %(brand_id)s, change.line_account_id, change.month_on, %(account_no)s, change.sent, change.sent, 0, 0, 0, '[]',
       CASE WHEN known.month_on IS NULL THEN 0 ELSE -change.freed END
FROM change LEFT JOIN quota_month known ON known.brand_id = %(brand_id)s
    AND known.line_account_id = change.line_account_id AND known.month_on = change.month_on
ORDER BY change.month_on
ON CONFLICT (brand_id, line_account_id, month_on) DO UPDATE SET
    used = quota_month.used + excluded.sent, sent = coalesce(quota_month.sent, quota_month.used) + excluded.sent,
    reserved = greatest(0, quota_month.reserved + excluded.reserved)
"""

_FAIL = """
INSERT INTO delivery_failure (brand_id, run_id, customer_id, slot, status, detail, store_no)
SELECT brand_id, run_id, customer_id, slot, 'failed', %(detail)s, store_no FROM delivery
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s
  AND (customer_id = %(customer_id)s OR line_user_id = %(line_user_id)s::text)
ON CONFLICT DO NOTHING
"""

_TO_FINISH = """
SELECT 1 FROM run WHERE brand_id = %(brand_id)s AND finished_at IS NULL AND status <> 'paused' AND (
    NOT EXISTS (
        SELECT 1 FROM batch WHERE batch.brand_id = run.brand_id AND batch.run_id = run.id AND batch.state = 'waiting'
    ) OR status <> 'sending' AND EXISTS (
        SELECT 1 FROM batch WHERE batch.brand_id = run.brand_id AND batch.run_id = run.id AND batch.state = 'waiting'
            AND batch.line_account_id = %(account_id)s
    )
) LIMIT 1
"""
