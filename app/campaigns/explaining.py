"""Why a campaign writes to somebody or does not, and between which accounts it chooses."""

from datetime import datetime
from uuid import UUID

from app.campaigns.absence import tell_absence
from app.campaigns.audience import read_audience
from app.campaigns.figures import find_run
from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignExplanationRead, SenderRead
from app.messaging import queries as runs
from app.messaging.explaining import Explained, tell, tell_reason, tell_several
from app.messaging.planning import explain_to
from tenants.line_accounts.models import LineAccount
from tenants.session import ScopedSession


def explain(session: ScopedSession, campaign: Campaign, customer_id: UUID, now: datetime) -> CampaignExplanationRead:
    """What was decided of this person at the launch, or would be now; and the accounts as they stand now."""
    audience = read_audience(session, campaign, now)
    explained = explain_to(session, audience, customer_id, now)
    accounts = {account.no: account for account in runs.list_all_accounts(session)}
    store_nos = {one.store_no for one in explained.candidates if one.store_no is not None}
    stores = runs.map_store_ids(session, store_nos)
    run = find_run(session, campaign)
    decided = None if run is None else runs.list_deliveries_to(session, run.id, customer_id)
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
        is_in, reason = explained.is_in_audience, explained.reason
        chosen = [one.account_no for one in explained.candidates if one.reason is None] if explained.is_chosen else []
        left_out = {one.account_no: one.reason for one in explained.candidates if one.reason is not None}
    else:
        is_in = bool(decided)
        chosen = [row["account_no"] for row in decided if row["reason"] is None]
        reason = None if chosen or not decided else decided[0]["reason"]
        left_out = {row["account_no"]: row["reason"] for row in decided if row["reason"] is not None}
    if not audience.is_several:
        chosen = chosen[:1]
    if not is_in:
        text, text_ja = tell_absence(session, campaign, customer_id, now, is_past=decided is not None)
    elif not chosen:
        assert reason is not None
        text, text_ja = tell_reason(reason)
    elif audience.is_several:
        names = {accounts[no].name: why for no, why in left_out.items() if no is not None}
        text, text_ja = tell_several([accounts[no].name for no in chosen], names)
    else:
        text, text_ja = _tell(explained, audience.sender_policy, accounts[chosen[0]], is_past=decided is not None)
    return CampaignExplanationRead(
        campaign_id=campaign.id,
        customer_id=customer_id,
        is_launched=decided is not None,
        in_audience=is_in,
        chosen=bool(chosen),
        reason=reason,
        sender_policy=audience.sender_policy,
        line_account_id=accounts[chosen[0]].id if chosen else None,
        line_account_ids=[accounts[no].id for no in chosen],
        senders=senders,
        text=text,
        text_ja=text_ja,
    )


def _tell(now: Explained, policy: str, account: LineAccount, *, is_past: bool) -> tuple[str, str]:
    """In words. What was decided in the past has its account; why it was that one is told while it still is."""
    if is_past and not now.candidates:
        return f"{account.name} spoke to her.", f"「{account.name}」から届きました。"
    if is_past and now.candidates[0].account_no != account.no:
        return (
            f"{account.name} spoke to her; now it would be another.",
            f"「{account.name}」から届きました。今なら別のアカウントからです。",
        )
    return tell(Explained(True, None, now.candidates), policy, account.name)
