"""Campaigns over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import col

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.campaigns import explaining, figures, lifecycle, queries, rehearsal, service, wording
from app.campaigns.asking import ask_quotas
from app.campaigns.grouping import GroupBy
from app.campaigns.life.steps import map_last_steps
from app.campaigns.models import Campaign
from app.campaigns.schemas import (
    CampaignCreate,
    CampaignExplanationRead,
    CampaignLaunch,
    CampaignPatch,
    CampaignRead,
    DeliveryRead,
    DryRunRead,
    StatsRead,
    Status,
)
from app.campaigns.wording import AskedChange, AskedKept, AskedNew
from app.customers.queries import get_customer
from app.messaging import trimming
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import CampaignId, CustomerId, Page

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"], route_class=ApiRoute)
ASKED_QUOTAS = Depends(ask_quotas, scope="function")
Explaining = Annotated[CustomerId, Query(description="Of whom it is to be explained.")]
LeftOutReason = Literal["no_friend", "cap", "quiet_hours", "consent", "holdout", "quota", "duplicate", "stopped"]
DeliveryStatus = Literal["waiting", "sent", "left_out", "failed", "unknown"]


def read_campaign(session: Any, campaign: Campaign) -> CampaignRead:
    """A campaign as it is shown."""
    return _show_all(session, [campaign])[0]


def _show_all(session: Any, campaigns: Sequence[Campaign]) -> list[CampaignRead]:
    runs, steps = figures.map_runs(session, campaigns), map_last_steps(session, campaigns)
    nothing = {"run_id": None, "dry_run_id": None, "difference": None}
    return [
        CampaignRead.model_validate(
            row.model_dump()
            | {
                "trim_by": row.trim_by or trimming.DEFAULT,
                "one_per_person": row.one_per_person,
                "last_step": steps.get(row.id),
                **(runs.get(row.id) or nothing),
            }
        )
        for row in campaigns
    ]


@router.get("", dependencies=[allow("campaigns:read")])
def list_campaigns(session: ScopedSession, paging: PagingParams, status: Status | None = None) -> Page[CampaignRead]:
    """Campaigns, newest first."""
    wanted = queries.list_campaigns()
    if status is not None:
        wanted = wanted.where(col(Campaign.status) == status)
    shown, next_cursor = list_page(session, wanted, Campaign.id, paging)
    return Page(items=_show_all(session, shown), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("campaigns:write")])
def create_campaign(asked: AskedNew, body: CampaignCreate, session: ScopedSession, caller: Caller) -> CampaignRead:
    """Draft a campaign. LINE is asked about its messages; where it is away, the campaign is kept all the same."""
    campaign = service.create(session, body, caller.scope, by=caller.outside_id)
    wording.note(campaign, asked)
    return read_campaign(session, campaign)


@router.get("/{campaign_id}", dependencies=[allow("campaigns:read")])
def get_campaign(campaign_id: CampaignId, session: ScopedSession) -> CampaignRead:
    """One campaign."""
    return read_campaign(session, queries.get_campaign(session, campaign_id))


@router.patch("/{campaign_id}", dependencies=[allow("campaigns:write")])
def update_campaign(
    campaign_id: CampaignId,
    asked: AskedChange,
    body: CampaignPatch,
    session: ScopedSession,
    caller: Caller,
    now: Now,
    if_match: Precondition,
) -> CampaignRead:
    """Change a draft; of what is scheduled only the schedule, which needs `campaigns:launch` too.

    What is changed while it awaits approval is a draft again; what was approved needs approval again, unless only its
    schedule was changed.
    """
    campaign = queries.lock_campaign(session, campaign_id)
    if_match.check(read_campaign(session, campaign))
    service.change(session, campaign, body, caller, now)
    wording.note(campaign, asked)
    return read_campaign(session, campaign)


@router.delete("/{campaign_id}", status_code=204, dependencies=[allow("campaigns:write")])
def archive_campaign(campaign_id: CampaignId, session: ScopedSession, now: Now) -> Response:
    """Put a campaign away; what it sent stays on record."""
    service.archive(session, queries.lock_campaign(session, campaign_id), now)
    return Response(status_code=204)


@router.post("/{campaign_id}/dry-run", dependencies=[allow("campaigns:read"), ASKED_QUOTAS])
def dry_run_campaign(
    campaign_id: CampaignId, asked: AskedKept, session: BrandWide, caller: Caller, now: Now
) -> DryRunRead:
    """Who would get it now, and who would not and why. Nothing is sent.

    It is kept for a week, ten of a campaign at most, so that the launch can tell what changed since, by person.
    """
    campaign = service.get_own(session, campaign_id, caller.scope)
    # How many copies are left of a coupon that it may not issue is nothing for a store to know.
    wording.note(campaign, asked)
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


@router.post("/{campaign_id}/launch", status_code=202, dependencies=[allow("campaigns:launch"), ASKED_QUOTAS])
def launch_campaign(
    campaign_id: CampaignId,
    asked: AskedKept,
    session: BrandWide,
    caller: Caller,
    now: Now,
    body: CampaignLaunch | None = None,
) -> CampaignRead:
    """Freeze the audience and begin to send, or wait for the moment that the schedule names. Launching twice sends
    once: the second call gets 409.

    `difference` then says what is not as the dry run said. A campaign with a coupon puts copies into people's hands,
    so it needs `coupons:issue` too.
    """
    campaign = service.get_own(session, campaign_id, caller.scope, lock=True)
    if campaign.coupon_id is not None:
        caller.require("coupons:issue")
    wording.note(campaign, asked)
    lifecycle.launch(session, campaign, caller, now, dry_run_id=body.dry_run_id if body else None)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/pause", dependencies=[allow("campaigns:launch")])
def pause_campaign(campaign_id: CampaignId, session: ScopedSession, caller: Caller) -> CampaignRead:
    """Let no further batch begin."""
    campaign = queries.lock_campaign(session, campaign_id)
    lifecycle.pause(session, campaign, caller.outside_id)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/resume", dependencies=[allow("campaigns:launch")])
def resume_campaign(campaign_id: CampaignId, session: ScopedSession, caller: Caller) -> CampaignRead:
    """Go on with a paused campaign."""
    campaign = queries.lock_campaign(session, campaign_id)
    lifecycle.resume(session, campaign, caller.outside_id)
    return read_campaign(session, campaign)


@router.post("/{campaign_id}/cancel", dependencies=[allow("campaigns:launch")])
def cancel_campaign(campaign_id: CampaignId, session: ScopedSession, caller: Caller, now: Now) -> CampaignRead:
    """Stop for good: calls already in flight end, nothing else is sent; what has not begun never will."""
    campaign = queries.lock_campaign(session, campaign_id)
    lifecycle.cancel(session, campaign, caller.outside_id, now)
    return read_campaign(session, campaign)


@router.get("/{campaign_id}/stats", dependencies=[allow("campaigns:read")])
def get_campaign_stats(
    campaign_id: CampaignId,
    session: ScopedSession,
    group_by: Annotated[
        GroupBy | None, Query(description="Tell each variant's, account's or store's part too.", examples=["variant"])
    ] = None,
) -> StatsRead:
    """How far it is, and what its coupon did; for a store, at that store."""
    return figures.stats(session, queries.get_campaign(session, campaign_id), group_by)


@router.get("/{campaign_id}/deliveries", dependencies=[allow("campaigns:read")])
def list_campaign_deliveries(
    campaign_id: CampaignId,
    session: ScopedSession,
    paging: PagingParams,
    status: DeliveryStatus | None = None,
    reason: Annotated[
        LeftOutReason | None, Query(description="Only those who are left out for this reason.", examples=["quota"])
    ] = None,
) -> Page[DeliveryRead]:
    """Everyone in the run: sent to, waiting, failed, or left out and why."""
    campaign = queries.get_campaign(session, campaign_id)
    items, next_cursor = figures.list_deliveries(session, campaign, status, reason, paging)
    return Page(items=items, next_cursor=next_cursor)


routers = [router]
