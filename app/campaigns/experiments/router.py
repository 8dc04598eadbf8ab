"""Experiments over HTTP."""

from fastapi import APIRouter

from app.auth import BrandWide, Caller, Now, allow
from app.campaigns.experiments import queries, service
from app.campaigns.experiments.models import Experiment
from app.campaigns.experiments.schemas import Decide, ExperimentRead, VariantResult
from app.campaigns.service import get_own
from app.messaging.models import Run
from app.routes import ApiRoute
from app.schemas import CampaignId
from tenants.session import ScopedSession

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["campaigns"], route_class=ApiRoute)


@router.get("/experiment", dependencies=[allow("campaigns:read")])
def get_campaign_experiment(campaign_id: CampaignId, session: BrandWide, caller: Caller) -> ExperimentRead:
    """What each variant has come to among those who were tested, and what was decided; 404 before the launch."""
    campaign = get_own(session, campaign_id, caller.scope)
    return _read(session, *service.get_of_campaign(session, campaign))


@router.post("/decide", dependencies=[allow("campaigns:launch")])
def decide_campaign(
    campaign_id: CampaignId, body: Decide, session: BrandWide, caller: Caller, now: Now
) -> ExperimentRead:
    """Choose by hand what those who wait get, before the clock does. It is decided once: the second call gets 409."""
    campaign = get_own(session, campaign_id, caller.scope, lock=True)
    service.decide_by_hand(session, campaign, body.variant, now, by=caller.outside_id)
    return _read(session, *service.get_of_campaign(session, campaign))


def _read(session: ScopedSession, run: Run, experiment: Experiment) -> ExperimentRead:
    names = [one["name"] for one in run.variants or ()]
    arms = service.read_arms(session, run, experiment)
    return ExperimentRead(
        metric=experiment.metric,
        decide_at=experiment.decide_at,
        decided_at=experiment.decided_at,
        decided_by=experiment.decided_by,
        winner=None if experiment.winner is None else names[experiment.winner],
        waiting=queries.count_waiting(session, run.id),
        variants=[
            VariantResult(name=name, people=arm.people, events=arm.events, ratio=round(arm.ratio, 4))
            for name, arm in zip(names, arms, strict=True)
        ],
    )


routers = [router]
