"""Caps hold to the copy and to the yen however many tills press at once: real threads, real transactions."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func
from sqlmodel import col, select

from app.coupons import issuing, queries, redeeming
from app.coupons.models import Coupon, IssuedCoupon, Redemption
from app.events.models import Event
from tenants.problems import Problem
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

TILLS = 32


def all_at_once(home: BrandHome, works: Sequence[Callable[[ScopedSession], Any]]) -> Counter[str]:
    """Run each work in a transaction of its own, as many at once as there are tills; counts what became of them."""
    start = Barrier(min(TILLS, len(works)))

    def run(numbered: tuple[int, Callable[[ScopedSession], Any]]) -> str:
        number, work = numbered
        if number < start.parties:
            start.wait(timeout=60)
        try:
            with home.open() as session:
                work(session)
                session.commit()
        except Problem as problem:
            return problem.slug()
        return "done"

    with ThreadPoolExecutor(TILLS) as pool:
        return Counter(pool.map(run, enumerate(works)))


def offer(home: BrandHome, copies: int, **changes: Any) -> tuple[Coupon, Store, list[str]]:
    """A committed coupon, a store, and codes in as many customers' hands."""
    with home.open() as session:
        coupon, store = make.coupon(session, **changes), make.store(session)
        codes = [make.issued_coupon(session, coupon).code for _ in range(copies)]
        session.commit()
    return coupon, store, codes


def using(code: str, store: Store, amount_yen: int = 1000) -> Callable[[ScopedSession], Any]:
    def work(session: ScopedSession) -> None:
        redeeming.redeem(session, code, store=store, amount_yen=amount_yen, now=datetime.now(UTC))

    return work


def reversing(redemption_id: UUID) -> Callable[[ScopedSession], Any]:
    def work(session: ScopedSession) -> None:
        redeeming.reverse(session, redemption_id, reason=None, scope=session.scope, now=datetime.now(UTC))

    return work


class Counts(NamedTuple):
    """What the counters of a coupon say."""

    issued: int
    redeemed: int
    discount_yen: int


def count_true(home: BrandHome, coupon: Coupon) -> Counts:
    """The counters, which equal a count of the rows; and the events tell the same story."""
    with home.open() as session:
        issued, budget = queries.get_tally(session, coupon.id).issued, queries.get_budget(session, coupon.id)
        standing = select(func.count(), func.coalesce(func.sum(Redemption.discount_yen), 0)).where(
            col(Redemption.brand_id) == home.scope.brand_id, col(Redemption.reversed_at).is_(None)
        )
        copies = session.exec(select(IssuedCoupon.status)).all()
        told = Counter(session.exec(select(Event.type)).all())
        assert (budget.redeemed, budget.discount_yen) == tuple(session.exec(standing).one())
        assert issued == sum(status != "void" for status in copies)
        assert budget.redeemed == copies.count("redeemed")
        assert told["coupon.redeemed"] - told["coupon.reversed"] == budget.redeemed
        return Counts(issued, budget.redeemed, budget.discount_yen)


def test_one_code_at_many_tills_is_redeemed_once(home: BrandHome) -> None:
    coupon, store, [code] = offer(home, 1)
    done = all_at_once(home, [using(code, store)] * 32)
    assert done == {"done": 1, "coupon-already-redeemed": 31}
    assert count_true(home, coupon).redeemed == 1


def test_no_more_copies_are_issued_than_there_may_be(home: BrandHome) -> None:
    with home.open() as session:
        coupon = make.coupon(session, limits={"total": 50})
        customer_ids = [make.customer(session).id for _ in range(64)]
        session.commit()

    def giving(first: int) -> Callable[[ScopedSession], Any]:
        def work(session: ScopedSession) -> None:
            wanted, mine = customer_ids[first : first + 2], queries.get_coupon(session, coupon.id)
            issuing.issue(session, mine, wanted, source="api:a", scope=session.scope, now=datetime.now(UTC))

        return work

    all_at_once(home, [giving(first) for first in range(0, 64, 2)] * 2)
    assert count_true(home, coupon).issued == 50


def test_no_customer_is_given_more_copies_than_she_may_have(home: BrandHome) -> None:
    with home.open() as session:
        coupon, customer_id = make.coupon(session, limits={"per_customer": 3}), make.customer(session).id
        session.commit()

    def giving(number: int) -> Callable[[ScopedSession], Any]:
        def work(session: ScopedSession) -> None:
            source, mine = f"api:{number}", queries.get_coupon(session, coupon.id)
            issuing.issue(session, mine, [customer_id], source=source, scope=session.scope, now=datetime.now(UTC))

        return work

    all_at_once(home, [giving(number) for number in range(20)])
    assert count_true(home, coupon).issued == 3


def test_the_budget_is_never_passed_by_a_yen(home: BrandHome) -> None:
    coupon, store, codes = offer(home, 40, limits={"budget_yen": 1999})
    done = all_at_once(home, [using(code, store, amount_yen=90 + number) for number, code in enumerate(codes)])
    counts = count_true(home, coupon)
    assert done["done"] == counts.redeemed
    assert done["done"] + done["coupon-budget-spent"] == 40
    # Every discount is 90 to 129 yen, so what is left is less than one of them.
    assert 1999 - 129 < counts.discount_yen <= 1999


def test_a_store_s_daily_limit_holds(home: BrandHome) -> None:
    coupon, store, codes = offer(home, 20, limits={"per_store_per_day": 7})
    done = all_at_once(home, [using(code, store) for code in codes])
    assert done == {"done": 7, "coupon-daily-limit": 13}
    count_true(home, coupon)


def test_of_many_reversals_one_wins(home: BrandHome) -> None:
    coupon, store, [code] = offer(home, 1)
    with home.open() as session:
        redemption = redeeming.redeem(session, code, store=store, now=datetime.now(UTC))
        session.commit()
    done = all_at_once(home, [reversing(redemption.id)] * 32)
    assert done == {"done": 1, "redemption-reversed": 31}
    assert count_true(home, coupon).redeemed == 0


def test_redeeming_and_reversing_at_once_leave_one_truth(home: BrandHome) -> None:
    coupon, store, codes = offer(home, 4, limits={"budget_yen": 600})
    used = []
    with home.open() as session:
        for code in codes[:3]:
            used.append(redeeming.redeem(session, code, store=store, now=datetime.now(UTC)).id)
        session.commit()
    works = [reversing(one) for one in used] * 4 + [using(code, store) for code in codes] * 5
    all_at_once(home, works)
    assert count_true(home, coupon).discount_yen <= 600


def test_voiding_and_redeeming_at_once_do_one_of_both(home: BrandHome) -> None:
    coupon, store, codes = offer(home, 8)
    with home.open() as session:
        ids = session.exec(select(IssuedCoupon.id)).all()

    def voiding(issued_coupon_id: UUID) -> Callable[[ScopedSession], Any]:
        return lambda session: redeeming.void(session, issued_coupon_id)

    works = [work for pair in zip(map(voiding, ids), (using(c, store) for c in codes), strict=True) for work in pair]
    all_at_once(home, works)
    counts = count_true(home, coupon)
    assert counts.issued == counts.redeemed


STEPS = st.lists(st.tuples(st.sampled_from(["redeem", "reverse", "void"]), st.integers(0, 3), st.integers(0, 400)))


@given(steps=STEPS, budget_yen=st.none() | st.integers(0, 900))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_counters_say_what_stands(
    session: ScopedSession, steps: list[tuple[str, int, int]], budget_yen: int | None
) -> None:
    savepoint = session.begin_nested()
    try:
        follow(session, steps, {} if budget_yen is None else {"budget_yen": budget_yen})
    finally:
        savepoint.rollback()


def follow(session: ScopedSession, steps: list[tuple[str, int, int]], limits: dict[str, int]) -> None:
    """Take the steps, and compare with the simplest book that could be kept."""
    coupon, store = make.coupon(session, limits=limits), make.store(session)
    copies = [make.issued_coupon(session, coupon) for _ in range(4)]
    standing: dict[int, Redemption] = {}
    void: set[int] = set()
    now = datetime.now(UTC)
    for verb, number, amount_yen in steps:
        copy = copies[number]
        cost = sum(one.discount_yen for one in standing.values()) + min(200, amount_yen)
        if verb == "redeem" and number not in standing | dict.fromkeys(void):
            if cost > limits.get("budget_yen", cost):
                with pytest.raises(Problem):
                    redeeming.redeem(session, copy.code, store=store, amount_yen=amount_yen, now=now)
            else:
                standing[number] = redeeming.redeem(session, copy.code, store=store, amount_yen=amount_yen, now=now)
        elif verb == "reverse" and number in standing:
            redeeming.reverse(session, standing.pop(number).id, reason=None, scope=session.scope, now=now)
        elif verb == "void" and number not in standing:
            redeeming.void(session, copy.id)
            void.add(number)
    budget = queries.get_budget(session, coupon.id)
    assert queries.get_tally(session, coupon.id).issued == 4 - len(void)
    assert (budget.redeemed, budget.discount_yen) == (
        len(standing),
        sum(one.discount_yen for one in standing.values()),
    )


def test_no_till_waits_while_copies_are_issued(home: BrandHome) -> None:
    coupon, store, [code] = offer(home, 1, limits={"total": 100})
    with home.open() as freezing:
        mine = queries.get_coupon(freezing, coupon.id)
        assert issuing.remaining(freezing, mine, datetime.now(UTC)) == 99
        with home.open() as session:
            session.connection().exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            redeeming.redeem(session, code, store=store, now=datetime.now(UTC))
            session.commit()
