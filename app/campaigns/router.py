"""Campaigns over HTTP."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlmodel import col

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.campaigns import explaining, figures, lifecycle, queries, rehearsal, service
from app.campaigns.models import Campaign
from app.campaigns.schemas import (
    CampaignCreate,
    CampaignExplanationRead,
    CampaignPatch,
    CampaignRead,
    DeliveryRead,
    DryRunRead,
    StatsRead,
    Status,
)
from app.customers.queries import get_customer
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import CampaignId, CustomerId, Page

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=ApiRoute)
Explaining = Annotated[CustomerId, Query(description="Of whom it is to be explained.")]
DeliveryStatus = Literal["waiting", "sent", "left_out", "failed", "unknown"]


def read_campaign(session: Any, campaign: Campaign) -> CampaignRead:
    """A campaign as it is shown."""
    return _show(campaign, figures.map_run_ids(session, [campaign]).get(campaign.id))


def _show(campaign: Campaign, run_id: UUID | None) -> CampaignRead:
    return CampaignRead.model_validate(campaign.model_dump() | {"one_per_person": True, "run_id": run_id})


@router.get("", dependencies=[allow("campaigns:read")])
def list_campaigns(session: ScopedSession, paging: PagingParams, status: Status | None = None) -> Page[CampaignRead]:
    """Campaigns, newest first."""
    wanted = queries.list_campaigns()
    if status is not None:
        wanted = wanted.where(col(Campaign.status) == status)
    shown, next_cursor = list_page(session, wanted, Campaign.id, paging)
    run_ids = figures.map_run_ids(session, shown)
    return Page(items=[_show(row, run_ids.get(row.id)) for row in shown], next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("campaigns:write")])
def create_campaign(body: CampaignCreate, session: ScopedSession, caller: Caller) -> CampaignRead:
    """Draft a campaign."""
    return read_campaign(session, service.create(session, body, caller.scope))


@router.get("/{campaign_id}", dependencies=[allow("campaigns:read")])
def get_campaign(campaign_id: CampaignId, session: ScopedSession) -> CampaignRead:
    """One campaign."""
    return read_campaign(session, queries.get_campaign(session, campaign_id))


@router.patch("/{campaign_id}", dependencies=[allow("campaigns:write")])
def update_campaign(
    campaign_id: CampaignId, body: CampaignPatch, session: ScopedSession, if_match: Precondition
) -> CampaignRead:
    """Change a draft."""
    campaign = queries.lock_campaign(session, campaign_id)
    if_match.check(read_campaign(session, campaign))
    return read_campaign(session, service.change(session, campaign, body))


@router.delete("/{campaign_id}", status_code=204, dependencies=[allow("campaigns:write")])
def archive_campaign(campaign_id: CampaignId, session: ScopedSession, now: Now) -> Response:
    """Put a campaign away; what it sent stays on record."""
    service.archive(session, queries.lock_campaign(session, campaign_id), now)
    return Response(status_code=204)


@router.post("/{campaign_id}/dry-run", dependencies=[allow("campaigns:read")])
def dry_run_campaign(campaign_id: CampaignId, session: BrandWide, caller: Caller, now: Now) -> DryRunRead:
    """Who would get it now, and who would not and why. Nothing is written or sent."""
    campaign = service.get_own(session, campaign_id, caller.scope)
    # How many copies are left of a coupon that it may not issue is nothing for a store to know.
    counts_copies = not caller.is_stores or "coupons:issue" in caller.permissions
    return rehearsal.dry_run(session, campaign, now, counts_copies=counts_copies)


@router.get("/{campaign_id}/explain", dependencies=[allow("campaigns:read")])
def explain_campaign(
    campaign_id: CampaignId, customer_id: Explaining, session: BrandWide, caller: Caller, now: Now
) -> CampaignExplanationRead:
    """Why the campaign writes to this customer or does not, and from which of her accounts.

    Asked of the statement that chooses: before the launch as it would be now, were she the only one; after it as it was
    decided. It tells where she was last, so it needs `customers:read` too.
    """
    caller.require("customers:read")
    campaign = service.get_own(session, campaign_id, caller.scope)
    customer = get_customer(session, customer_id, caller.scope)
    return explaining.explain(session, campaign, customer.id, now)


@router.post("/{campaign_id}/launch", status_code=202, dependencies=[allow("campaigns:launch")])
def launch_campaign(campaign_id: CampaignId, session: BrandWide, caller: Caller, now: Now) -> CampaignRead:
    """Freeze the audience and begin to send. Launching twice sends once: the second call gets 409.

    A campaign with a coupon puts copies into people's hands, so it needs `coupons:issue` too.
    """
    campaign = service.get_own(session, campaign_id, caller.scope, lock=True)
    if campaign.coupon_id is not None:
        caller.require("coupons:issue")
    lifecycle.launch(session, campaign, now)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/pause", dependencies=[allow("campaigns:launch")])
def pause_campaign(campaign_id: CampaignId, session: ScopedSession) -> CampaignRead:
    """Let no further batch begin."""
    return _act(session, campaign_id, lifecycle.pause)


@router.post("/{campaign_id}/resume", dependencies=[allow("campaigns:launch")])
def resume_campaign(campaign_id: CampaignId, session: ScopedSession) -> CampaignRead:
    """Go on with a paused campaign."""
    return _act(session, campaign_id, lifecycle.resume)


@router.post("/{campaign_id}/cancel", dependencies=[allow("campaigns:launch")])
def cancel_campaign(campaign_id: CampaignId, session: ScopedSession, now: Now) -> CampaignRead:
    """Stop for good: calls already in flight end, nothing else is sent."""
    campaign = queries.lock_campaign(session, campaign_id)
    lifecycle.cancel(session, campaign, now)
    return read_campaign(session, campaign)


def _act(session: ScopedSession, campaign_id: UUID, verb: Any) -> CampaignRead:
    campaign = queries.lock_campaign(session, campaign_id)
    verb(session, campaign)
    return read_campaign(session, campaign)


@router.get("/{campaign_id}/stats", dependencies=[allow("campaigns:read")])
def get_campaign_stats(campaign_id: CampaignId, session: ScopedSession) -> StatsRead:
    """How far it is, and what its coupon did; for a store, at that store."""
    return figures.stats(session, queries.get_campaign(session, campaign_id))


@router.get("/{campaign_id}/deliveries", dependencies=[allow("campaigns:read")])
def list_campaign_deliveries(
    campaign_id: CampaignId, session: ScopedSession, paging: PagingParams, status: DeliveryStatus | None = None
) -> Page[DeliveryRead]:
    """Everyone in the run: sent to, waiting, failed, or left out and why."""
    campaign = queries.get_campaign(session, campaign_id)
    items, last = figures.list_deliveries(session, campaign, status, paging.after, paging.limit)
    return Page(items=items, next_cursor=paging.cursor(last) if last else None)


routers = [router]
