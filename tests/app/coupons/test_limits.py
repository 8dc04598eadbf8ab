"""Every cap on copies, uses and yen: none is passed, the one that is reached is told, and the counters stay true."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from app.coupons import issue_limits, issuing, limits, queries, redeeming
from app.coupons.limits import CAPS, Cap, Use
from app.coupons.models import Coupon, CouponCounter, IssuedCoupon, Redemption
from app.coupons.problems import CouponAllIssued, CouponBudgetSpent, CouponLimitReached
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.app.coupons.test_caps import all_at_once
from tests.app.coupons.test_issue import run_of
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DAYS = (NOON, NOON + timedelta(days=1))
NAMES = [cap.name for cap in CAPS]


class Booked(NamedTuple):
    """One use as a clerk would write it into a book."""

    store: int
    person: int
    day: int
    yen: int


def place_of(cap: Cap, one: Booked) -> Any:
    """What a cap counts this use for. Stores 0 and 1 are in one area, 2 in another, and all three in a third."""
    return {
        "all": [0],
        "area": [one.store // 2, "both"],
        "store": [one.store],
        "store_day": [(one.store, one.day)],
        "day": [one.day],
        "customer": [one.person],
    }[cap.per]


def list_passed(book: list[Booked], caps: dict[str, int]) -> list[str]:
    """The caps that this book passes."""
    passed = []
    for cap in CAPS:
        counted: dict[Any, int] = {}
        for one in book:
            for place in place_of(cap, one):
                counted[place] = counted.get(place, 0) + (1 if cap.of == "uses" else one.yen)
        if cap.name in caps and max(counted.values(), default=0) > caps[cap.name]:
            passed.append(cap.name)
    return passed


def counters(session: ScopedSession, coupon: Coupon) -> dict[tuple[str, int], tuple[int, int]]:
    rows = session.exec(select(CouponCounter).where(col(CouponCounter.coupon_id) == coupon.id)).all()
    return {(row.kind, row.key): (row.redeemed, row.discount_yen) for row in rows if row.redeemed}


def counters_of(rows: list[Redemption]) -> dict[tuple[str, int], tuple[int, int]]:
    """What the counters must say of these redemptions."""
    told: dict[tuple[str, int], tuple[int, int]] = {}
    for row in rows:
        for key in (("store", row.store_no), ("day", int(f"{row.business_on:%Y%m%d}"))):
            uses, yen = told.get(key, (0, 0))
            told[key] = (uses + 1, yen + row.discount_yen)
    return told


def make_stores(session: ScopedSession) -> list[Store]:
    stores = [make.store(session) for _ in range(3)]
    make.area(session, *stores[:2])
    make.area(session, *stores[2:])
    make.area(session, *stores)
    return stores


def copy_for(session: ScopedSession, coupon: Coupon, customer: Any) -> IssuedCoupon:
    span = {"starts_at": NOON - timedelta(days=2), "expires_at": NOON + timedelta(days=3)}
    return make.issued_coupon(session, coupon, customer, **span)


STEP = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1), st.integers(0, 200), st.booleans())
LIMITS = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), min_size=1, max_size=4).map(
    lambda drawn: {name: most * 100 if "yen" in name else most for name, most in drawn.items()}
)


@given(steps=st.lists(STEP, max_size=8), caps=LIMITS, later=LIMITS, change_at=st.integers(0, 6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_use_is_refused_exactly_when_a_cap_would_be_passed(
    session: ScopedSession,
    steps: list[tuple[int, int, int, int, bool]],
    caps: dict[str, int],
    later: dict[str, int],
    change_at: int,
) -> None:
    savepoint = session.begin_nested()
    try:
        follow(session, steps, caps, later, change_at)
    finally:
        savepoint.rollback()


def follow(session: ScopedSession, steps: Any, caps: dict[str, int], later: dict[str, int], change_at: int) -> None:
    """Take the steps, with other caps from some step on, and compare with the book."""
    stores, people = make_stores(session), [make.customer(session) for _ in range(2)]
    coupon = make.coupon(session, limits=caps)
    book: list[tuple[Booked, Redemption]] = []
    for number, (store, person, day, yen, reverses) in enumerate(steps):
        if number == change_at:
            coupon.limits = caps = later
            session.flush()
        if reverses and book:
            _, undone = book.pop(0)
            redeeming.reverse(session, undone.id, reason=None, scope=session.scope, now=NOON)
            continue
        one = Booked(store, person, day, yen)
        expected = list_passed([*(booked for booked, _ in book), one], caps)
        if list_passed([booked for booked, _ in book], caps):
            return  # what was used under other caps passes these by now, and the book says no more
        copy = copy_for(session, coupon, people[person])
        asked = limits.find_refusal(session, coupon, Use(people[person].id, stores[store].no, DAYS[day].date(), yen))
        values: dict[str, Any] = {"amount_yen": yen, "redeemed_at": DAYS[day], "now": DAYS[1]}
        assert (asked is not None) == bool(expected)
        if asked is None:
            book.append((one, redeeming.redeem(session, copy.code, store=stores[store], **values)))
            continue
        with pytest.raises(type(asked)) as refused:
            redeeming.redeem(session, copy.code, store=stores[store], **values)
        assert refused.value.members() == asked.members()
        assert asked.members().get("limit", "per_store_per_day") in expected
    budget = queries.get_budget(session, coupon.id)
    assert (budget.redeemed, budget.discount_yen) == (len(book), sum(one.yen for one, _ in book))
    if budget.is_counted:
        assert counters(session, coupon) == counters_of([row for _, row in book])


@pytest.mark.parametrize(
    "name", ["redeemed_total", "redeemed_per_store", "redeemed_per_day", "yen_per_area", "yen_per_customer"]
)
def test_no_cap_is_passed_by_one_however_many_tills_press_at_once(home: BrandHome, name: str) -> None:
    with home.open() as session:
        [store, other, _] = make_stores(session)
        # Whoever uses a copy holds its customer: one customer would let the tills in one by one.
        people = [make.customer(session) for _ in range(9)] if "customer" not in name else [make.customer(session)] * 9
        most = 5 if "yen" not in name else 5 * 200 + 199
        coupon = make.coupon(session, limits={name: most})
        codes = [copy_for(session, coupon, she).code for she in people]
        session.commit()

    def using(number: int, code: str) -> Callable[[ScopedSession], Any]:
        # A cap on a store is pressed at one store; one that spans stores is pressed at two.
        at = other if number % 2 and "store" not in name else store

        def work(session: ScopedSession) -> None:
            redeeming.redeem(session, code, store=at, amount_yen=1000, redeemed_at=NOON, now=NOON)

        return work

    done = all_at_once(home, [using(number, code) for number, code in enumerate(codes)])
    assert done["done"] == 5
    with home.open() as session:
        rows = session.exec(select(Redemption)).all()
        if queries.get_budget(session, coupon.id).is_counted:
            assert counters(session, coupon) == counters_of(list(rows))


def test_a_cap_set_later_counts_what_was_used_before(session: ScopedSession) -> None:
    stores, customer = make_stores(session), make.customer(session)
    coupon = make.coupon(session)
    for _ in range(2):
        redeeming.redeem(session, copy_for(session, coupon, customer).code, store=stores[0], now=NOON)
    coupon.limits = {"redeemed_per_area": 3}
    redeeming.redeem(session, copy_for(session, coupon, customer).code, store=stores[1], now=NOON)
    with pytest.raises(CouponLimitReached):
        redeeming.redeem(session, copy_for(session, coupon, customer).code, store=stores[0], now=NOON)


def test_what_is_used_while_no_cap_asks_for_places_counts_for_the_next_that_does(session: ScopedSession) -> None:
    [store, *_], customer = make_stores(session), make.customer(session)
    coupon = make.coupon(session)
    for caps in ({"redeemed_per_store": 9}, {"redeemed_total": 9}, {}, {"redeemed_per_store": 3}):
        coupon.limits = caps
        code = copy_for(session, coupon, customer).code
        if caps == {"redeemed_per_store": 3}:
            with pytest.raises(CouponLimitReached):
                redeeming.redeem(session, code, store=store, now=NOON)
        else:
            redeeming.redeem(session, code, store=store, now=NOON)


def test_of_a_coupon_of_areas_only_these_are_capped(session: ScopedSession) -> None:
    near, far = make.store(session), make.store(session)
    named = make.area(session, near)
    make.area(session, near, far)
    coupon = make.coupon(
        session,
        limits={"redeemed_per_area": 1},
        area_ids=[encode_id("area", named.id)],
        redeemable_store_nos=[near.no, far.no],
    )
    customer = make.customer(session)
    for store in (near, far, far):
        redeeming.redeem(session, copy_for(session, coupon, customer).code, store=store, now=NOON)


def issue(session: ScopedSession, coupon: Coupon, count: int, now: datetime = NOON) -> list[str]:
    people = [make.customer(session).id for _ in range(count)]
    outcomes = issuing.issue(session, coupon, people, source="api:a", scope=session.scope, now=now)
    return [one.problem.slug() if one.problem else "new" for one in outcomes]


def test_so_many_copies_are_issued_on_a_day_and_as_many_on_the_next(session: ScopedSession) -> None:
    coupon = make.coupon(session, limits={"issued_per_day": 2})
    reached = CouponLimitReached.slug()
    assert issue(session, coupon, 3) == ["new", "new", reached]
    late = datetime(2026, 11, 21, 14, 59, tzinfo=UTC)  # 23:59 in Tokyo
    assert issue(session, coupon, 1, late) == [reached]
    assert issuing.remaining(session, coupon, late) == 0
    assert issue(session, coupon, 3, late + timedelta(minutes=1)) == ["new", "new", reached]


def test_a_void_copy_of_today_makes_room_today(session: ScopedSession) -> None:
    coupon = make.coupon(session, limits={"issued_per_day": 1})
    issue(session, coupon, 1)
    redeeming.void(session, session.exec(select(IssuedCoupon.id)).one())
    assert issue(session, coupon, 2) == ["new", CouponLimitReached.slug()]


def reserving(session: ScopedSession, budget_yen: int, **changes: Any) -> Coupon:
    return make.coupon(session, limits={"budget_yen": budget_yen, "reserve": True}, **changes)


def list_copies(session: ScopedSession) -> Iterator[IssuedCoupon]:
    return iter(session.exec(select(IssuedCoupon).order_by(col(IssuedCoupon.id))).all())


def test_a_copy_sets_aside_what_it_can_cost(session: ScopedSession) -> None:
    coupon = reserving(session, 500)
    assert issue(session, coupon, 3) == ["new", "new", CouponBudgetSpent.slug()]
    assert queries.get_tally(session, coupon.id).reserved_yen == 400
    percent = reserving(session, 500, benefit={"kind": "percent_off", "percent": 20, "most_yen": 250})
    assert issuing.remaining(session, percent, NOON) == 2


def test_every_copy_that_reserves_can_be_used(session: ScopedSession) -> None:
    coupon, store = reserving(session, 500), make.store(session)
    issue(session, coupon, 3)
    for copy in list_copies(session):
        redeeming.redeem(session, copy.code, store=store, now=NOON)
    assert queries.get_budget(session, coupon.id).discount_yen == 400


def settle(session: ScopedSession, coupon: Coupon) -> int:
    """What is set aside once all that is over has been settled."""
    over = NOON + timedelta(days=30)
    for coupon_id in issue_limits.list_overdue_ids(session, over):
        while issue_limits.settle_reserves(session, coupon_id, over, 1):
            pass
    return queries.get_tally(session, coupon.id).reserved_yen


def test_what_a_copy_did_not_cost_comes_back_once_it_is_over(session: ScopedSession) -> None:
    coupon, store = reserving(session, 1000), make.store(session)
    issue(session, coupon, 4)
    used, reversed_, void, _ = list_copies(session)
    redeeming.redeem(session, used.code, store=store, amount_yen=150, now=NOON)
    undone = redeeming.redeem(session, reversed_.code, store=store, amount_yen=150, now=NOON)
    redeeming.void(session, void.id)
    assert queries.get_tally(session, coupon.id).reserved_yen == 600
    assert settle(session, coupon) == 300
    redeeming.reverse(session, undone.id, reason=None, scope=session.scope, now=NOON)
    assert settle(session, coupon) == 150
    assert settle(session, coupon) == 150


def test_nothing_comes_back_while_a_till_may_still_tell_of_a_use(session: ScopedSession) -> None:
    coupon = reserving(session, 1000)
    issue(session, coupon, 1)
    [copy] = list_copies(session)
    assert issue_limits.list_overdue_ids(session, copy.expires_at) == []
    assert issue_limits.settle_reserves(session, coupon.id, copy.expires_at, 10) == 0


def test_copies_and_their_money_are_never_promised_twice(home: BrandHome) -> None:
    with home.open() as session:
        coupon = reserving(session, 5 * 200 + 199)
        people = [make.customer(session).id for _ in range(12)]
        session.commit()

    def giving(number: int) -> Callable[[ScopedSession], Any]:
        def work(session: ScopedSession) -> None:
            mine = session.merge(coupon, load=True)
            wanted = people[number : number + 2]
            issuing.issue(session, mine, wanted, source="api:a", scope=session.scope, now=NOON)

        return work

    all_at_once(home, [giving(number) for number in range(11)])
    with home.open() as session:
        tally = queries.get_tally(session, coupon.id)
        assert (tally.issued, tally.reserved_yen) == (5, 1000)


def give_run(session: ScopedSession, coupon: Coupon, count: int) -> int:
    people = [make.customer(session) for _ in range(count)]
    return issuing.issue_to_run(session, coupon, run_of(session, coupon, people, []), now=NOON)


def test_copies_of_a_run_count_for_the_day_and_set_aside_their_money(session: ScopedSession) -> None:
    coupon = reserving(session, 1000)
    coupon.limits = {**coupon.limits, "issued_per_day": 4}
    assert issue(session, coupon, 1) == ["new"]
    assert give_run(session, coupon, 2) == 2
    tally = queries.get_tally(session, coupon.id)
    assert (tally.issued_that_day, tally.counted_on, tally.reserved_yen) == (3, NOON.date(), 600)
    assert {copy.reserved_yen for copy in list_copies(session)} == {200}
    assert issuing.remaining(session, coupon, NOON) == 1


@pytest.mark.parametrize("caps", [{"issued_per_day": 2}, {"budget_yen": 599, "reserve": True}])
def test_a_run_that_would_pass_a_cap_on_copies_is_refused(session: ScopedSession, caps: dict[str, Any]) -> None:
    coupon = make.coupon(session, limits=caps)
    assert issuing.remaining(session, coupon, NOON) == 2
    with pytest.raises(CouponAllIssued), session.begin_nested():
        give_run(session, coupon, 3)
    assert give_run(session, coupon, 2) == 2


def test_a_day_s_key_is_its_date() -> None:
    assert limits._day_key(date(2026, 1, 2)) == 20260102


def test_a_total_of_copies_is_told_by_its_own_problem(session: ScopedSession) -> None:
    assert issue(session, make.coupon(session, limits={"total": 1}), 2) == ["new", CouponAllIssued.slug()]
