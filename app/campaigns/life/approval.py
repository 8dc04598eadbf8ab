"""Approval: a store submits what it drafted, head office approves it or sends it back."""

from datetime import datetime

from app.callers import CallerInfo
from app.campaigns.life import scheduling
from app.campaigns.life.problems import ApprovalMissing
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.templates.service import read_blocks
from tenants.brands.models import Brand
from tenants.session import ScopedSession


def submit(session: ScopedSession, campaign: Campaign, caller: CallerInfo, note: str | None) -> None:
    """Lay a draft before head office. Raises Conflict."""
    campaign.approved_at = None
    take(session, campaign, "submitted", by=caller.outside_id, note=note)


def approve(session: ScopedSession, campaign: Campaign, caller: CallerInfo, note: str | None, now: datetime) -> None:
    """Approve a campaign as it stands: it goes at its moment, where that is still to come, or waits to be launched.

    Raises Conflict, PermissionMissing.
    """
    take(session, campaign, "approved", by=caller.outside_id, note=note)
    campaign.approved_at = now
    # What a store words differently from now on is not what head office read.
    of_store = campaign.store_no
    campaign.approved_blocks = None if of_store is None else read_blocks(session, campaign.template_id, [of_store])
    session.add(campaign)
    send_at = scheduling.read_send_at(campaign)
    if send_at is not None and send_at > now:
        scheduling.schedule(session, campaign, caller, send_at)


def send_back(session: ScopedSession, campaign: Campaign, caller: CallerInfo, note: str) -> None:
    """Make it a draft again, with a word why. Raises Conflict."""
    take(session, campaign, "returned", by=caller.outside_id, note=note)


def require_approval(campaign: Campaign, brand: Brand, caller: CallerInfo) -> None:
    """Raises ApprovalMissing where the brand wants to see first what its stores send, and has not."""
    if brand.campaign_approval == "stores" and caller.is_stores and campaign.approved_at is None:
        raise ApprovalMissing("Submit it; head office has to approve what its stores send.")
