"""Scheduling: which moment a campaign waits for, and what becomes of it when the moment comes."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from app.callers import CallerInfo
from app.campaigns.experiments.parts import find_decide_at
from app.campaigns.life.best_time import find_last_moment
from app.campaigns.life.events import CampaignEnded
from app.campaigns.life.schemas import BestTime, Schedule
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.events.service import record
from app.schemas import write_instant
from tenants.brands.queries import get_brand
from tenants.problems import Conflict
from tenants.session import ScopedSession

log = structlog.get_logger("campaigns")
LATE_MINUTES: Final = 60


def read_schedule(campaign: Campaign) -> Schedule | None:
    """When it is to go, as it was said."""
    return None if campaign.schedule is None else Schedule.model_validate(campaign.schedule)


def read_send_at(campaign: Campaign) -> datetime | None:
    """The moment that its schedule names, if any."""
    schedule = read_schedule(campaign)
    return schedule.send_at if schedule else None


def read_best_time(campaign: Campaign) -> BestTime | None:
    """The window within which each person has her own hour, if it has one."""
    schedule = read_schedule(campaign)
    return schedule.best_time if schedule else None


def require_valid(session: ScopedSession, campaign: Campaign, at: datetime) -> None:
    """Raises Conflict unless what goes at this moment is still valid then, for whom it reaches last."""
    if campaign.valid_until is None:
        return
    if campaign.valid_until <= at:
        raise Conflict("The campaign's valid_until has passed, or will have when it goes.")
    decide_at = find_decide_at(campaign, at)
    if decide_at is not None and campaign.valid_until <= decide_at:
        raise Conflict("The campaign's valid_until comes before the decision: the rest would never be sent.")
    best_time = read_best_time(campaign)
    if best_time is not None:
        zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
        last_at = find_last_moment(best_time, zone, at)
        if campaign.valid_until <= last_at:
            raise Conflict(f"The campaign's valid_until comes before the last person's hour, {write_instant(last_at)}.")


def is_late(campaign: Campaign, at: datetime, now: datetime) -> bool:
    """Whether it is too late to send what was to go at this moment."""
    schedule = read_schedule(campaign)
    minutes = schedule.late_minutes if schedule else LATE_MINUTES
    return now > at + timedelta(minutes=minutes)


def schedule(session: ScopedSession, campaign: Campaign, caller: CallerInfo, at: datetime) -> None:
    """Let the clock launch a draft. Raises Conflict, PermissionMissing: its coupon goes into people's hands then."""
    require_valid(session, campaign, at)
    if campaign.coupon_id is not None:
        caller.require("coupons:issue")
    campaign.scheduled_at = at
    take(session, campaign, "scheduled", by=caller.outside_id, note=write_instant(at))


def reschedule(session: ScopedSession, campaign: Campaign, wanted: Schedule | None, by: str, now: datetime) -> None:
    """Give a scheduled campaign another moment, or take it from the schedule: it is a draft again. Raises Conflict."""
    campaign.schedule = wanted.to_column() if wanted else None
    if wanted is None or wanted.send_at is None:
        campaign.scheduled_at = None
        take(session, campaign, "unscheduled", by=by)
        return
    if wanted.send_at <= now:
        raise Conflict("schedule.send_at has passed.")
    require_valid(session, campaign, wanted.send_at)
    campaign.scheduled_at = wanted.send_at
    take(session, campaign, "rescheduled", by=by, note=write_instant(wanted.send_at))


def postpone(session: ScopedSession, campaign: Campaign, until: datetime, now: datetime) -> None:
    """Wait until the quiet hours end; or expire, where that would be too late."""
    why = f"Quiet hours until {write_instant(until)}"
    if campaign.valid_until is not None and campaign.valid_until <= until:
        valid_until = write_instant(campaign.valid_until)
        end(session, campaign, "expired", f"{why}, and it was valid only until {valid_until}.", now)
        return
    campaign.scheduled_at = until
    take(session, campaign, "postponed", note=f"{why}.")


def end(session: ScopedSession, campaign: Campaign, kind: str, detail: str, now: datetime) -> None:
    """End a scheduled campaign before it began: `expired` or `failed`."""
    take(session, campaign, kind, note=detail[:1000])
    record(
        session,
        CampaignEnded(
            occurred_at=now,
            store_no=campaign.store_no,
            campaign_id=campaign.id,
            status=campaign.status,
            detail=detail[:1000],
        ),
    )
    log.warning("campaign_ended", campaign=str(campaign.id), status=campaign.status, detail=detail)
