"""Reminding by the clock."""

from uuid import UUID

from app.campaigns.reminders import queries, service
from app.coupons.queries import get_coupon
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from app.messaging.syncing import sync_stale
from tenants.problems import NotFound


@periodic("* * * * *")
def send_due_reminders(clock: Clockwork) -> None:
    """Give each reminder whose moment has come a job of its own, so that none waits for another."""
    for brand_id in queries.list_brands_with_due(clock.engine, clock.now):
        with clock.session(brand_id) as session:
            for coupon_id in queries.list_due_coupon_ids(session, clock.now):
                defer(session, send_reminder, once_key=f"coupon-reminder:{coupon_id}", coupon_id=coupon_id)


@task
def send_reminder(work: Work, coupon_id: UUID) -> None:
    """Send the reminder of a coupon. A second run finds that it is not due."""
    sync_stale(work.engine, work.keyring, work.settings, work.brand_id, work.now)
    with work.session() as session:
        reminder = queries.lock_reminder(session, coupon_id)
        if reminder is None or reminder.due_at > work.now:
            return
        try:
            coupon = get_coupon(session, coupon_id)
        except NotFound:  # it was put away: nobody is invited to what is no longer offered
            session.delete(reminder)
            return
        service.remind(session, coupon, reminder, work.now)
