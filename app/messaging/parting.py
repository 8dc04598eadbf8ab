"""A batch that was broken off in the middle: who was sent to is settled, who was not waits in a batch of her own kind.

Else nobody could say of a batch that is stopped for good whom it had reached, and those who were never tried would
share the age of the keys of those who were: what rests for a day could not be sent any more.

A batch that LINE refused because of one of its people becomes two, until she stands alone. It is written down before
the halves are sent: were the whole tried again later, and taken, half of its people would get two.
"""

from collections.abc import Sequence
from uuid import UUID

from app.messaging.batches import Cursor, Outcome, TakenBatch, map_addresses
from app.messaging.calls import half_keys
from app.messaging.choice import BATCHES_PER_ACCOUNT


async def part(cursor: Cursor, brand_id: UUID, batch: TakenBatch, outcome: Outcome) -> None:
    """Leave in a batch that is held back only those who were sent to; then it is to be settled, and held no more.

    Those whom it may have reached, and those whom it surely did not, get batches of their own, under the same key: so
    each person's key stays what it was. Where nobody was sent to, it stays held back.
    """
    if outcome.is_refused:
        await _halve(cursor, brand_id, batch)
    if outcome.hold is None:
        return
    # Whoever took it before may have tried anybody.
    is_fresh = batch.attempts == 1
    values = _key_of(brand_id, batch)
    done = batch.size - len(outcome.untried) - len(outcome.unclear)
    if done or outcome.unclear:
        await _move(cursor, values, batch, outcome.untried, is_fresh=is_fresh, new_key=batch.retry_key)
    elif is_fresh:
        await cursor.execute(_UNTOUCH, values)
    if done:
        await _move(cursor, values, batch, outcome.unclear, is_fresh=False, new_key=batch.retry_key)
        batch.size = done
        outcome.hold = None


async def _halve(cursor: Cursor, brand_id: UUID, batch: TakenBatch) -> None:
    """Make two batches of one, each with a key of its own that has not begun to age."""
    first_key, second_key = half_keys(batch.retry_key)
    second = [one.customer_id for one in batch.people[len(batch.people) // 2 :]]
    values = _key_of(brand_id, batch)
    await _move(cursor, values, batch, second, is_fresh=True, new_key=second_key)
    await cursor.execute(_RENEW, {**values, "new_key": first_key})


def _key_of(brand_id: UUID, batch: TakenBatch) -> dict[str, object]:
    """Which batch it is, as it was when it was taken."""
    return {"brand_id": brand_id, "run_id": batch.run_id, "batch_no": batch.batch_no, "retry_key": batch.retry_key}


async def _move(
    cursor: Cursor,
    values: dict[str, object],
    batch: TakenBatch,
    customer_ids: Sequence[UUID],
    *,
    is_fresh: bool,
    new_key: UUID,
) -> None:
    if customer_ids:
        addresses = map_addresses(batch)
        given = {
            "customer_ids": list(customer_ids),
            "line_user_ids": [addresses[one] for one in customer_ids if one in addresses],
            "is_fresh": is_fresh,
            "new_key": new_key,
        }
        await cursor.execute(MOVE, {**values, **given})


# A run that was ended for good meanwhile has marked the batch so, and has given its quota back. One that a worker who
# took it over has settled or halved is not this one's any more.
_STATE = """
CASE WHEN whole.state = 'waiting' THEN 'waiting' WHEN %(is_fresh)s THEN 'stopped' ELSE 'unknown' END
"""
MOVE = f"""
WITH whole AS (
    SELECT batch.*, (
        SELECT max(other.batch_no) + 1 FROM batch AS other
        WHERE other.brand_id = batch.brand_id AND other.run_id = batch.run_id
          AND other.batch_no BETWEEN batch.account_no * {BATCHES_PER_ACCOUNT}
                                 AND batch.account_no * {BATCHES_PER_ACCOUNT} + {BATCHES_PER_ACCOUNT - 1}
    ) AS next_no
    FROM batch
    WHERE batch.brand_id = %(brand_id)s AND batch.run_id = %(run_id)s AND batch.batch_no = %(batch_no)s
      AND batch.retry_key = %(retry_key)s AND batch.state IN ('waiting', 'stopped', 'unknown')
    FOR UPDATE
), moved AS (
    UPDATE delivery SET batch_no = whole.next_no FROM whole
    WHERE delivery.brand_id = %(brand_id)s AND delivery.run_id = %(run_id)s AND delivery.batch_no = %(batch_no)s
      AND (delivery.customer_id = ANY(%(customer_ids)s::uuid[])
           OR delivery.line_user_id = ANY(%(line_user_ids)s::text[]))
    RETURNING coalesce(delivery.store_no::text, '') AS no
), counted AS (
    SELECT no, count(*)::int AS count FROM moved GROUP BY no
), part AS (
    SELECT sum(count)::int AS size, jsonb_object_agg(no, count) AS stores FROM counted
), inserted AS (
    INSERT INTO batch (brand_id, run_id, batch_no, line_account_id, account_no, size, stores, retry_key, variant,
                       not_before, reserved_on, unit, state, attempts, first_tried_at, done_at)
    SELECT whole.brand_id, whole.run_id, whole.next_no, whole.line_account_id, whole.account_no, part.size, part.stores,
           %(new_key)s, whole.variant, whole.not_before, whole.reserved_on, whole.unit, {_STATE},
           CASE WHEN %(is_fresh)s THEN 0 ELSE whole.attempts END,
           CASE WHEN NOT %(is_fresh)s THEN whole.first_tried_at END, whole.done_at
    FROM whole CROSS JOIN part WHERE part.size > 0
)
UPDATE batch SET size = batch.size - part.size, stores = (
    SELECT coalesce(jsonb_object_agg(key, value::int - coalesce(count, 0)), '{{}}')
    FROM jsonb_each_text(batch.stores) LEFT JOIN counted ON counted.no = key
    WHERE value::int > coalesce(count, 0)
)
FROM part
WHERE batch.brand_id = %(brand_id)s AND batch.run_id = %(run_id)s AND batch.batch_no = %(batch_no)s AND part.size > 0
"""

_RENEW = """
UPDATE batch SET retry_key = %(new_key)s, attempts = 0, first_tried_at = NULL,
                 state = CASE state WHEN 'unknown' THEN 'stopped' ELSE state END
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s AND retry_key = %(retry_key)s
  AND state IN ('waiting', 'stopped', 'unknown')
"""

_UNTOUCH = """
UPDATE batch SET attempts = 0, first_tried_at = NULL, state = CASE state WHEN 'unknown' THEN 'stopped' ELSE state END
WHERE brand_id = %(brand_id)s AND run_id = %(run_id)s AND batch_no = %(batch_no)s AND state <> 'sent'
"""
