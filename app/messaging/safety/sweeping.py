"""What waits at an account for people who are not to be invited: cancelled, for good, before its lane sends on.

A lane sweeps its own account, so that nothing of it is in anybody's hand meanwhile, and does so once for each signal:
whatever is frozen after a stop has left these people out already.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import col, select

from app.messaging.models import Run
from app.messaging.parting import MOVE
from app.messaging.safety.queries import list_stopped_nos
from app.messaging.service import TEST, stop_batches, wake
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession

DETAIL: Final = "safety_stop"
"""What is told of a delivery that a safety stop cancelled."""


def sweep(session: ScopedSession, line_account_id: UUID, now: datetime) -> None:
    """Cancel what waits at an account for stopped stores: all of it where these are all its stores, else that to
    people who are at home at one, or are written to for one. Nobody else may hold the account's lane.

    Whom a try without a clear answer may have reached is told as unknown.
    """
    stopped = set(list_stopped_nos(session))
    account = session.exec(select(LineAccount).where(col(LineAccount.id) == line_account_id)).one()
    store_nos = set(account.store_nos)
    if not stopped or (len(store_nos) == 1 and not store_nos & stopped):
        return
    values = {"brand_id": session.scope.brand_id, "account_id": line_account_id, "test": TEST, "detail": DETAIL}
    connection = session.connection()
    if store_nos and store_nos <= stopped:
        connection.execute(_MARK_ALL, values)
    else:
        _mark(session, _FIND_OF_ACCOUNT, values | {"stopped": sorted(stopped)})
    stop_batches(session, "batch.line_account_id = :account_id AND batch.detail = :detail", values, now)


def cancel_of_run(session: ScopedSession, run: Run, store_nos: Sequence[int], detail: str, now: datetime) -> None:
    """Cancel what waits of a run, and nobody has begun to send, for those who are written to for these stores."""
    values = {"brand_id": session.scope.brand_id, "run_id": run.id, "stopped": sorted(store_nos), "detail": detail}
    _mark(session, _FIND_OF_RUN, values)
    stop_batches(session, "run.id = :run_id AND batch.detail = :detail", values, now)
    wake(session, [run])


def _mark(session: ScopedSession, find: TextClause, values: dict[str, Any]) -> None:
    """Mark the batches of those whom a statement finds, once these have batches of their own."""
    connection = session.connection()
    for row in connection.execute(find, values).all():
        if len(row.customer_ids) < row.size:
            _move(session, row.run_id, row.batch_no, row.retry_key, row.customer_ids, is_fresh=row.is_fresh)
    whole = [row for row in connection.execute(find, values).all() if len(row.customer_ids) == row.size]
    keys = {"run_ids": [row.run_id for row in whole], "batch_nos": [row.batch_no for row in whole]}
    connection.execute(_MARK, values | keys)


def _move(
    session: ScopedSession,
    run_id: UUID,
    batch_no: int,
    retry_key: UUID,
    customer_ids: Sequence[UUID],
    *,
    is_fresh: bool,
) -> None:
    """Give some of a batch's people one of their own."""
    values: dict[str, Any] = {
        "brand_id": session.scope.brand_id,
        "run_id": run_id,
        "batch_no": batch_no,
        "retry_key": retry_key,
        "customer_ids": list(customer_ids),
        "line_user_ids": [],
        "is_fresh": is_fresh,
        "new_key": retry_key,
    }
    session.connection().exec_driver_sql(MOVE, values)


_OF_ACCOUNT: Final = """
    FROM batch JOIN run ON run.brand_id = batch.brand_id AND run.id = batch.run_id AND run.kind <> :test
    WHERE batch.brand_id = :brand_id AND batch.line_account_id = :account_id AND batch.state = 'waiting'
"""
_MARK_ALL: Final = text(
    f"""
    UPDATE batch AS mine SET detail = :detail FROM (SELECT batch.run_id, batch.batch_no {_OF_ACCOUNT}) AS one
    WHERE mine.brand_id = :brand_id AND mine.run_id = one.run_id AND mine.batch_no = one.batch_no
    """
)
_MARK: Final = text(
    """
    UPDATE batch SET detail = :detail
    FROM unnest(CAST(:run_ids AS uuid[]), CAST(:batch_nos AS int[])) AS one (run_id, batch_no)
    WHERE batch.brand_id = :brand_id AND batch.run_id = one.run_id AND batch.batch_no = one.batch_no
    """
)
_FIND: Final = """
    SELECT batch.run_id, batch.batch_no, batch.size, batch.retry_key, batch.first_tried_at IS NULL AS is_fresh,
           array_agg(delivery.customer_id) AS customer_ids
    FROM batch JOIN run ON run.brand_id = batch.brand_id AND run.id = batch.run_id
    JOIN delivery ON delivery.brand_id = batch.brand_id AND delivery.run_id = batch.run_id
        AND delivery.batch_no = batch.batch_no
    LEFT JOIN customer ON customer.brand_id = delivery.brand_id AND customer.id = delivery.customer_id
    WHERE batch.brand_id = :brand_id AND batch.state = 'waiting' AND {}
    GROUP BY batch.run_id, batch.batch_no, batch.size, batch.retry_key, batch.first_tried_at IS NULL
"""
_STANDS_FOR: Final = "delivery.store_no = ANY(CAST(:stopped AS int[]))"
# Where she is at home is not held against a store's own run: its numbers must not tell it what she does elsewhere.
_FIND_OF_ACCOUNT: Final = text(
    _FIND.format(
        f"batch.line_account_id = :account_id AND run.kind <> :test AND ({_STANDS_FOR} OR run.store_no IS NULL"
        " AND coalesce(customer.home_store_no, customer.usual_store_no) = ANY(CAST(:stopped AS int[])))"
    )
)
_FIND_OF_RUN: Final = text(_FIND.format(f"batch.run_id = :run_id AND batch.first_tried_at IS NULL AND {_STANDS_FOR}"))
