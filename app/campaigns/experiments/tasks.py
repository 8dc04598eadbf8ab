"""Deciding by the clock, and forgetting rehearsals."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from app.campaigns.experiments import queries, service
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.messaging import rehearsals
from tenants.brands.queries import list_brand_ids

DRY_RUNS_KEPT: Final = timedelta(days=7)


@periodic("* * * * *")
def decide_due_experiments(clock: Clockwork) -> None:
    """Give each experiment whose moment has come a job of its own, so that none waits for another."""
    for brand_id in queries.list_brands_with_due(clock.engine, clock.now):
        with clock.session(brand_id) as session:
            for run_id in queries.list_due(session, clock.now):
                defer(session, decide_experiment, once_key=f"experiment:{run_id}", run_id=run_id)


@task
def decide_experiment(work: Work, run_id: UUID) -> None:
    """Decide one. A second run finds it decided."""
    with work.session() as session:
        service.decide(session, run_id, work.now)


@periodic("23 * * * *")
def forget_dry_runs(clock: Clockwork) -> None:
    """Drop dry runs a week after they were made, brand by brand."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            rehearsals.forget(session, clock.now - DRY_RUNS_KEPT)
