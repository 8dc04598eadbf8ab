"""Reads of experiments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, TextClause, text
from sqlmodel import col, select

from app.campaigns.experiments.models import Experiment
from app.campaigns.experiments.verdict import Arm
from app.campaigns.models import Campaign
from app.messaging.models import Run
from tenants.session import ScopedSession


def list_brands_with_due(engine: Engine, now: datetime) -> Sequence[UUID]:
    """The brands of which an experiment is to be decided."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT list_brands_with_due_experiments(:now)"), {"now": now}).scalars().all()
        connection.rollback()
        return found


def list_due(session: ScopedSession, now: datetime) -> Sequence[UUID]:
    """The runs whose experiment is to be decided."""
    due = select(Experiment.run_id).where(col(Experiment.decided_at).is_(None), col(Experiment.decide_at) <= now)
    return session.exec(due.order_by(col(Experiment.decide_at))).all()


def find_experiment(session: ScopedSession, run_id: UUID) -> Experiment | None:
    """The experiment of a run, if it is one."""
    return session.exec(select(Experiment).where(col(Experiment.run_id) == run_id)).one_or_none()


def lock_experiment(session: ScopedSession, run_id: UUID) -> Experiment | None:
    """The same, locked and as it stands now."""
    wanted = select(Experiment).where(col(Experiment.run_id) == run_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).one_or_none()


def lock_campaign_of(session: ScopedSession, run_id: UUID) -> Campaign | None:
    """The campaign of a run, locked, also one that has been put away."""
    of_run = select(Run.campaign_id).where(col(Run.id) == run_id).scalar_subquery()
    return session.exec(select(Campaign).where(col(Campaign.id) == of_run).with_for_update()).one_or_none()


def measure(session: ScopedSession, run: Run, metric: str) -> list[Arm]:
    """What has come of each variant so far: whom LINE took a message for, and how many of them did what counts."""
    values = {"brand_id": session.scope.brand_id, "run_id": run.id}
    people = _count_by_variant(session, _PEOPLE, values)
    if metric == "clicks":
        events = _count_by_variant(session, _CLICKS, values | {"knows_readers": run.personal})
    else:
        events = _count_by_variant(session, _REDEMPTIONS, values)
    return [Arm(people.get(place, 0), events.get(place, 0)) for place in range(len(run.variants or ()))]


def _count_by_variant(session: ScopedSession, query: TextClause, values: dict[str, Any]) -> dict[int, int]:
    return {variant: int(count) for variant, count in session.execute(query, values)}


_PEOPLE: Final = text(
    """
    SELECT batch.variant, sum(batch.size) - coalesce(sum(failed.count), 0)
    FROM batch LEFT JOIN LATERAL (
        SELECT count(*) FROM delivery_failure failure JOIN delivery
            ON delivery.brand_id = failure.brand_id AND delivery.run_id = failure.run_id
            AND delivery.customer_id = failure.customer_id AND delivery.slot = failure.slot
        WHERE failure.brand_id = :brand_id AND failure.run_id = :run_id AND delivery.batch_no = batch.batch_no
    ) AS failed ON true
    WHERE batch.brand_id = :brand_id AND batch.run_id = :run_id AND batch.state = 'sent' AND batch.variant IS NOT NULL
    GROUP BY 1
    """
)
_CLICKS: Final = text(
    """
    SELECT link.variant, sum(CASE WHEN :knows_readers THEN hour.people ELSE hour.clicks END)
    FROM link JOIN link_hour AS hour ON hour.brand_id = link.brand_id AND hour.link_id = link.id
    WHERE link.brand_id = :brand_id AND link.run_id = :run_id AND link.variant IS NOT NULL
    GROUP BY 1
    """
)
_REDEMPTIONS: Final = text(
    """
    SELECT batch.variant, count(DISTINCT issued.customer_id)
    FROM issued_coupon issued
    JOIN redemption ON redemption.brand_id = issued.brand_id AND redemption.issued_coupon_id = issued.id
        AND redemption.reversed_at IS NULL
    JOIN delivery ON delivery.brand_id = issued.brand_id AND delivery.run_id = issued.run_id
        AND delivery.customer_id = issued.customer_id
    JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
        AND batch.batch_no = delivery.batch_no
    WHERE issued.brand_id = :brand_id AND issued.run_id = :run_id AND batch.variant IS NOT NULL
    GROUP BY 1
    """
)


def count_waiting(session: ScopedSession, run_id: UUID) -> int:
    """How many people wait for the decision."""
    values = {"brand_id": session.scope.brand_id, "run_id": run_id}
    return int(session.execute(_WAITING, values).scalar_one())


_WAITING: Final = text(
    "SELECT coalesce(sum(size), 0) FROM batch"
    " WHERE brand_id = :brand_id AND run_id = :run_id AND variant IS NULL AND state = 'waiting'"
)
