"""The times at which a copy is used, and which coupons go together."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.coupons import redeeming
from app.coupons.combining import go_together
from app.coupons.models import Coupon
from app.coupons.problems import CouponNotCombinable, CouponNotNow
from app.coupons.validity import is_usable_at
from tenants.session import ScopedSession
from tests import make

JAPAN = ZoneInfo("Asia/Tokyo")
SHOP = {"fri": [["11:00", "15:00"], ["17:00", "26:00"]], "sat": [["11:00", "22:00"]]}
LATE = {"weekdays": ["fri"], "hours": [["22:00", "26:00"]]}


def at(day: int, clock: str) -> datetime:
    """A moment of November 2026, whose 20th is a Friday."""
    return datetime.fromisoformat(f"2026-11-{day}T{clock}").replace(tzinfo=JAPAN)


@pytest.mark.parametrize(
    ("times", "moment", "is_usable"),
    [
        (None, at(22, "03:00"), True),
        ({"within_opening_hours": True}, at(20, "14:59"), True),
        ({"within_opening_hours": True}, at(20, "15:00"), False),
        ({"within_opening_hours": True}, at(21, "01:59"), True),
        ({"within_opening_hours": True}, at(21, "02:00"), False),
        ({"within_opening_hours": True}, at(22, "12:00"), False),
        ({"weekdays": ["fri"]}, at(20, "12:00"), True),
        ({"weekdays": ["fri"]}, at(21, "01:00"), True),
        ({"weekdays": ["fri"]}, at(21, "02:00"), False),
        ({"weekdays": ["sat", "sun"]}, at(21, "01:00"), False),
        ({"hours": [["14:00", "17:00"]]}, at(20, "14:00"), True),
        ({"hours": [["14:00", "17:00"]]}, at(20, "17:00"), False),
        ({"hours": [["14:00", "17:00"]], "within_opening_hours": True}, at(20, "16:00"), False),
        (LATE, at(20, "21:59"), False),
        (LATE, at(20, "22:00"), True),
        (LATE, at(21, "01:59"), True),
        (LATE, at(21, "23:00"), False),
        (LATE, at(20, "01:00"), False),
    ],
)
def test_a_copy_is_used_at_its_times_only(times: dict[str, Any] | None, moment: datetime, is_usable: bool) -> None:
    assert is_usable_at(times, moment, SHOP, JAPAN) is is_usable


def test_a_till_is_told_when_it_is_used(session: ScopedSession) -> None:
    store = make.store(session, opening_hours=SHOP)
    coupon = make.coupon(session, usable_times={"weekdays": ["fri"], "hours": [["14:00", "17:00"]]})
    copy = make.issued_coupon(session, coupon, starts_at=at(19, "00:00"), expires_at=at(23, "00:00"))
    with pytest.raises(CouponNotNow) as refused:
        redeeming.redeem(session, copy.code, store=store, now=at(21, "14:30"))
    told = {"within_opening_hours": False, "weekdays": ["fri"], "hours": [["14:00", "17:00"]]}
    assert refused.value.members() == told
    redeeming.redeem(session, copy.code, store=store, now=at(20, "14:30"))


@pytest.mark.parametrize(
    ("one", "other", "do_go"),
    [
        ({}, {}, False),
        ({"combinable": True}, {"combinable": True}, True),
        ({"combinable": True}, {"combinable_with": ["lunch"]}, False),
        ({"combinable_with": ["lunch", "tea"]}, {"combinable_with": ["tea"]}, True),
        ({"combinable_with": ["lunch"]}, {"combinable_with": ["tea"]}, False),
    ],
)
def test_coupons_go_together_by_both_their_words(one: dict[str, Any], other: dict[str, Any], do_go: bool) -> None:
    assert go_together(Coupon(**one), Coupon(**other)) is do_go
    assert go_together(Coupon(**other), Coupon(**one)) is do_go


def test_on_one_order_only_those_that_go_together_are_used(session: ScopedSession) -> None:
    store, customer = make.store(session), make.customer(session)
    first, second, third = (
        make.issued_coupon(session, make.coupon(session, combinable_with=names), customer)
        for names in (["lunch"], ["lunch", "tea"], ["tea"])
    )
    now = third.starts_at
    redeeming.redeem(session, first.code, store=store, order_ref="R-1", now=now)
    redeeming.redeem(session, second.code, store=store, order_ref="R-1", now=now)
    with pytest.raises(CouponNotCombinable):
        redeeming.redeem(session, third.code, store=store, order_ref="R-1", now=now)


def test_a_percentage_takes_off_no_more_than_it_may(session: ScopedSession) -> None:
    coupon = make.coupon(session, benefit={"kind": "percent_off", "percent": 20, "most_yen": 500})
    store = make.store(session)
    for amount_yen, discount_yen in ((1_000, 200), (2_600, 500)):
        copy = make.issued_coupon(session, coupon)
        used = redeeming.redeem(session, copy.code, store=store, amount_yen=amount_yen, now=copy.starts_at)
        assert used.discount_yen == discount_yen
