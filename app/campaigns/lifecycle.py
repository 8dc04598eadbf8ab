"""What becomes of a campaign: launched once, paused, resumed, cancelled."""

from datetime import datetime, timedelta
from uuid import UUID

from app.callers import CallerInfo
from app.campaigns.audience import find_coupon, read_audience
from app.campaigns.blocks import find_blocks
from app.campaigns.experiments import service as experiments
from app.campaigns.life.approval import require_approval
from app.campaigns.life.queries import find_scheduled
from app.campaigns.life.scheduling import end, is_late, postpone, read_send_at, require_valid, schedule
from app.campaigns.life.states import require, take
from app.campaigns.models import Campaign
from app.campaigns.rehearsal import find_rehearsed, tell_difference
from app.coupons import issuing
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.freeze import lock_brand
from app.messaging.models import Run
from app.messaging.quiet import find_awake_at
from app.schemas import write_instant
from tenants.brands.queries import get_brand
from tenants.problems import Conflict, NotFound, Problem
from tenants.session import ScopedSession
from tenants.stores.queries import get_store, list_store_hours


def launch(
    session: ScopedSession, campaign: Campaign, caller: CallerInfo, now: datetime, *, dry_run_id: UUID | None = None
) -> None:
    """Begin to send, or let the clock do so where the schedule names a moment to come. The campaign is locked.

    Raises Conflict, ApprovalMissing, PermissionMissing, and what `begin` raises.
    """
    if campaign.status == "scheduled":
        raise Conflict("This campaign is scheduled; set its schedule to null to launch it by hand.")
    require(campaign, "launched")
    require_approval(campaign, get_brand(session, session.scope.brand_id), caller)
    send_at = read_send_at(campaign)
    if send_at is not None and send_at > now:
        schedule(session, campaign, caller, send_at)
    elif send_at is not None and is_late(campaign, send_at, now):
        raise Conflict("schedule.send_at has passed; name another moment, or none.")
    else:
        begin(session, campaign, now, by=caller.outside_id, dry_run_id=dry_run_id)


def launch_on_time(session: ScopedSession, campaign_id: UUID, now: datetime) -> bool:
    """Launch a campaign whose moment has come; whether there was anything to do: a second call finds it launched.

    What comes too late expires, what falls into quiet hours waits for their end, what cannot be launched has failed;
    the latter is not tried again.
    """
    campaign = find_scheduled(session, campaign_id)
    if campaign is None or campaign.scheduled_at is None or campaign.scheduled_at > now:
        return False
    brand = get_brand(session, session.scope.brand_id)
    if campaign.valid_until is not None and campaign.valid_until <= now:
        end(session, campaign, "expired", "Its valid_until had passed when its moment came.", now)
    elif is_late(campaign, campaign.scheduled_at, now):
        end(
            session,
            campaign,
            "expired",
            f"It was to go at {write_instant(campaign.scheduled_at)}; now it is late.",
            now,
        )
    elif brand.sending_stopped_at is not None or brand.suspended_at is not None:
        return False  # it is asked again, until it may go or is late
    elif (awake_at := _find_awake_at(session, campaign, now)) is not None:
        postpone(session, campaign, awake_at, now)
    else:
        try:
            with session.begin_nested():
                begin(session, campaign, now)
        except Problem as problem:
            end(session, campaign, "failed", str(problem), now)
    return True


def begin(
    session: ScopedSession, campaign: Campaign, now: datetime, *, by: str | None = None, dry_run_id: UUID | None = None
) -> Run:
    """Freeze the audience, issue the coupon, begin to send. The campaign is locked, so it runs once.

    The run is compared with this dry run, or else with the newest of the campaign as it stands.
    """
    require_valid(session, campaign, now)
    _require_open(session, campaign)
    lock_brand(session)
    _require_waking(session, campaign, now)
    coupon = find_coupon(session, campaign)
    if coupon is not None:
        issuing.require_current(session, coupon, now)
    rehearsed = find_rehearsed(session, campaign, dry_run_id)
    run, _ = messaging.start_run(
        session,
        cause=messaging.Cause(
            kind="campaign", campaign_id=campaign.id, store_no=campaign.store_no, valid_until=campaign.valid_until
        ),
        content=messaging.Content(
            messages=campaign.messages,
            variants=campaign.variants or (),
            fallback_messages=campaign.fallback_messages,
            coupon_id=campaign.coupon_id,
            coupon_name=coupon.name if coupon else None,
            tracking=campaign.tracking,
            store_values=find_blocks(session, campaign),
        ),
        audience=read_audience(session, campaign, now),
        quota_policy=campaign.quota_policy,
        now=now,
    )
    tell_difference(session, run, rehearsed)
    experiments.begin(session, campaign, run, now)
    if coupon is not None:
        issuing.issue_to_run(session, coupon, run, now=now)
    campaign.launched_at = now
    take(session, campaign, "launched", by=by)
    return run


def _require_open(session: ScopedSession, campaign: Campaign) -> None:
    """Raises Conflict once the store whose campaign it is has been archived: a shop that closed writes to nobody."""
    if campaign.store_id is not None:
        try:
            get_store(session, campaign.store_id)
        except NotFound as error:
            raise Conflict("The campaign's store has been archived.") from error


def _require_waking(session: ScopedSession, campaign: Campaign, now: datetime) -> None:
    """Refuse what would reach nobody and could not be launched again. Raises Conflict in quiet hours."""
    awake_at = _find_awake_at(session, campaign, now)
    if awake_at is not None:
        until = f"{awake_at:%H:%M}" if awake_at - now < timedelta(days=1) else f"{awake_at:%Y-%m-%d %H:%M}"
        raise Conflict(f"Nothing is sent now, in quiet hours or on a holiday, until {until}; launch it then.")


def _find_awake_at(session: ScopedSession, campaign: Campaign, now: datetime) -> datetime | None:
    """When something of a campaign may be sent again; None: now. A store's waits for that store's own hours too."""
    brand = get_brand(session, session.scope.brand_id)
    own = [] if campaign.store_no is None else [list_store_hours(session).get(campaign.store_no)]
    return find_awake_at(brand, now, own)


def pause(session: ScopedSession, campaign: Campaign, by: str) -> None:
    """Pause. Raises Conflict unless it sends."""
    messaging.pause(session, _locked_run(session, campaign, "sending"))
    take(session, campaign, "paused", by=by)


def resume(session: ScopedSession, campaign: Campaign, by: str) -> None:
    """Resume. Raises Conflict unless it is paused."""
    messaging.resume(session, _locked_run(session, campaign, "paused"))
    take(session, campaign, "resumed", by=by)


def cancel(session: ScopedSession, campaign: Campaign, by: str, now: datetime) -> None:
    """Stop for good. Raises Conflict when there is nothing left to stop."""
    if campaign.launched_at is not None:
        messaging.stop(session, _locked_run(session, campaign, "sending", "paused"), now)
    take(session, campaign, "cancelled", by=by)


def _locked_run(session: ScopedSession, campaign: Campaign, *statuses: str) -> Run:
    run = runs.find_run_of_campaign(session, campaign.id)
    if run is not None:
        run = runs.lock_run(session, run.id)
        session.refresh(run)
    if run is None or run.status not in statuses:
        state = run.status if run else campaign.status
        raise Conflict(f"The campaign is {state}; this needs it to be {' or '.join(statuses)}.")
    return run
