"""What LINE is given of a coupon's reminder."""

from datetime import timedelta

from sqlmodel import col, select

from app.campaigns.reminders import service
from app.campaigns.reminders.models import CouponReminder
from app.coupons.models import IssuedCoupon
from app.customers.models import Customer
from app.messaging.models import Run
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

MESSAGES = [{"type": "text", "text": "「{{ coupon.name }}」は{{ coupon.expires_at }}まで。{{ coupon.code }}"}]


def test_each_person_is_told_of_her_own_copy(stage: Stage) -> None:
    now = utc_now()
    with stage.home.open() as session:
        account = stage.account(session, 2)
        coupon = make.coupon(session)
        people = session.exec(select(Customer).order_by(col(Customer.id))).all()
        for hours, person in enumerate(people, 2):
            make.issued_coupon(session, make.coupon(session), person)  # another coupon's, which is not meant
            make.issued_coupon(session, coupon, person, expires_at=now + timedelta(hours=hours))
        reminder = CouponReminder(coupon_id=coupon.id, hours_before=24, send_at="11:00", messages=MESSAGES, due_at=now)
        session.add(reminder)
        session.flush()
        run = service.remind(session, coupon, reminder, now)
        session.commit()
        assert run is not None
        copies = session.exec(select(IssuedCoupon).where(col(IssuedCoupon.coupon_id) == coupon.id)).all()
        run_id, codes = run.id, {copy.code for copy in copies}
    stage.work()
    texts = [str(one["messages"][0]["text"]) for one in stage.delivered(account)]  # type: ignore[index]
    assert {text[-12:] for text in texts} == codes
    with stage.home.open() as session:
        assert session.exec(select(Run.status).where(col(Run.id) == run_id)).one() == "finished"
