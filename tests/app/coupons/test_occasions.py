"""Birthdays: a copy on the day, once a year."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.coupons import occasions
from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.tasks import give_birthday_coupons, give_birthdays
from app.jobs.queue import Clockwork, Work
from app.settings import Settings
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome

NOON = datetime(2027, 3, 1, 3, 0, tzinfo=UTC)
START = UUID(int=0)


def give(session: ScopedSession, coupon: Coupon, on: date, most: int = 100, after: UUID | None = START) -> set[UUID]:
    """Give a day's birthdays, turn by turn; who has a copy by then."""
    while after is not None:
        after = occasions.give_birthdays(session, coupon, on, after=after, most=most, now=NOON)
    return set(session.exec(select(IssuedCoupon.customer_id).where(col(IssuedCoupon.coupon_id) == coupon.id)).all())


def born(session: ScopedSession, *days: date) -> list[UUID]:
    return [make.customer(session, birthday_on=day).id for day in days]


def test_those_born_on_this_day_are_given_a_copy_once_a_year(session: ScopedSession) -> None:
    coupon = make.coupon(session, occasion="birthday")
    hers, _, other = born(session, date(1990, 3, 3), date(1990, 3, 4), date(2001, 3, 3))
    make.customer(session)
    make.customer(session, birthday_on=date(1990, 3, 3), erased_at=NOON)
    for _ in range(2):
        assert give(session, coupon, date(2027, 3, 3), most=1) == {hers, other}
    assert len(session.exec(select(IssuedCoupon)).all()) == 2
    give(session, coupon, date(2028, 3, 3))
    assert len(session.exec(select(IssuedCoupon)).all()) == 4


@pytest.mark.parametrize(
    ("on", "is_hers"),
    [
        (date(2027, 3, 1), True),
        (date(2027, 2, 28), False),
        (date(2028, 2, 29), True),
        (date(2028, 3, 1), False),
        (date(2100, 3, 1), True),
    ],
)
def test_who_was_born_on_a_leap_day_has_hers_every_year(session: ScopedSession, on: date, is_hers: bool) -> None:
    coupon = make.coupon(session, occasion="birthday", validity={"from": "2027-01-01", "to": "2150-01-01"})
    [hers] = born(session, date(2000, 2, 29))
    assert give(session, coupon, on) == ({hers} if is_hers else set())


def test_whom_a_cap_leaves_out_keeps_nobody_else_from_hers(session: ScopedSession) -> None:
    coupon = make.coupon(session, occasion="birthday", limits={"per_customer": 1})
    ids = sorted(born(session, *[date(1990, 3, 3)] * 3))
    give(session, coupon, date(2027, 3, 3))
    assert len(give(session, coupon, date(2028, 3, 3), most=1)) == 3
    [new] = born(session, date(1990, 3, 3))
    assert give(session, coupon, date(2028, 3, 3), most=1) == {*ids, new}


def count_jobs(home: BrandHome) -> int:
    with home.open() as session:
        jobs = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE args ->> 'brand_id' = :brand_id"
        return int(session.execute(text(jobs), {"brand_id": str(home.scope.brand_id)}).scalar_one())


def test_the_clock_gives_each_brand_its_birthdays_from_the_morning_on(
    home: BrandHome, keyring: Keyring, settings: Settings
) -> None:
    with home.open() as session:
        make.coupon(session, occasion="birthday")
        [hers] = born(session, date(1990, 3, 3))
        session.commit()
    night, morning = datetime(2027, 3, 2, 15, 5, tzinfo=UTC), datetime(2027, 3, 2, 21, 5, tzinfo=UTC)
    for at, jobs in ((night, 0), (morning, 1)):
        give_birthday_coupons(Clockwork(home.engine, keyring, settings, at))
        assert count_jobs(home) == jobs
    give_birthdays(Work(home.engine, keyring, settings, morning, home.scope.brand_id))
    with home.open() as session:
        [copy] = session.exec(select(IssuedCoupon)).all()
    assert (copy.customer_id, copy.source) == (hers, "birthday:2027")
