"""What becomes of a campaign: launched once, paused, resumed, cancelled."""

from datetime import datetime

from app.campaigns.audience import find_coupon, read_audience
from app.campaigns.models import Campaign
from app.campaigns.service import OPEN
from app.coupons import service as issuing
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.freeze import lock_brand
from app.messaging.guards import find_quiet_end
from app.messaging.models import Run
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.problems import Conflict
from tenants.session import ScopedSession


def launch(session: ScopedSession, campaign: Campaign, now: datetime) -> Run:
    """Freeze the audience, issue the coupon, begin to send. The campaign is locked, so it runs once."""
    if campaign.status not in OPEN:
        raise Conflict(f"This campaign is {campaign.status}; a campaign is launched once.")
    if campaign.valid_until is not None and campaign.valid_until <= now:
        raise Conflict("The campaign's valid_until has passed.")
    lock_brand(session)
    _require_waking(get_brand(session, session.scope.brand_id), now)
    coupon = find_coupon(session, campaign)
    if coupon is not None:
        issuing.require_current(session, coupon, now)
    run, _ = messaging.start_run(
        session,
        cause=messaging.Cause(
            kind="campaign", campaign_id=campaign.id, store_no=campaign.store_no, valid_until=campaign.valid_until
        ),
        content=messaging.Content(
            messages=campaign.messages, coupon_id=campaign.coupon_id, coupon_name=coupon.name if coupon else None
        ),
        audience=read_audience(session, campaign, now),
        quota_policy=campaign.quota_policy,
        now=now,
    )
    if coupon is not None:
        issuing.issue_to_run(session, coupon, run, now=now)
    campaign.status, campaign.launched_at = "sending", now
    session.add(campaign)
    session.flush()
    return run


def _require_waking(brand: Brand, now: datetime) -> None:
    """Refuse what would reach nobody and could not be launched again. Raises Conflict in quiet hours."""
    end = find_quiet_end(brand.quiet_hours, brand.timezone, now)
    if end is not None:
        raise Conflict(f"These are the brand's quiet hours, until {end:%H:%M}; launch it then.")


def pause(session: ScopedSession, campaign: Campaign) -> None:
    """Pause. Raises Conflict unless it sends."""
    messaging.pause(session, _locked_run(session, campaign, "sending"))
    campaign.status = "paused"
    session.add(campaign)


def resume(session: ScopedSession, campaign: Campaign) -> None:
    """Resume. Raises Conflict unless it is paused."""
    messaging.resume(session, _locked_run(session, campaign, "paused"))
    campaign.status = "sending"
    session.add(campaign)


def cancel(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Stop for good. Raises Conflict when there is nothing left to stop."""
    if campaign.status in OPEN:
        campaign.status = "cancelled"
    else:
        messaging.stop(session, _locked_run(session, campaign, "sending", "paused"), now)
        campaign.status = "cancelled"
    session.add(campaign)
    session.flush()


def _locked_run(session: ScopedSession, campaign: Campaign, *statuses: str) -> Run:
    run = runs.find_run_of_campaign(session, campaign.id)
    if run is not None:
        run = runs.lock_run(session, run.id)
        session.refresh(run)
    if run is None or run.status not in statuses:
        state = run.status if run else campaign.status
        raise Conflict(f"The campaign is {state}; this needs it to be {' or '.join(statuses)}.")
    return run
