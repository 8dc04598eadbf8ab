"""What the clock does for coupons: birthdays, and what was set aside and is not needed."""

from datetime import timedelta
from uuid import UUID

from app.coupons import issue_limits, occasions, queries
from app.coupons.redeeming import LATEST_SETTLEMENT
from app.jobs.queue import Clockwork, Work, defer, periodic, task
from tenants.brands.queries import get_brand, list_brand_ids

GIVEN_AT_ONCE = 500
SETTLED_AT_ONCE = 10_000
SETTLED_AFTER = LATEST_SETTLEMENT + timedelta(minutes=10)
"""Until then a till may still tell of a use before the copy's end."""


@periodic("5 * * * *")
def give_birthday_coupons(clock: Clockwork) -> None:
    """Have each brand's birthday coupons given, every hour of the day: who is told of today gets hers today."""
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            on = clock.now.astimezone(queries.zone_of(session))
            if on.hour >= occasions.FROM_HOUR and occasions.list_birthday_coupons(session):
                defer(session, give_birthdays, once_key=f"birthdays:{on.date().isoformat()}:{on.hour}")


@task
def give_birthdays(work: Work) -> None:
    """Give a brand's birthday coupons to those whose day it is, so many at a time that nobody waits for long."""
    with work.session() as session:
        if get_brand(session, work.brand_id).suspended_at is not None:
            return
        on = work.now.astimezone(queries.zone_of(session)).date()
        coupon_ids = [coupon.id for coupon in occasions.list_birthday_coupons(session)]
    for coupon_id in coupon_ids:
        after: UUID | None = UUID(int=0)
        while after is not None:
            with work.session() as session:
                coupon = queries.get_coupon(session, coupon_id)
                after = occasions.give_birthdays(session, coupon, on, after=after, most=GIVEN_AT_ONCE, now=work.now)


@periodic("25 * * * *")
def settle_reserves(clock: Clockwork) -> None:
    """Put back what was set aside for copies that are over, brand by brand and coupon by coupon."""
    ended_before = clock.now - SETTLED_AFTER
    for brand_id in list_brand_ids(clock.engine):
        with clock.session(brand_id) as session:
            coupon_ids = issue_limits.list_overdue_ids(session, ended_before)
        for coupon_id in coupon_ids:
            settled = SETTLED_AT_ONCE
            while settled == SETTLED_AT_ONCE:
                with clock.session(brand_id) as session:
                    settled = issue_limits.settle_reserves(session, coupon_id, ended_before, SETTLED_AT_ONCE)
