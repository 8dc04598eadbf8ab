"""What came of campaigns, over HTTP: their links, and what LINE counted."""

from fastapi import APIRouter

from app.auth import ScopedSession, allow
from app.campaigns import queries
from app.campaigns.results import service
from app.campaigns.results.schemas import CampaignInsightRead, CampaignLinksRead
from app.routes import ApiRoute
from app.schemas import CampaignId

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=ApiRoute)


@router.get("/{campaign_id}/links", dependencies=[allow("campaigns:read")])
def list_campaign_links(campaign_id: CampaignId, session: ScopedSession) -> CampaignLinksRead:
    """The tracked addresses in its messages and how often each was followed; for a store, by whom it stands behind.

    There are none before the launch.
    """
    return service.list_links(session, queries.get_campaign(session, campaign_id))


@router.get("/{campaign_id}/insight", dependencies=[allow("campaigns:read")])
def get_campaign_insight(campaign_id: CampaignId, session: ScopedSession) -> CampaignInsightRead:
    """What LINE itself counted of it, by account: of the accounts that the caller sees.

    LINE tells it from the next day on. What fewer than 20 people did it hides.
    """
    return service.read_insight(session, queries.get_campaign(session, campaign_id))


routers = [router]
