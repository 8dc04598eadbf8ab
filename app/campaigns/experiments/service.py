"""Experiments: the audience is parted by chance, and what did best goes to those who wait."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.campaigns.experiments import queries
from app.campaigns.experiments.models import Experiment
from app.campaigns.experiments.parts import find_decide_at, read_shares
from app.campaigns.experiments.schemas import VariantBody
from app.campaigns.experiments.verdict import Arm, judge
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.messaging import experiments
from app.messaging import queries as runs
from app.messaging.models import Run
from app.messaging.render import check_messages
from tenants.problems import Conflict, Invalid, NotFound
from tenants.session import ScopedSession


def begin(session: ScopedSession, campaign: Campaign, run: Run, now: datetime) -> None:
    """Write down what a run's experiment will be decided by, and when. Raises Conflict where that is too late."""
    decide_at = find_decide_at(campaign, now)
    if campaign.experiment and decide_at is not None:
        if campaign.valid_until is not None and campaign.valid_until <= decide_at:
            raise Conflict("The campaign's valid_until comes before the decision: the rest would never be sent.")
        metric = campaign.experiment["metric"]
        session.add(Experiment(run_id=run.id, metric=metric, decide_at=decide_at, store_no=campaign.store_no))
        session.flush()


def check(campaign: Campaign, begun_at: datetime) -> None:
    """Refuse variants and experiments that could not be sent or decided. Raises Invalid with pointers."""
    if not campaign.variants:
        if campaign.experiment:
            raise Invalid.at("/experiment", "An experiment needs variants.")
        return
    _check_variants(campaign.variants)
    for place, one in enumerate(campaign.variants):
        try:
            template = check_messages(one["messages"])
        except Invalid as error:
            raise Invalid(
                [{**told, "pointer": f"/variants/{place}{told['pointer']}"} for told in error.errors]
            ) from error
        if campaign.coupon_id is None and any(name.startswith("coupon.") for name in template.variables):
            raise Invalid.at(
                f"/variants/{place}/messages", "The messages name a coupon, but the campaign has no coupon_id."
            )
    if campaign.experiment:
        _check_experiment(campaign, begun_at)


def _check_variants(variants: Sequence[dict[str, Any]]) -> None:
    names = [one["name"] for one in variants]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise Invalid.at(f"/variants/{place}/name", "Another variant has this name.")
    shares = [one.get("share") for one in variants]
    if None in shares and any(share is not None for share in shares):
        raise Invalid.at(f"/variants/{shares.index(None)}/share", "Give each variant a share, or none.")
    if None not in shares and abs(sum(read_shares(variants)) - 1) > 0.001:
        raise Invalid.at("/variants", "The shares must add up to 1.")


def _check_experiment(campaign: Campaign, begun_at: datetime) -> None:
    metric = (campaign.experiment or {})["metric"]
    if metric == "redemptions" and campaign.coupon_id is None:
        raise Invalid.at(
            "/experiment/metric", "Redemptions are counted of a coupon, but the campaign has no coupon_id."
        )
    if metric == "clicks" and campaign.tracking == "none":
        raise Invalid.at("/experiment/metric", "Taps are counted of tracked links, but tracking is none.")
    decide_at = find_decide_at(campaign, begun_at)
    if campaign.valid_until is not None and decide_at is not None and campaign.valid_until <= decide_at:
        detail = "The campaign's valid_until comes before the decision: the rest would never be sent."
        raise Invalid.at("/experiment/decide_after_minutes", detail)


def to_columns(variants: Sequence[VariantBody] | None) -> list[dict[str, Any]] | None:
    """Variants as a campaign keeps them."""
    return [one.model_dump() for one in variants] if variants else None


def read_arms(session: ScopedSession, run: Run, experiment: Experiment) -> list[Arm]:
    """What each variant came to: what the decision went by, or else so far."""
    if experiment.measured is not None:
        return [Arm(one["people"], one["events"]) for one in experiment.measured]
    return queries.measure(session, run, experiment.metric)


def decide(session: ScopedSession, run_id: UUID, now: datetime) -> bool:
    """Give the rest what did best, if that is still to be decided; whether it was. A second call changes nothing."""
    # In the order in which a person's decision, a pause and a stop lock them.
    campaign = queries.lock_campaign_of(session, run_id)
    run = runs.lock_run(session, run_id)
    experiment = queries.lock_experiment(session, run_id)
    if experiment is None or experiment.decided_at is not None or experiment.decide_at > now:
        return False
    arms = queries.measure(session, run, experiment.metric)
    verdict = judge(arms)
    _close(session, experiment, verdict.winner, verdict.decided_by, arms, now)
    if campaign is not None:
        name = (run.variants or ())[verdict.winner]["name"]
        take(session, campaign, "decided", note=f"{name} ({verdict.decided_by})")
    return True


def decide_by_hand(session: ScopedSession, campaign: Campaign, name: str, now: datetime, *, by: str) -> None:
    """Give the rest this variant. Raises Conflict where nothing is to be decided, Invalid for another name."""
    run = runs.find_run_of_campaign(session, campaign.id) if campaign.launched_at else None
    if run is not None:
        run = runs.lock_run(session, run.id)
        session.refresh(run)
    experiment = queries.lock_experiment(session, run.id) if run else None
    names = [one["name"] for one in (run.variants or ())] if run else []
    if run is None or experiment is None:
        raise Conflict("There is nothing to decide: this campaign is not launched, or is no experiment.")
    if name not in names:
        raise Invalid.at("/variant", f"There is no such variant; there are {', '.join(names)}.")
    if experiment.decided_at is not None:
        raise Conflict("This experiment has been decided.")
    if run.status not in ("sending", "paused"):
        raise Conflict(f"The run is {run.status}; nobody waits for a decision any more.")
    _close(session, experiment, names.index(name), "hand", queries.measure(session, run, experiment.metric), now)
    take(session, campaign, "decided", by=by, note=f"{name} (hand)")


def _close(
    session: ScopedSession, experiment: Experiment, winner: int, decided_by: str, arms: Sequence[Arm], now: datetime
) -> None:
    experiment.winner, experiment.decided_by, experiment.decided_at = winner, decided_by, now
    experiment.measured = [{"people": arm.people, "events": arm.events} for arm in arms]
    session.add(experiment)
    session.flush()
    experiments.send_rest(session, experiment.run_id, winner, experiment.decide_at)


def get_of_campaign(session: ScopedSession, campaign: Campaign) -> tuple[Run, Experiment]:
    """The run of a campaign and its experiment. Raises NotFound where it is none, or not launched."""
    run = runs.find_run_of_campaign(session, campaign.id) if campaign.launched_at else None
    experiment = queries.find_experiment(session, run.id) if run else None
    if run is None or experiment is None:
        raise NotFound
    return run, experiment
