"""Scheduling: which moment a campaign waits for, and what becomes of it when the moment comes."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from app.callers import CallerInfo
from app.campaigns.life.events import CampaignEnded
from app.campaigns.life.schemas import Schedule
from app.campaigns.life.states import take
from app.campaigns.models import Campaign
from app.events.service import record
from app.schemas import write_instant
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


def is_late(campaign: Campaign, at: datetime, now: datetime) -> bool:
    """Whether it is too late to send what was to go at this moment."""
    schedule = read_schedule(campaign)
    minutes = schedule.late_minutes if schedule else LATE_MINUTES
    return now > at + timedelta(minutes=minutes)


def schedule(session: ScopedSession, campaign: Campaign, caller: CallerInfo, at: datetime) -> None:
    """Let the clock launch a draft. Raises Conflict, PermissionMissing: its coupon goes into people's hands then."""
    _require_valid_at(campaign, at)
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
    _require_valid_at(campaign, wanted.send_at)
    campaign.scheduled_at = wanted.send_at
    take(session, campaign, "rescheduled", by=by, note=write_instant(wanted.send_at))


def _require_valid_at(campaign: Campaign, at: datetime) -> None:
    if campaign.valid_until is not None and campaign.valid_until <= at:
        raise Conflict("The campaign's valid_until comes before schedule.send_at.")


def postpone(session: ScopedSession, campaign: Campaign, until: datetime, why: str) -> None:
    """Wait until nobody is asleep any more; or expire, where that would be too late."""
    if campaign.valid_until is not None and campaign.valid_until <= until:
        end(
            session,
            campaign,
            "expired",
            f"{why}, and it was valid only until {write_instant(campaign.valid_until)}.",
            until,
        )
        return
    campaign.scheduled_at = until
    take(session, campaign, "postponed", note=f"{why}, until {write_instant(until)}.")


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
