"""Redeeming a code at a store, and undoing it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.coupons import queries, redeeming
from app.coupons.models import IssuedCoupon, Redemption
from app.coupons.problems import (
    CouponAlreadyRedeemed,
    CouponBudgetSpent,
    CouponDailyLimit,
    CouponEnded,
    CouponMinimumSpend,
    CouponNotHere,
    CouponNotStarted,
    CouponVoid,
    RedemptionReversed,
)
from app.customers.models import Customer, CustomerStore
from app.events.models import Event
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid, NotFound, Problem
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {"starts_at": NOON - timedelta(hours=1), "expires_at": NOON + timedelta(hours=8)}


@pytest.fixture
def store(session: ScopedSession) -> Store:
    return make.store(session, name="渋谷店")


def issued(session: ScopedSession, changes: dict[str, Any] | None = None, **coupon: Any) -> IssuedCoupon:
    """A copy that is good at noon, of a coupon with these changes."""
    return make.issued_coupon(session, make.coupon(session, **coupon), **{**GOOD, **(changes or {})})


def events(session: ScopedSession, type_: str) -> list[Event]:
    return list(session.exec(select(Event).where(col(Event.type) == type_)).all())


def test_a_coupon_is_redeemed_only_once(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    redeeming.redeem(session, copy.code, store=store, now=NOON)
    other = make.store(session)
    with pytest.raises(CouponAlreadyRedeemed) as caught:
        redeeming.redeem(session, copy.code, store=other, now=NOON + timedelta(hours=1))
    assert (caught.value.redeemed_at, caught.value.store) == (NOON, "渋谷店")
    budget = queries.get_budget(session, copy.coupon_id)
    assert (budget.redeemed, budget.discount_yen) == (1, 200)


def test_a_redemption_is_told_once_with_what_caused_the_copy(session: ScopedSession, store: Store) -> None:
    causes = {"campaign_id": uuid7(), "weather_rule_id": uuid7(), "run_id": uuid7()}
    copy = issued(session, {**causes, "account_no": 7})
    redemption = redeeming.redeem(session, copy.code, store=store, amount_yen=900, now=NOON)
    [event] = events(session, "coupon.redeemed")
    assert (event.customer_id, event.store_no, event.account_no) == (copy.customer_id, store.no, 7)
    assert event.occurred_at == NOON
    assert event.data == {
        "coupon_id": str(copy.coupon_id),
        "issued_coupon_id": str(copy.id),
        "redemption_id": str(redemption.id),
        "discount_yen": 200,
        "amount_yen": 900,
        **{name: str(value) for name, value in causes.items()},
    }


def test_the_store_sees_the_customer_from_then_on(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    redeeming.redeem(session, copy.code, store=store, now=NOON)
    customer = session.exec(select(Customer).where(col(Customer.id) == copy.customer_id)).one()
    tie = session.exec(select(CustomerStore).where(col(CustomerStore.customer_id) == copy.customer_id)).one()
    assert (customer.store_nos, tie.store_no) == ([store.no], store.no)


def test_a_code_is_forgiven_how_it_is_typed(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    typed = f" {copy.code[:4].lower()}-{copy.code[4:8]} {copy.code[8:]}"
    assert redeeming.redeem(session, typed, store=store, now=NOON).issued_coupon_id == copy.id


@pytest.mark.parametrize("code", ["000000000000", "not a code", ""])
def test_an_unknown_code_is_not_found(session: ScopedSession, store: Store, code: str) -> None:
    with pytest.raises(NotFound):
        redeeming.redeem(session, code, store=store, now=NOON)


def test_the_code_of_an_erased_person_is_not_found(session: ScopedSession, store: Store) -> None:
    customer = make.customer(session)
    copy = make.issued_coupon(session, customer=customer, **GOOD)
    customer.erased_at = NOON
    session.flush()
    with pytest.raises(NotFound):
        redeeming.redeem(session, copy.code, store=store, now=NOON)


@pytest.mark.parametrize(
    ("copy", "coupon", "problem"),
    [
        ({"status": "void"}, {}, CouponVoid()),
        ({"starts_at": NOON + timedelta(seconds=1)}, {}, CouponNotStarted(NOON + timedelta(seconds=1))),
        ({"expires_at": NOON}, {}, CouponEnded(NOON)),
        ({}, {"redeemable_store_nos": [999]}, CouponNotHere()),
        ({}, {"min_spend_yen": 1001}, CouponMinimumSpend(1001)),
        ({}, {"limits": {"budget_yen": 199}}, CouponBudgetSpent()),
    ],
)
def test_a_copy_that_cannot_be_used_says_why(
    session: ScopedSession, store: Store, copy: dict[str, Any], coupon: dict[str, Any], problem: Problem
) -> None:
    code = issued(session, copy, **coupon).code
    with pytest.raises(type(problem)) as caught:
        redeeming.redeem(session, code, store=store, amount_yen=1000, now=NOON)
    assert caught.value.members() == problem.members()
    assert session.exec(select(Redemption)).all() == []


@pytest.mark.parametrize(
    ("benefit", "amount_yen", "discount_yen"),
    [
        ({"kind": "amount_off", "amount_yen": 200}, 900, 200),
        ({"kind": "amount_off", "amount_yen": 200}, 150, 150),
        ({"kind": "amount_off", "amount_yen": 200}, None, 200),
        ({"kind": "percent_off", "percent": 15}, 999, 149),
        ({"kind": "percent_off", "percent": 100}, 1, 1),
        ({"kind": "free_item", "item": "味玉", "amount_yen": 120}, None, 120),
        ({"kind": "free_item", "item": "味玉", "amount_yen": 120}, 80, 120),
        ({"kind": "gift", "item": "ステッカー"}, 5000, 0),
        ({"kind": "service", "item": "替え玉", "amount_yen": 150}, 900, 150),
        ({"kind": "early_access", "item": "限定ラーメン"}, 900, 0),
        ({"kind": "early_access", "item": "限定ラーメン"}, None, 0),
    ],
)
def test_what_a_redemption_costs(
    session: ScopedSession, store: Store, benefit: dict[str, Any], amount_yen: int | None, discount_yen: int
) -> None:
    copy = issued(session, benefit=benefit)
    redemption = redeeming.redeem(session, copy.code, store=store, amount_yen=amount_yen, now=NOON)
    assert redemption.discount_yen == discount_yen


@pytest.mark.parametrize("coupon", [{"benefit": {"kind": "percent_off", "percent": 5}}, {"min_spend_yen": 500}])
def test_a_coupon_that_depends_on_the_amount_asks_for_it(
    session: ScopedSession, store: Store, coupon: dict[str, Any]
) -> None:
    copy = issued(session, **coupon)
    with pytest.raises(Invalid) as caught:
        redeeming.redeem(session, copy.code, store=store, now=NOON)
    assert caught.value.errors[0]["pointer"] == "/amount_yen"


def test_a_budget_is_spent_to_the_yen_and_no_further(session: ScopedSession, store: Store) -> None:
    coupon = make.coupon(session, limits={"budget_yen": 500})
    codes = [make.issued_coupon(session, coupon, **GOOD).code for _ in range(3)]
    for code in codes[:2]:
        redeeming.redeem(session, code, store=store, amount_yen=1000, now=NOON)
    with pytest.raises(CouponBudgetSpent):
        redeeming.redeem(session, codes[2], store=store, amount_yen=101, now=NOON)
    assert redeeming.redeem(session, codes[2], store=store, amount_yen=100, now=NOON).discount_yen == 100


def test_a_store_redeems_as_often_a_day_as_it_may(session: ScopedSession, store: Store) -> None:
    store.opening_hours = {"sat": [["11:00", "26:00"]], "sun": [["11:00", "22:00"]]}
    coupon = make.coupon(session, limits={"per_store_per_day": 1})
    good = {**GOOD, "expires_at": NOON + timedelta(days=5)}
    codes = [make.issued_coupon(session, coupon, **good).code for _ in range(3)]
    redeeming.redeem(session, codes[0], store=store, now=NOON)
    past_midnight = NOON + timedelta(hours=13)  # 01:00 of Sunday, and still Saturday's business
    with pytest.raises(CouponDailyLimit):
        redeeming.redeem(session, codes[1], store=store, now=past_midnight)
    redeeming.redeem(session, codes[1], store=make.store(session), now=past_midnight)
    redeeming.redeem(session, codes[2], store=store, now=NOON + timedelta(days=1))


def test_a_till_settles_late_what_was_good_then(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    redemption = redeeming.redeem(session, copy.code, store=store, redeemed_at=NOON, now=NOON + timedelta(hours=72))
    assert redemption.redeemed_at == NOON


def test_settling_late_does_not_prolong_a_coupon(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    with pytest.raises(CouponEnded):
        redeeming.redeem(
            session, copy.code, store=store, redeemed_at=copy.expires_at, now=copy.expires_at + timedelta(hours=1)
        )


@pytest.mark.parametrize("redeemed_at", [NOON + timedelta(seconds=1), NOON - timedelta(hours=72, seconds=1)])
def test_a_redemption_is_told_within_72_hours(session: ScopedSession, store: Store, redeemed_at: datetime) -> None:
    copy = issued(session, {"starts_at": NOON - timedelta(days=9)})
    with pytest.raises(Invalid) as caught:
        redeeming.redeem(session, copy.code, store=store, redeemed_at=redeemed_at, now=NOON)
    assert caught.value.errors[0]["pointer"] == "/redeemed_at"


def test_a_reversal_frees_the_code_and_the_budget(session: ScopedSession, store: Store) -> None:
    copy = issued(session, limits={"budget_yen": 200})
    first = redeeming.redeem(session, copy.code, store=store, now=NOON)
    redeeming.reverse(session, first.id, reason="打ち間違い", scope=session.scope, now=NOON)
    budget = queries.get_budget(session, copy.coupon_id)
    assert (budget.redeemed, budget.discount_yen) == (0, 0)
    assert queries.get_tally(session, copy.coupon_id).issued == 1
    assert (first.reversed_at, first.reverse_reason) == (NOON, "打ち間違い")
    second = redeeming.redeem(session, copy.code, store=store, now=NOON)
    assert second.id != first.id
    assert len(events(session, "coupon.redeemed")) == 2
    [reversed_] = events(session, "coupon.reversed")
    assert reversed_.data["redemption_id"] == str(first.id)
    assert (reversed_.data["discount_yen"], reversed_.store_no) == (200, store.no)


def test_a_redemption_is_reversed_only_once(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    redemption = redeeming.redeem(session, copy.code, store=store, now=NOON)
    redeeming.reverse(session, redemption.id, reason=None, scope=session.scope, now=NOON)
    with pytest.raises(RedemptionReversed):
        redeeming.reverse(session, redemption.id, reason=None, scope=session.scope, now=NOON)


def test_a_store_reverses_what_it_redeemed_and_nothing_else(session: ScopedSession, store: Store) -> None:
    copy = issued(session)
    redemption = redeeming.redeem(session, copy.code, store=store, now=NOON)
    other = Scope(session.scope.brand_id, frozenset({make.store(session).no}))
    with pytest.raises(NotFound):
        redeeming.reverse(session, redemption.id, reason=None, scope=other, now=NOON)
    own = Scope(session.scope.brand_id, frozenset({store.no}))
    assert redeeming.reverse(session, redemption.id, reason=None, scope=own, now=NOON).reversed_at == NOON


def test_a_void_copy_is_given_back_and_a_redeemed_one_stays(session: ScopedSession, store: Store) -> None:
    copy, used = issued(session), issued(session)
    redeeming.redeem(session, used.code, store=store, now=NOON)
    assert redeeming.void(session, copy.id).status == "void"
    assert redeeming.void(session, copy.id).status == "void"
    assert queries.get_tally(session, copy.coupon_id).issued == 0
    with pytest.raises(Conflict):
        redeeming.void(session, used.id)
