"""Reads of runs, deliveries and the accounts that send."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, exists, or_, text
from sqlmodel import col, select

from app.messaging.audience import FALLBACK
from app.messaging.models import Batch, Run
from tenants.line_accounts.models import LineAccount
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store

WAITING = "waiting"


class Rehearsed(NamedTuple):
    """A run, the dry run that it was compared with, and what was different."""

    run_id: UUID
    dry_run_id: UUID | None
    difference: dict[str, Any] | None


def get_run(session: ScopedSession, run_id: UUID) -> Run:
    """A run. Raises NotFound."""
    run = session.exec(select(Run).where(col(Run.id) == run_id)).one_or_none()
    if run is None:
        raise NotFound
    return run


def lock_run(session: ScopedSession, run_id: UUID) -> Run:
    """A run, locked until the transaction ends. Raises NotFound."""
    run = session.exec(select(Run).where(col(Run.id) == run_id).with_for_update()).one_or_none()
    if run is None:
        raise NotFound
    return run


def find_run_of_campaign(session: ScopedSession, campaign_id: UUID) -> Run | None:
    """The newest run of a campaign."""
    runs = select(Run).where(col(Run.campaign_id) == campaign_id).order_by(col(Run.id).desc()).limit(1)
    return session.exec(runs).one_or_none()


def lock_sending_of_rule(session: ScopedSession, rule_id: UUID) -> Sequence[Run]:
    """The runs of a weather rule that are still sending, locked."""
    runs = select(Run).where(col(Run.weather_rule_id) == rule_id, col(Run.status).in_(("sending", "paused")))
    return session.exec(runs.order_by(col(Run.id)).with_for_update()).all()


def map_campaign_runs(session: ScopedSession, campaign_ids: Sequence[UUID]) -> dict[UUID, Rehearsed]:
    """The newest run of each of these campaigns, by campaign."""
    runs = select(Run.campaign_id, Run.id, Run.dry_run_id, Run.difference)
    of_campaigns = session.execute(runs.where(col(Run.campaign_id).in_(campaign_ids)).order_by(col(Run.id)))
    return {campaign_id: Rehearsed(*run) for campaign_id, *run in of_campaigns}


def list_weather_run_ids(
    session: ScopedSession, business_on: date, rule_id: UUID | None = None, cooldown_days: int = 0
) -> Sequence[UUID]:
    """Every weather run of one business day, whatever its rule, and those of this rule in the days of its cooldown
    before: a person hears from one of them at most."""
    hers = and_(
        col(Run.weather_rule_id) == rule_id,
        col(Run.business_on) > business_on - timedelta(days=cooldown_days),
        col(Run.business_on) < business_on,
    )
    runs = select(Run.id).where(col(Run.kind) == "weather", or_(col(Run.business_on) == business_on, hers))
    return session.exec(runs).all()


def map_outranking(session: ScopedSession, run: Run, customer_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Of people whom a weather run left out by a cap, the rule whose run wrote to her on that business day."""
    found = session.connection().execute(
        text(
            """
            SELECT DISTINCT ON (delivery.customer_id) delivery.customer_id, other.weather_rule_id
            FROM run other
            JOIN delivery ON delivery.brand_id = other.brand_id AND delivery.run_id = other.id
                AND delivery.customer_id = ANY(CAST(:customer_ids AS uuid[]))
            JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
                AND batch.batch_no = delivery.batch_no AND batch.state <> 'stopped'
            WHERE other.brand_id = :brand_id AND other.kind = 'weather' AND other.business_on = :business_on
              AND other.id < :run_id
            ORDER BY delivery.customer_id, other.id
            """
        ),
        {
            "brand_id": session.scope.brand_id,
            "customer_ids": list(customer_ids),
            "business_on": run.business_on,
            "run_id": run.id,
        },
    )
    return {row.customer_id: row.weather_rule_id for row in found}


def has_sent(session: ScopedSession, run_id: UUID, store_no: int) -> bool:
    """Whether a run has begun to write to anybody for a store."""
    begun = select(Batch.batch_no).where(
        col(Batch.run_id) == run_id,
        col(Batch.stores).has_key(str(store_no)),  # type: ignore[attr-defined]
        col(Batch.first_tried_at).is_not(None),
    )
    return session.exec(begun.limit(1)).first() is not None


def list_sending_accounts(session: ScopedSession) -> Sequence[LineAccount]:
    """The accounts that may send: not archived."""
    accounts = select(LineAccount).where(col(LineAccount.archived_at).is_(None)).order_by(col(LineAccount.no))
    return session.exec(accounts).all()


def count_deliveries(session: ScopedSession, run_id: UUID) -> dict[str, int]:
    """How many of a run's deliveries stand at each status: waiting, sent, left_out, failed, unknown."""
    connection = session.connection()
    values = {"brand_id": session.scope.brand_id, "run_id": run_id}
    batches = connection.execute(
        text("SELECT state, sum(size) FROM batch WHERE brand_id = :brand_id AND run_id = :run_id GROUP BY state"),
        values,
    ).all()
    failures = connection.execute(
        text(
            "SELECT failure.status, count(*) FROM delivery_failure failure"
            " WHERE brand_id = :brand_id AND run_id = :run_id GROUP BY 1"
        ),
        values,
    ).all()
    counts = {"waiting": 0, "sent": 0, "failed": 0, "unknown": 0, "stopped": 0}
    for state, size in batches:
        counts[state] += int(size)
    for status, count in failures:
        counts[status] += int(count)
        counts["sent"] -= int(count)
    return counts


_STATUS = """
CASE WHEN delivery.batch_no IS NULL THEN 'left_out'
     WHEN failure.status IS NOT NULL THEN failure.status
     WHEN batch.state = 'stopped' THEN 'left_out'
     ELSE batch.state END
"""
# A freeze leaves nobody out as stopped but for a safety stop.
_WHY = "CASE WHEN batch.state = 'stopped' THEN batch.detail WHEN delivery.reason = 'stopped' THEN 'safety_stop' END"
_DELIVERIES = """
FROM delivery
LEFT JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
    AND batch.batch_no = delivery.batch_no
LEFT JOIN delivery_failure failure ON failure.brand_id = delivery.brand_id
    AND failure.run_id = delivery.run_id AND failure.customer_id = delivery.customer_id
    AND failure.slot = delivery.slot
WHERE delivery.brand_id = :brand_id AND delivery.run_id = :run_id
"""


def count_seen_deliveries(session: ScopedSession, run_id: UUID) -> dict[tuple[str, str | None], int]:
    """How many of a run's deliveries that the scope sees stand at each status and, where left out, for which reason."""
    query = f"""
        SELECT {_STATUS}, CASE WHEN batch.state = 'stopped' THEN 'stopped' ELSE delivery.reason END, count(*)
        {_DELIVERIES} GROUP BY 1, 2
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id}
    rows = session.connection().execute(text(query), values).all()
    return {(status, reason if status == "left_out" else None): int(count) for status, reason, count in rows}


def count_seen_by(
    session: ScopedSession, run_id: UUID, group_by: str
) -> Sequence[tuple[int | None, str, str | None, int]]:
    """The same apart by `variant`, `account` or `store`: its number, the status, the reason, and how many."""
    key = {"variant": "batch.variant", "account": "delivery.account_no", "store": "delivery.store_no"}[group_by]
    query = f"""
        SELECT {key}, {_STATUS}, CASE WHEN batch.state = 'stopped' THEN 'stopped' ELSE delivery.reason END, count(*)
        {_DELIVERIES} GROUP BY 1, 2, 3
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id}
    return [
        (no, status, reason, count) for no, status, reason, count in session.connection().execute(text(query), values)
    ]


def count_fallback(session: ScopedSession, run_id: UUID) -> int:
    """How many deliveries of a run that the scope sees get its other messages, since no copy was left."""
    query = f"SELECT count(*) {_DELIVERIES} AND batch.variant = {FALLBACK}"
    values = {"brand_id": session.scope.brand_id, "run_id": run_id}
    return int(session.connection().execute(text(query), values).scalar_one())


def list_deliveries(
    session: ScopedSession,
    run_id: UUID,
    *,
    status: str | None,
    after: UUID | None,
    after_slot: int,
    limit: int,
    reason: str | None = None,
) -> list[dict[str, Any]]:
    """Deliveries of a run by customer id and slot, descending, with status and, where left out, the reason."""
    query = f"""
        SELECT * FROM (
            SELECT delivery.customer_id, delivery.slot, delivery.account_no, delivery.store_no, {_STATUS} AS status,
                   CASE WHEN batch.state = 'stopped' THEN 'stopped' ELSE delivery.reason END AS reason,
                   batch.done_at AS sent_at, batch.variant, coalesce(failure.detail, {_WHY}) AS detail
            {_DELIVERIES}
              AND (CAST(:after AS uuid) IS NULL OR delivery.customer_id < :after
                   OR delivery.customer_id = :after AND delivery.slot < :after_slot)
        ) AS shown
        WHERE (CAST(:status AS text) IS NULL OR status = :status)
          AND (CAST(:reason AS text) IS NULL OR status = 'left_out' AND reason = :reason)
        ORDER BY customer_id DESC, slot DESC LIMIT :limit
    """
    values = {
        "brand_id": session.scope.brand_id,
        "run_id": run_id,
        "after": after,
        "after_slot": after_slot,
        "status": status,
        "reason": reason,
        "limit": limit,
    }
    return [dict(row) for row in session.connection().execute(text(query), values).mappings()]


def list_deliveries_to(session: ScopedSession, run_id: UUID, customer_id: UUID) -> list[dict[str, Any]]:
    """A person's deliveries in a run, as `list_deliveries` has them; more than one only where all accounts speak."""
    query = f"""
        SELECT delivery.customer_id, delivery.account_no, delivery.store_no, {_STATUS} AS status,
               CASE WHEN batch.state = 'stopped' THEN 'stopped' ELSE delivery.reason END AS reason
        {_DELIVERIES} AND delivery.customer_id = :customer_id ORDER BY delivery.slot
    """
    values = {"brand_id": session.scope.brand_id, "run_id": run_id, "customer_id": customer_id}
    return [dict(row) for row in session.connection().execute(text(query), values).mappings()]


def lock_runs_all_sent(session: ScopedSession) -> Sequence[Run]:
    """Runs that are sending, or were ended, but have no batch waiting any more and are not closed yet, locked; those
    that another worker closes are passed over."""
    waiting = exists().where(
        col(Batch.brand_id) == col(Run.brand_id), col(Batch.run_id) == col(Run.id), col(Batch.state) == "waiting"
    )
    runs = select(Run).where(col(Run.finished_at).is_(None), col(Run.status) != "paused", ~waiting)
    return session.exec(runs.with_for_update(skip_locked=True)).all()


def has_waiting(session: ScopedSession, run_id: UUID) -> bool:
    """Whether batches of a run wait, or are in hand."""
    waiting = select(Batch.batch_no).where(col(Batch.run_id) == run_id, col(Batch.state) == WAITING).limit(1)
    return session.exec(waiting).first() is not None


def list_sending_runs(session: ScopedSession) -> Sequence[Run]:
    """The runs that are sending, or would be if the brand were not suspended."""
    return session.exec(select(Run).where(col(Run.status) == "sending").order_by(col(Run.id))).all()


def list_all_accounts(session: ScopedSession) -> Sequence[LineAccount]:
    """Every account of the scope, archived ones too, since old deliveries name them."""
    return session.exec(select(LineAccount)).all()


def map_store_ids(session: ScopedSession, store_nos: set[int]) -> dict[int, UUID]:
    """The ids of stores by their numbers."""
    stores = select(Store.no, Store.id).where(col(Store.no).in_(store_nos))
    return dict(session.exec(stores).all())
