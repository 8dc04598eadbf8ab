"""Freeze: the choice of a run written down in one statement, each person's delivery and each batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from sqlalchemy import text

from app.messaging.audience import Audience, place
from app.messaging.choice import BATCHES_PER_ACCOUNT, write_choice
from tenants.session import ScopedSession


@dataclass
class Tally:
    """What a freeze or its rehearsal came to."""

    chosen: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    chosen_by_account: dict[int, int] = field(default_factory=dict)
    batches: dict[int, dict[str, int]] = field(default_factory=dict)
    """Batch number → store number as text → people."""
    parts: dict[int, Sequence[int]] = field(default_factory=dict)
    """Batch number → the numbers of its parts, one for each cut of the audience."""


def lock_brand(session: ScopedSession) -> None:
    """Let one freeze of a brand run at a time, so that two launches cannot each count a cap or a quota as free."""
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))"),
        {"place": f"freeze:{session.scope.brand_id}"},
    )


def rehearse(session: ScopedSession, audience: Audience) -> Tally:
    """What freezing this audience now would come to; nothing is written."""
    choice, values = write_choice(session, audience)
    return read_tally(session, f"{choice} {COUNT_NUMBERED}", values)


def freeze(session: ScopedSession, run_id: UUID, audience: Audience) -> Tally:
    """Write the deliveries of a run and its batches, each batch with the retry key that its sending will use."""
    choice, values = write_choice(session, audience)
    insert = f"""
        {choice}, inserted AS (
            INSERT INTO delivery (brand_id, customer_id, run_id, batch_no, account_no, store_no, line_user_id, reason
                                  {", slot" if audience.is_several else ""})
            SELECT %(brand_id)s, customer_id, %(run_id)s, batch_no, account_no, store_no,
                   CASE WHEN reason IS NULL THEN line_user_id END, reason
                   {", coalesce(account_no, 0)" if audience.is_several else ""}
            FROM numbered ORDER BY account_no, batch_no, customer_id
            RETURNING account_no, batch_no, store_no, reason
        ) {_COUNT_PARTS if audience.cuts else _COUNT}"""
    tally = read_tally(session, insert, {**values, "run_id": run_id})
    _insert_batches(session, run_id, tally, audience)
    return tally


COUNT_NUMBERED: Final = (
    "SELECT account_no, batch_no, store_no, reason, parts, count(*) FROM numbered GROUP BY 1, 2, 3, 4, 5"
)
"""Ends the expressions of `write_choice` with what `read_tally` reads."""
_COUNT: Final = (
    "SELECT account_no, batch_no, store_no, reason, NULL::int[] AS parts, count(*) FROM inserted GROUP BY 1, 2, 3, 4"
)
# An insert answers with the columns of its table only.
_COUNT_PARTS: Final = """
, batch_parts AS (SELECT DISTINCT batch_no, parts FROM numbered WHERE batch_no IS NOT NULL)
SELECT account_no, batch_no, store_no, reason, parts, count(*)
FROM inserted LEFT JOIN batch_parts USING (batch_no) GROUP BY 1, 2, 3, 4, 5
"""


def read_tally(session: ScopedSession, query: str, values: dict[str, Any]) -> Tally:
    """The tally of a statement that answers with account, batch, store, reason, parts and how many."""
    tally = Tally()
    for account_no, batch_no, store_no, reason, parts, count in ask_of_many(session, query, values):
        if reason is not None:
            tally.left_out[reason] = tally.left_out.get(reason, 0) + count
            continue
        tally.chosen += count
        tally.chosen_by_account[account_no] = tally.chosen_by_account.get(account_no, 0) + count
        stores = tally.batches.setdefault(batch_no, {})
        stores["" if store_no is None else str(store_no)] = count
        if parts is not None:
            tally.parts[batch_no] = parts
    return tally


def ask_of_many(session: ScopedSession, query: str, values: dict[str, Any]) -> Sequence[Any]:
    """What a statement of driver SQL over a whole audience answers, planned and timed for a million people."""
    connection = session.connection()
    # After a large import the planner's statistics still say that the tables are small, and a nested loop over 20,000
    # people takes a minute; hash joins are right for every size.
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off")
    # A million people take longer than a request's statement may.
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    rows = connection.exec_driver_sql(query, values).all()
    connection.exec_driver_sql("RESET work_mem; RESET enable_nestloop; RESET jit; RESET statement_timeout")
    return rows


def _insert_batches(session: ScopedSession, run_id: UUID, tally: Tally, audience: Audience) -> None:
    numbers = sorted(tally.batches)
    if not numbers:
        return
    account_ids = {sender.account_no: sender.line_account_id for sender in audience.senders}
    placements = [place(audience.cuts, tally.parts.get(number, ())) for number in numbers]
    session.connection().exec_driver_sql(
        """
        INSERT INTO batch (brand_id, run_id, batch_no, line_account_id, account_no, size, stores, retry_key, variant,
                           not_before, state, attempts)
        SELECT %(brand_id)s, %(run_id)s, batch_no, line_account_id, account_no, size, stores::jsonb, retry_key, variant,
               not_before, 'waiting', 0
        FROM unnest(%(numbers)s::int[], %(accounts)s::uuid[], %(account_nos)s::int[], %(sizes)s::int[],
                    %(stores)s::text[], %(keys)s::uuid[], %(variants)s::smallint[], %(moments)s::timestamptz[])
             AS given (batch_no, line_account_id, account_no, size, stores, retry_key, variant, not_before)
        """,
        {
            "brand_id": session.scope.brand_id,
            "run_id": run_id,
            "numbers": numbers,
            "accounts": [account_ids[number // BATCHES_PER_ACCOUNT] for number in numbers],
            "account_nos": [number // BATCHES_PER_ACCOUNT for number in numbers],
            "sizes": [sum(tally.batches[number].values()) for number in numbers],
            "stores": [orjson.dumps(tally.batches[number]).decode() for number in numbers],
            "keys": [uuid4() for _ in numbers],
            "variants": [one.variant for one in placements],
            "moments": [one.not_before for one in placements],
        },
    )
