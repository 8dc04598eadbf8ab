"""Issuing copies, to people and to a run."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.coupons import issuing, queries, redeeming
from app.coupons.codes import find_code
from app.coupons.models import Coupon, IssuedCoupon
from app.coupons.problems import CouponAllIssued, CouponCustomerLimit, CouponEnded
from app.customers.models import Customer
from app.events.models import Event
from app.messaging.models import Delivery, Run
from tenants.ids import uuid7
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession
from tests import make

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def issue(session: ScopedSession, coupon: Coupon, *customers: Customer, source: str = "api:a") -> list[str]:
    """Issue, and say what became of each: new, had, or the problem's name."""
    outcomes = issuing.issue(
        session, coupon, [one.id for one in customers], source=source, scope=session.scope, now=NOON
    )
    return [one.problem.slug() if one.problem else "new" if one.is_new else "had" for one in outcomes]


def events(session: ScopedSession) -> list[Event]:
    return list(session.exec(select(Event).where(col(Event.type) == "coupon.issued")).all())


def test_each_customer_is_given_a_copy_of_her_own(session: ScopedSession) -> None:
    coupon = make.coupon(session, validity={"hours_after_issue": 3})
    customers = [make.customer(session) for _ in range(3)]
    outcomes = issuing.issue(
        session, coupon, [one.id for one in customers], source="api:a", scope=session.scope, now=NOON
    )
    copies = [outcome.issued for outcome in outcomes if outcome.issued]
    assert [copy.customer_id for copy in copies] == [one.id for one in customers]
    assert len({copy.code for copy in copies}) == 3
    assert {(copy.starts_at, copy.expires_at) for copy in copies} == {(NOON, NOON + timedelta(hours=3))}
    assert queries.get_tally(session, coupon.id).issued == 3


def test_a_copy_is_told_once_and_without_its_code(session: ScopedSession) -> None:
    coupon, customer = make.coupon(session), make.customer(session)
    issue(session, coupon, customer)
    issue(session, coupon, customer)
    [event] = events(session)
    [copy] = session.exec(select(IssuedCoupon)).all()
    assert (event.customer_id, event.occurred_at) == (customer.id, NOON)
    assert event.data == {
        "coupon_id": str(coupon.id),
        "issued_coupon_id": str(copy.id),
        "campaign_id": None,
        "weather_rule_id": None,
        "run_id": None,
    }


def test_the_same_source_gives_the_same_copy(session: ScopedSession) -> None:
    coupon, customer = make.coupon(session), make.customer(session)
    assert issue(session, coupon, customer, customer) == ["new", "had"]
    assert issue(session, coupon, customer) == ["had"]
    assert issue(session, coupon, customer, source="api:b") == ["new"]
    assert queries.get_tally(session, coupon.id).issued == 2


def test_the_first_named_have_the_last_copies(session: ScopedSession) -> None:
    coupon = make.coupon(session, limits={"total": 2})
    customers = [make.customer(session) for _ in range(3)]
    assert issue(session, coupon, *customers) == ["new", "new", CouponAllIssued.slug()]
    assert issue(session, coupon, *customers) == ["had", "had", CouponAllIssued.slug()]
    assert issuing.remaining(session, coupon, NOON) == 0


def test_a_customer_is_given_as_many_copies_as_she_may(session: ScopedSession) -> None:
    coupon, customer = make.coupon(session, limits={"per_customer": 2}), make.customer(session)
    other = make.customer(session)
    slugs = [issue(session, coupon, customer, source=f"api:{n}")[0] for n in range(3)]
    assert slugs == ["new", "new", CouponCustomerLimit.slug()]
    assert issue(session, coupon, other, source="api:2") == ["new"]


def test_a_void_copy_does_not_count(session: ScopedSession) -> None:
    coupon, customer = make.coupon(session, limits={"total": 1, "per_customer": 1}), make.customer(session)
    issue(session, coupon, customer)
    redeeming.void(session, session.exec(select(IssuedCoupon.id)).one())
    assert issue(session, coupon, customer, source="api:b") == ["new"]


def test_nobody_is_given_a_coupon_that_has_ended(session: ScopedSession) -> None:
    coupon = make.coupon(session, validity={"from": "2026-11-01", "to": "2026-11-20"})
    assert issue(session, coupon, make.customer(session)) == [CouponEnded.slug()]


def test_strangers_and_erased_people_are_not_found(session: ScopedSession) -> None:
    coupon, erased = make.coupon(session), make.customer(session, erased_at=NOON)
    stranger = Customer(id=uuid7())
    assert issue(session, coupon, erased, stranger) == [NotFound.slug()] * 2


def test_a_store_issues_its_own_coupon_to_its_own_customers(session: ScopedSession) -> None:
    mine, other = make.store(session), make.store(session)
    coupon = make.coupon(session, store_id=mine.id, store_no=mine.no)
    hers, theirs = make.customer(session, store_nos=[mine.no]), make.customer(session, store_nos=[other.no])
    scope = Scope(session.scope.brand_id, frozenset({mine.no}))
    outcomes = issuing.issue(session, coupon, [hers.id, theirs.id], source="api:a", scope=scope, now=NOON)
    assert outcomes[0].issued is not None
    assert outcomes[0].issued.store_no == mine.no
    assert isinstance(outcomes[1].problem, NotFound)


def test_a_weather_day_s_copy_lasts_until_the_last_store_closes(session: ScopedSession) -> None:
    early = make.store(session, opening_hours={"sat": [["11:00", "21:00"]]})
    late = make.store(session, opening_hours={"sat": [["11:00", "23:00"]]})
    make.store(session, opening_hours={"sat": [["11:00", "26:00"]]})
    coupon = make.coupon(session, validity={"weather_day": True}, redeemable_store_nos=[early.no, late.no])
    issue(session, coupon, make.customer(session))
    [copy] = session.exec(select(IssuedCoupon)).all()
    assert copy.starts_at == datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert copy.expires_at == datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


def run_of(session: ScopedSession, coupon: Coupon, chosen: list[Customer], left_out: list[Customer]) -> Run:
    """A frozen weather run."""
    run = Run(
        kind="weather",
        status="sending",
        brand_name="のれん食堂",
        weather_rule_id=uuid7(),
        coupon_id=coupon.id,
        business_on=date(2026, 11, 21),
        messages=[],
        personal=True,
        holdout_salt="",
        frozen_at=NOON,
    )
    session.add(run)
    session.flush()
    session.add_all(
        Delivery(customer_id=one.id, run_id=run.id, batch_no=100_000, account_no=1, store_no=3) for one in chosen
    )
    session.add_all(Delivery(customer_id=one.id, run_id=run.id, reason="holdout") for one in left_out)
    session.flush()
    return run


def test_everybody_whom_a_run_sends_to_is_given_a_copy(session: ScopedSession) -> None:
    coupon = make.coupon(session, validity={"weather_day": True}, limits={"total": 5})
    chosen, held = [make.customer(session) for _ in range(3)], make.customer(session)
    run = run_of(session, coupon, chosen, [held])
    assert issuing.issue_to_run(session, coupon, run, now=NOON) == 3
    copies = session.exec(select(IssuedCoupon)).all()
    assert {copy.customer_id for copy in copies} == {one.id for one in chosen}
    assert {find_code(copy.code) for copy in copies} == {copy.code for copy in copies}
    assert {copy.id.version for copy in copies} == {7}
    assert {(copy.run_id, copy.weather_rule_id, copy.campaign_id) for copy in copies} == {
        (run.id, run.weather_rule_id, None)
    }
    assert {(copy.store_no, copy.account_no, copy.status) for copy in copies} == {(3, 1, "issued")}
    assert {copy.expires_at for copy in copies} == {datetime(2026, 11, 21, 15, 0, tzinfo=UTC)}
    assert issuing.remaining(session, coupon, NOON) == 2


def test_a_run_s_events_are_those_that_single_copies_make(session: ScopedSession) -> None:
    coupon = make.coupon(session)
    run = run_of(session, coupon, [make.customer(session)], [])
    issuing.issue_to_run(session, coupon, run, now=NOON)
    [event], [copy] = events(session), session.exec(select(IssuedCoupon)).all()
    fact = issuing._issued_fact(copy, NOON)
    assert (event.type, event.customer_id, event.store_no, event.account_no, event.occurred_at) == (
        fact.type,
        fact.customer_id,
        fact.store_no,
        fact.account_no,
        fact.occurred_at,
    )
    assert (event.data, event.dedupe_key) == (fact.data(), fact.dedupe_key())
    assert (event.id.version, event.feed_no) == (7, None)


def test_a_run_is_given_its_copies_once(session: ScopedSession) -> None:
    coupon = make.coupon(session, limits={"total": 1})
    run = run_of(session, coupon, [make.customer(session)], [])
    assert [issuing.issue_to_run(session, coupon, run, now=NOON) for _ in range(2)] == [1, 0]
    assert queries.get_tally(session, coupon.id).issued == 1
    assert len(events(session)) == 1


def test_a_run_that_would_pass_the_total_is_refused(session: ScopedSession) -> None:
    coupon = make.coupon(session, limits={"total": 1})
    run = run_of(session, coupon, [make.customer(session) for _ in range(2)], [])
    with pytest.raises(CouponAllIssued):
        issuing.issue_to_run(session, coupon, run, now=NOON)


def test_those_who_hold_enough_are_known_to_the_freeze(session: ScopedSession) -> None:
    coupon: Any = make.coupon(session, limits={"per_customer": 2})
    none, one, two, void = (make.customer(session) for _ in range(4))
    for customer, count in ((one, 1), (two, 2)):
        for _ in range(count):
            make.issued_coupon(session, coupon, customer)
    for _ in range(2):
        redeeming.void(session, make.issued_coupon(session, coupon, void).id)
    make.issued_coupon(session, make.coupon(session), none)
    condition = issuing.holds_too_many(coupon)
    assert condition is not None
    assert session.exec(select(Customer.id).where(condition)).all() == [two.id]
    assert issuing.holds_too_many(make.coupon(session)) is None
    assert issuing.remaining(session, make.coupon(session), NOON) is None
