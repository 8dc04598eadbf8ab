"""Reminders: set, taken back, and sent once a day to those who still hold a copy that ends soon."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from app.callers import CallerInfo
from app.campaigns.life.problems import ApprovalMissing
from app.campaigns.reminders import queries
from app.campaigns.reminders.models import CouponReminder
from app.campaigns.reminders.queries import Ending
from app.campaigns.reminders.schemas import ReminderPut, ReminderRead, ReminderRunRead
from app.coupons.models import Coupon
from app.messaging import planning
from app.messaging import queries as runs
from app.messaging import service as messaging
from app.messaging.audience import Audience
from app.messaging.freeze import lock_brand
from app.messaging.models import Run
from app.messaging.policies import read_policy
from app.messaging.quiet import find_awake_at
from app.messaging.render import check_messages
from tenants.brands.models import Brand
from tenants.brands.queries import get_brand
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.opening_hours import find_minutes, instant
from tenants.stores.queries import list_store_hours

log = structlog.get_logger("reminders")

LATE: Final = timedelta(hours=6)
"""How long after its time of day a worker that was away still makes up for it."""


def put_reminder(
    session: ScopedSession, coupon: Coupon, body: ReminderPut, caller: CallerInfo, now: datetime
) -> CouponReminder:
    """Set or replace a coupon's reminder. Raises Invalid with pointers, and ApprovalMissing for a store."""
    brand = get_brand(session, session.scope.brand_id)
    if brand.campaign_approval == "stores" and caller.is_stores:
        raise ApprovalMissing("Head office sets the reminders of your coupons: it has to approve what stores send.")
    check_messages(body.messages)
    reminder = queries.lock_reminder(session, coupon.id)
    if reminder is None:
        reminder = CouponReminder(coupon_id=coupon.id, store_no=coupon.store_no, due_at=now, **body.model_dump())
    else:
        for name, value in body.model_dump().items():
            setattr(reminder, name, value)
    reminder.due_at = _next_after(reminder, brand, now)
    session.add(reminder)
    session.flush()
    return reminder


def delete_reminder(session: ScopedSession, coupon: Coupon, now: datetime) -> None:
    """Remind nobody any more; what still waits of a sending is not sent. Raises NotFound."""
    reminder = queries.lock_reminder(session, coupon.id)
    if reminder is None:
        raise NotFound
    if reminder.run_id is not None:
        run = runs.lock_run(session, reminder.run_id)
        session.refresh(run)
        if run.status in ("sending", "paused"):
            messaging.stop(session, run, now)
    session.delete(reminder)
    session.flush()


def show_reminder(session: ScopedSession, reminder: CouponReminder) -> ReminderRead:
    """A reminder as the scope sees it: what head office's came to is not a store's to know."""
    run = queries.find_run(session, reminder.run_id) if reminder.run_id is not None else None
    if run is not None and not session.scope.sees_store(run.store_no):
        run = None
    last_run = run and ReminderRunRead(
        id=run.id, status=run.status, started_at=run.frozen_at, chosen=run.chosen, left_out=run.left_out
    )
    return ReminderRead.model_validate(reminder.model_dump() | {"last_run": last_run})


def remind(session: ScopedSession, coupon: Coupon, reminder: CouponReminder, now: datetime) -> Run | None:
    """Send a coupon's reminder, whose moment has come and which is locked; None where there is nobody to be reminded.

    The day's run, the marks on its copies and the next moment are written together, so that a second call finds
    nothing to do. What falls into quiet hours or on a holiday waits until they end, and is left to the next day where
    that is not on the same day; so is what comes too late.
    """
    brand = get_brand(session, session.scope.brand_id)
    zone = ZoneInfo(brand.timezone)
    today = now.astimezone(zone).date()
    is_late = now > reminder.due_at + LATE or reminder.due_at.astimezone(zone).date() != today
    awake_at = _find_awake_at(session, reminder, brand, now)
    run = None
    if is_late or reminder.reminded_on == today:
        reminder.due_at = _next_after(reminder, brand, now)
    elif brand.suspended_at is not None or brand.sending_stopped_at is not None:
        return None  # it is asked again, until it may go or is late
    elif awake_at is not None:
        is_today = awake_at.astimezone(zone).date() == today
        reminder.due_at = awake_at if is_today else _next_after(reminder, brand, now)
    else:
        run = _start_run(session, coupon, reminder, brand, now)
        if run is not None:
            reminder.reminded_on, reminder.run_id = today, run.id
        reminder.due_at = _next_after(reminder, brand, now)
    session.add(reminder)
    session.flush()
    return run


def _start_run(
    session: ScopedSession, coupon: Coupon, reminder: CouponReminder, brand: Brand, now: datetime
) -> Run | None:
    lock_brand(session)
    ending = Ending(coupon.id, now, now + timedelta(hours=reminder.hours_before))
    first_end = ending.find_first_end(session)
    if first_end is None:
        return None
    store_nos = [coupon.store_no] if coupon.store_no is not None else coupon.redeemable_store_nos
    run, _ = messaging.start_run(
        session,
        # Nothing of it goes out once the first of its copies has ended.
        cause=messaging.Cause(kind="reminder", store_no=coupon.store_no, valid_until=first_end),
        content=messaging.Content(
            messages=reminder.messages, coupon_id=coupon.id, coupon_name=coupon.name, tracking=reminder.tracking
        ),
        audience=Audience(
            where=ending.are_held(session),
            senders=planning.list_senders(session, store_nos, None),
            sender_policy=read_policy(reminder.sender_policy, brand.sender_policy),
            holdout_ratio=reminder.holdout_ratio,
            holdout_salt=f"reminder:{coupon.id}",
            owner_no=coupon.store_no,
        ),
        now=now,
    )
    ending.mark(session, run.id)
    log.info("coupon_reminded", coupon=str(coupon.id), run=str(run.id), chosen=run.chosen)
    return run


def _find_awake_at(session: ScopedSession, reminder: CouponReminder, brand: Brand, now: datetime) -> datetime | None:
    own = [] if reminder.store_no is None else [list_store_hours(session).get(reminder.store_no)]
    return find_awake_at(brand, now, own)


def _moment_of(reminder: CouponReminder, on: date, zone: ZoneInfo) -> datetime:
    return instant(on, find_minutes(reminder.send_at) or 0, zone)


def _next_after(reminder: CouponReminder, brand: Brand, now: datetime) -> datetime:
    """The next time of day at which it goes: today's, unless that has passed or today has had its run."""
    zone = ZoneInfo(brand.timezone)
    today = now.astimezone(zone).date()
    at = _moment_of(reminder, today, zone)
    if at > now and reminder.reminded_on != today:
        return at
    return _moment_of(reminder, today + timedelta(days=1), zone)
