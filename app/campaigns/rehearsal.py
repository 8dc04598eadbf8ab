"""Dry runs: what launching a campaign now would come to."""

from dataclasses import replace
from datetime import datetime

from app.campaigns.audience import read_audience
from app.campaigns.models import Campaign
from app.campaigns.schemas import AccountCount, DryRunRead
from app.messaging.planning import plan
from tenants.session import ScopedSession


def dry_run(session: ScopedSession, campaign: Campaign, now: datetime, *, counts_copies: bool = True) -> DryRunRead:
    """What launching now would come to; without `counts_copies` as if the coupon had copies for everybody."""
    audience = read_audience(session, campaign, now)
    if not counts_copies:
        audience = replace(audience, most=None)
    _, tally = plan(session, audience, campaign.quota_policy, now)
    ids = {sender.account_no: sender.line_account_id for sender in audience.senders}
    by_account = [
        AccountCount(line_account_id=ids[no], chosen=count) for no, count in sorted(tally.chosen_by_account.items())
    ]
    return DryRunRead(chosen=tally.chosen, left_out=tally.left_out, by_line_account=by_account)
