"""Why a campaign writes to somebody or does not, and between which accounts it chooses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.campaigns.audience import read_audience
from app.campaigns.figures import find_run
from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignExplanationRead, SenderRead
from app.messaging import queries as runs
from app.messaging.explaining import Explained, tell, tell_reason
from app.messaging.planning import explain_to
from tenants.session import ScopedSession


def explain(session: ScopedSession, campaign: Campaign, customer_id: UUID, now: datetime) -> CampaignExplanationRead:
    """What was decided of this person at the launch, or would be now; and the accounts as they stand now."""
    audience = read_audience(session, campaign, now)
    explained = explain_to(session, audience, customer_id, now)
    accounts = {account.no: account for account in runs.list_all_accounts(session)}
    store_nos = {one.store_no for one in explained.candidates if one.store_no is not None}
    stores = runs.map_store_ids(session, store_nos)
    run = find_run(session, campaign)
    decided: dict[str, Any] | None = None
    if run is not None:
        decided = runs.find_delivery(session, run.id, customer_id) or {"account_no": None, "reason": None}
    senders = [
        SenderRead(
            line_account_id=accounts[one.account_no].id,
            store_id=stores.get(one.store_no) if one.store_no is not None else None,
            is_home_store=one.is_home,
            last_at=one.last_at,
            followed_at=one.followed_at,
            quota_left=one.free,
        )
        for one in explained.candidates
    ]
    if decided is None:
        account_no = explained.candidates[0].account_no if explained.is_chosen else None
        is_in, reason = explained.is_in_audience, explained.reason
    else:
        reason = decided["reason"]
        is_in = "status" in decided
        account_no = decided["account_no"] if is_in and reason is None else None
    account = None if account_no is None else accounts[account_no]
    text, text_ja = _tell(explained, audience.sender_policy, account, reason, is_in=is_in, is_past=decided is not None)
    return CampaignExplanationRead(
        campaign_id=campaign.id,
        customer_id=customer_id,
        is_launched=decided is not None,
        in_audience=is_in,
        chosen=account is not None,
        reason=reason,
        sender_policy=audience.sender_policy,
        line_account_id=account.id if account else None,
        senders=senders,
        text=text,
        text_ja=text_ja,
    )


def _tell(
    now: Explained, policy: str, account: Any, reason: str | None, *, is_in: bool, is_past: bool
) -> tuple[str, str]:
    """In words. What was decided in the past has its account; why it was that one is told while it still is."""
    if not is_in:
        return tell(Explained(False, None, ()), policy, "")
    if reason is not None:
        return tell_reason(reason)
    if is_past and not now.candidates:
        return f"{account.name} spoke to her.", f"「{account.name}」から届きました。"
    if is_past and now.candidates[0].account_no != account.no:
        return (
            f"{account.name} spoke to her; now it would be another.",
            f"「{account.name}」から届きました。今なら別のアカウントからです。",
        )
    return tell(Explained(True, None, now.candidates), policy, account.name)
