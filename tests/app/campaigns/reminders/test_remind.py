"""Who is reminded of a coupon that ends soon: once, by the rules of campaigns, and nobody in vain."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.campaigns.reminders import queries, service
from app.campaigns.reminders.models import CouponReminded, CouponReminder
from app.campaigns.reminders.tasks import send_due_reminders, send_reminder
from app.coupons import redeeming
from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.queries import get_coupon
from app.customers.consents.models import Consent
from app.customers.joining.service import merge
from app.customers.models import Customer
from app.jobs.queue import Clockwork, Work
from app.messaging.guards import CHANNEL, PURPOSE
from app.messaging.line_quota import store_line_quota
from app.messaging.models import Batch, Delivery, Run
from app.settings import Settings
from tenants.brands.models import Brand
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome

ELEVEN = datetime(2026, 6, 10, 2, 0, tzinfo=UTC)
"""11:00 in Japan."""
MESSAGES = [{"type": "text", "text": "「{{ coupon.name }}」はもうすぐ終わります。"}]


class Shop:
    """A store with an account, and a coupon that ends at six in the evening."""

    def __init__(self, session: ScopedSession, **reminder: Any) -> None:
        self.session = session
        self.store = make.store(session)
        self.account = make.line_account(session, self.store)
        self.coupon = make.coupon(session)
        values: dict[str, Any] = {"hours_before": 24, "send_at": "11:00", "messages": MESSAGES, "due_at": ELEVEN}
        self.reminder = CouponReminder(coupon_id=self.coupon.id, **{**values, **reminder})
        session.add(self.reminder)
        session.flush()

    def holder(self, person: Customer | None = None, coupon: Coupon | None = None, **copy: Any) -> Customer:
        """A follower with a copy."""
        person = person or make.follower(self.session, self.account, home=self.store)
        times = {"starts_at": ELEVEN - timedelta(days=1), "expires_at": ELEVEN + timedelta(hours=7)}
        make.issued_coupon(self.session, coupon or self.coupon, person, **{**times, **copy})
        return person

    def remind(self, now: datetime = ELEVEN) -> Run | None:
        return service.remind(self.session, self.coupon, self.reminder, now)

    def reached(self) -> list[Any]:
        """Whom its runs write to, each time."""
        sent = select(Delivery.customer_id).where(col(Delivery.batch_no).is_not(None))
        return list(self.session.exec(sent).all())


@pytest.fixture
def shop(session: ScopedSession) -> Shop:
    return Shop(session)


def test_who_holds_a_copy_that_ends_soon_is_reminded_once(shop: Shop) -> None:
    person = shop.holder()
    run = shop.remind()
    assert run is not None
    assert (run.kind, run.coupon_id, run.valid_until) == ("reminder", shop.coupon.id, ELEVEN + timedelta(hours=7))
    assert shop.remind(ELEVEN + timedelta(minutes=1)) is None
    assert shop.reached() == [person.id]
    assert shop.reminder.due_at == ELEVEN + timedelta(days=1)


def test_two_copies_of_one_person_make_one_message(shop: Shop) -> None:
    person = shop.holder()
    shop.holder(person)
    shop.remind()
    assert shop.reached() == [person.id]
    assert len(shop.session.exec(select(CouponReminded)).all()) == 2


@pytest.mark.parametrize(
    "copy",
    [
        {"status": "redeemed"},
        {"status": "void"},
        {"expires_at": ELEVEN + timedelta(hours=25)},
        {"expires_at": ELEVEN - timedelta(minutes=1)},
        {"expires_at": ELEVEN + timedelta(minutes=59)},
        {"starts_at": ELEVEN + timedelta(minutes=1)},
    ],
    ids=["used", "void", "ends later", "ended", "ends at once", "not begun"],
)
def test_a_copy_that_is_not_open_and_ending_is_left_alone(shop: Shop, copy: dict[str, Any]) -> None:
    shop.holder(**copy)
    assert shop.remind() is None
    assert shop.reached() == []


def test_who_used_her_copy_is_not_reminded_and_who_got_it_back_is(shop: Shop) -> None:
    person = shop.holder()
    copy = shop.session.exec(select(IssuedCoupon).where(col(IssuedCoupon.customer_id) == person.id)).one()
    before = ELEVEN - timedelta(hours=1)
    used = redeeming.redeem(shop.session, copy.code, store=shop.store, now=before)
    assert shop.remind() is None
    redeeming.reverse(shop.session, used.id, reason=None, scope=shop.session.scope, now=ELEVEN)
    shop.reminder.due_at = ELEVEN
    assert shop.remind() is not None
    assert shop.reached() == [person.id]


def test_a_copy_is_reminded_of_by_one_day_only(shop: Shop) -> None:
    person = shop.holder(expires_at=ELEVEN + timedelta(hours=40))
    shop.reminder.hours_before = 48
    assert shop.remind() is not None
    assert shop.remind(ELEVEN + timedelta(days=1)) is None
    assert shop.reached() == [person.id]


def test_who_is_left_out_today_is_asked_again_tomorrow(shop: Shop) -> None:
    person = shop.holder(expires_at=ELEVEN + timedelta(hours=40))
    shop.reminder.hours_before = 48
    store_line_quota(shop.session, shop.account, limit=0, used=0, now=ELEVEN)
    run = shop.remind()
    assert run is not None
    assert run.left_out == {"quota": 1}
    store_line_quota(shop.session, shop.account, limit=100, used=0, now=ELEVEN)
    shop.remind(ELEVEN + timedelta(days=1))
    assert shop.reached() == [person.id]


def test_who_wants_no_messages_gets_no_reminder(shop: Shop) -> None:
    person = shop.holder()
    no = Consent(
        customer_id=person.id, purpose=PURPOSE, channel=CHANNEL, is_granted=False, source="紙", occurred_at=utc_now()
    )
    shop.session.add(no)
    shop.session.flush()
    run = shop.remind()
    assert run is not None
    assert (run.chosen, run.left_out) == (0, {"consent": 1})


def test_part_of_the_holders_is_kept_out_to_measure(shop: Shop) -> None:
    shop.reminder.holdout_ratio = 0.5
    for _ in range(40):
        shop.holder()
    run = shop.remind()
    assert run is not None
    assert 0 < run.left_out["holdout"] < 40
    assert run.chosen + run.left_out["holdout"] == 40


def test_quiet_hours_are_waited_out(shop: Shop) -> None:
    brand = shop.session.get_one(Brand, shop.session.scope.brand_id)
    brand.quiet_hours = {"from": "21:00", "to": "12:30"}
    shop.session.flush()
    person = shop.holder()
    assert shop.remind() is None
    assert shop.reminder.due_at == ELEVEN + timedelta(minutes=90)
    assert shop.remind(shop.reminder.due_at) is not None
    assert shop.reached() == [person.id]


def test_a_brand_that_is_stopped_is_asked_again_until_it_is_late(shop: Shop) -> None:
    brand = shop.session.get_one(Brand, shop.session.scope.brand_id)
    brand.sending_stopped_at = ELEVEN
    shop.session.flush()
    shop.holder()
    assert shop.remind(ELEVEN + timedelta(hours=1)) is None
    assert shop.reminder.due_at == ELEVEN
    assert shop.remind(ELEVEN + timedelta(hours=7)) is None
    assert shop.reminder.due_at == ELEVEN + timedelta(days=1)


def test_a_stores_coupon_is_reminded_of_by_that_stores_account(session: ScopedSession) -> None:
    shop = Shop(session)
    other = make.line_account(session, make.store(session))
    own = make.coupon(session, store_id=shop.store.id, store_no=shop.store.no, redeemable_store_nos=[shop.store.no])
    session.add(CouponReminder(coupon_id=own.id, hours_before=24, send_at="11:00", messages=MESSAGES, due_at=ELEVEN))
    shop.coupon, shop.reminder = (
        own,
        session.exec(select(CouponReminder).where(col(CouponReminder.coupon_id) == own.id)).one(),
    )
    shop.holder()
    shop.holder(make.follower(session, other))
    run = shop.remind()
    assert run is not None
    assert (run.store_no, run.chosen, run.left_out) == (shop.store.no, 1, {"no_friend": 1})


def test_of_two_who_were_joined_the_survivor_is_reminded_once(home: BrandHome) -> None:
    with home.open() as session:
        shop = Shop(session)
        one, two = (shop.holder(source="run:same").id for _ in range(2))  # one copy stays behind
        coupon_id = shop.coupon.id
        session.commit()
    with home.open() as session:
        merge(session, two, one, proof={"kind": "manual"}, source="api", merged_by=None, now=ELEVEN)
        session.commit()
    with home.open() as session:
        coupon, reminder = get_coupon(session, coupon_id), queries.get_reminder(session, coupon_id)
        assert service.remind(session, coupon, reminder, ELEVEN) is not None
        sent = session.exec(select(Delivery.customer_id).where(col(Delivery.batch_no).is_not(None)))
        assert list(sent) == [one]
        assert len(session.exec(select(CouponReminded)).all()) == 2


def test_a_job_that_runs_twice_reminds_once(home: BrandHome, keyring: Keyring, settings: Settings) -> None:
    with home.open() as session:
        shop = Shop(session)
        shop.holder()
        coupon_id = shop.coupon.id
        session.commit()
    work = Work(home.engine, keyring, settings, ELEVEN + timedelta(minutes=1), home.scope.brand_id)
    for _ in range(2):
        send_reminder(work, coupon_id)
    with home.open() as session:
        assert len(session.exec(select(Run)).all()) == 1
        assert len(session.exec(select(Delivery)).all()) == 1


def test_a_crash_in_the_middle_leaves_nothing_and_the_next_try_does_all(home: BrandHome) -> None:
    with home.open() as session:
        shop = Shop(session)
        shop.holder()
        session.commit()
        assert shop.remind() is not None
        session.rollback()  # as when the worker dies before its commit
        assert session.exec(select(CouponReminded)).all() == []
        shop.reminder = queries.get_reminder(session, shop.coupon.id)
        assert shop.remind() is not None
        session.commit()
        assert len(session.exec(select(Delivery)).all()) == 1


@pytest.mark.every_brand
def test_the_clock_gives_each_due_reminder_a_job_of_its_own(
    home: BrandHome, keyring: Keyring, settings: Settings
) -> None:
    with home.open() as session:
        first, later = Shop(session), Shop(session, due_at=ELEVEN + timedelta(hours=1))
        due, not_due = first.coupon.id, later.coupon.id
        session.commit()
    for _ in range(2):
        send_due_reminders(Clockwork(home.engine, keyring, settings, ELEVEN))
    with home.open() as session:
        jobs = text("SELECT args->>'coupon_id' FROM procrastinate_jobs WHERE args->>'brand_id' = :brand_id")
        found = session.connection().execute(jobs, {"brand_id": str(home.scope.brand_id)}).scalars().all()
    assert str(due) in found
    assert str(not_due) not in found
    assert len(found) == 1


def test_what_was_put_away_is_reminded_of_no_more(home: BrandHome, keyring: Keyring, settings: Settings) -> None:
    with home.open() as session:
        shop = Shop(session)
        shop.holder()
        shop.coupon.archived_at = ELEVEN
        coupon_id = shop.coupon.id
        session.commit()
    send_reminder(Work(home.engine, keyring, settings, ELEVEN, home.scope.brand_id), coupon_id)
    with home.open() as session:
        assert session.exec(select(CouponReminder)).all() == []
        assert session.exec(select(Batch)).all() == []
