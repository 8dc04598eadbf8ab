"""Upserts, tags, messages, orders, merges and undoing on a few people at once: none is lost, none waits in a circle.

Each operation is a transaction of its own, and several threads run theirs against the real database.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.commerce.models import Order
from app.coupons.models import IssuedCoupon, Redemption
from app.coupons.redeeming import redeem
from app.customers.identity import Place, Sign, hear
from app.customers.joining import service
from app.customers.joining.models import CustomerMerge
from app.customers.joining.problems import MergeUnderneath, MergeUndone
from app.customers.locks import lock_customers, lock_found
from app.customers.models import Customer, CustomerStore, CustomerTag, Friend, Identity, Tag
from app.customers.service import upsert_customer
from app.customers.tags.service import tag
from app.events.models import Event
from tenants.line_accounts.models import LineAccount
from tenants.problems import Invalid, Problem
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.customers.joining.people import HOUR, NOON, buy
from tests.conftest import BrandHome, new_home

PEOPLE = 3
THREADS = 6
KINDS = ("upsert", "tag", "message", "order", "redeem", "merge", "undo")
REFUSALS: dict[str, tuple[type[Problem], ...]] = {"merge": (Invalid,), "undo": (MergeUndone, MergeUnderneath)}
"""What the state of the moment may forbid."""

Step = tuple[str, int, int]
"""What is done, to which of the people, and with which other."""

steps = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, PEOPLE - 1), st.integers(1, PEOPLE - 1)), min_size=8, max_size=12
)


class Crowd:
    """A few people, known by key, by card and to LINE, and what was done to them and accepted."""

    def __init__(self, home: BrandHome) -> None:
        self.home = home
        self.done: list[tuple[str, str]] = []
        with home.open() as session:
            self.stores = [make.store(session) for _ in range(2)]
            self.accounts = [make.line_account(session, store) for store in self.stores]
            self.people = []
            self.codes: list[str] = []
            coupon = make.coupon(session)
            for number in range(PEOPLE):
                person = make.customer(session, external_id=f"e-{number}", created_at=NOON + number * HOUR)
                make.friend(session, self.accounts[number % 2], person, line_user_id=_user(number))
                self.codes += [make.issued_coupon(session, coupon, person).code for _ in range(THREADS)]
                self.people.append(person.id)
            session.commit()

    def do(self, step: Step, name: str) -> None:
        """One step in a transaction of its own; Postgres' own errors are the test's failure."""
        kind, at, other = step
        with self.home.open() as session:
            try:
                getattr(self, f"_{kind}")(session, at, (at + other) % PEOPLE, name)
                session.commit()
            except REFUSALS.get(kind, ()):
                return
        self.done.append((kind, name))

    def _upsert(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        changes = {"external_id": f"e-{at}", "attributes": {name: at}}
        upsert_customer(session, changes, scope=session.scope, now=utc_now())

    def _tag(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        tag(session, self.people[at], [make.tag(session, name=name)], source="api", now=utc_now())

    def _message(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        account = session.get_one(LineAccount, (session.scope.brand_id, self.accounts[other % 2].id))
        place = Place(account, (self.stores[other % 2],), may_join=True)
        hear(session, place, Sign(_user(at), name, utc_now()), message_type="text", text=name)

    def _order(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        person = session.get_one(Customer, (session.scope.brand_id, self.people[at]))
        buy(session, person, self.stores[other % 2], 100 + at, utc_now())

    def _redeem(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        copy = self.codes[at * THREADS + int(name.partition("-")[0])]
        if session.exec(select(IssuedCoupon.status).where(col(IssuedCoupon.code) == copy)).one() == "issued":
            redeem(session, copy, store=self.stores[other % 2], now=utc_now())

    def _merge(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        values: dict[str, Any] = {"source": "api", "proof": {}, "merged_by": name, "now": utc_now()}
        service.merge(session, self.people[at], self.people[other], **values)

    def _undo(self, session: ScopedSession, at: int, other: int, name: str) -> None:
        standing = select(CustomerMerge.id).where(col(CustomerMerge.undone_at).is_(None))
        newest = session.exec(standing.order_by(col(CustomerMerge.created_at).desc()).limit(1)).one_or_none()
        if newest is not None:
            service.undo(session, newest, undone_by=name, now=utc_now())


def _user(number: int) -> str:
    return "U" + f"{number:032x}"


def run_at_once(work: list[Callable[[], None]]) -> None:
    """Run these in threads of their own that begin together; the first error is raised."""
    barrier = Barrier(len(work))

    def begin(one: Callable[[], None]) -> None:
        barrier.wait(timeout=30)
        one()

    with ThreadPoolExecutor(len(work)) as pool:
        for future in [pool.submit(begin, one) for one in work]:
            future.result()


def check(crowd: Crowd) -> None:
    """Nothing that was accepted is lost, it is of people who are there, and all sums are what the details say."""
    with crowd.home.open() as session:
        people = {one.id: one for one in session.exec(select(Customer)).all()}
        present = {key: one for key, one in people.items() if one.merged_into_id is None}
        done = {kind: {name for what, name in crowd.done if what == kind} for kind in KINDS}
        assert done["upsert"] <= {name for one in present.values() for name in one.attributes}
        nos = {one.no: one.name for one in session.exec(select(Tag)).all()}
        assert done["tag"] <= {nos[no] for one in present.values() for no in one.tag_nos}
        friends = {one.id: one for one in session.exec(select(Friend)).all()}
        heard = session.exec(select(Event).where(col(Event.type) == "message.received")).all()
        assert sorted(done["message"]) == sorted(one.data["webhook_event_id"] for one in heard)
        assert all(one.customer_id == friends[UUID(one.data["friend_id"])].customer_id for one in heard)
        orders = session.exec(select(Order)).all()
        assert len(orders) == len(done["order"])
        copies = {one.id: one for one in session.exec(select(IssuedCoupon)).all()}
        used = session.exec(select(Redemption)).all()
        assert sorted(copy.id for copy in copies.values() if copy.status == "redeemed") == sorted(
            one.issued_coupon_id for one in used
        )
        for table in (Identity, Friend, Order, Event, IssuedCoupon, Redemption, CustomerStore, CustomerTag):
            owners = {owner for owner in session.exec(select(table.customer_id)).all() if owner is not None}
            assert owners <= present.keys(), table
        for use in used:
            assert use.customer_id == copies[use.issued_coupon_id].customer_id
        for one in present.values():
            check_sums(session, one, [order for order in orders if order.customer_id == one.id])
        assert {people[key].merged_into_id for key in people.keys() - present.keys()} <= present.keys()


def check_sums(session: ScopedSession, one: Customer, orders: list[Order]) -> None:
    """Her row says what her details add up to."""
    last_at = max((order.ordered_at for order in orders), default=None)
    assert (one.order_count, one.spend_yen, one.last_order_at) == (
        len(orders),
        sum(order.amount_yen for order in orders),
        last_at,
    )
    hers = session.exec(select(Friend).where(col(Friend.customer_id) == one.id)).all()
    assert one.account_nos == sorted({friend.account_no for friend in hers if friend.status == "following"})
    tagged = session.exec(select(CustomerTag.tag_no).where(col(CustomerTag.customer_id) == one.id)).all()
    assert sorted(one.tag_nos) == sorted(tagged)
    rows = session.exec(select(CustomerStore).where(col(CustomerStore.customer_id) == one.id)).all()
    assert sorted(one.store_nos) == sorted(row.store_no for row in rows)
    for row in rows:
        there = [order.amount_yen for order in orders if order.store_no == row.store_no]
        assert (row.order_count, row.spend_yen) == (len(there), sum(there))


@given(plans=st.lists(steps, min_size=THREADS, max_size=THREADS))
@settings(
    max_examples=3,
    deadline=None,
    derandomize=False,
    phases=[Phase.generate],  # what threads do is never the same twice, so there is nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_that_was_accepted_is_lost(engine: Engine, keyring: Keyring, plans: list[list[Step]]) -> None:
    crowd = Crowd(new_home(engine, keyring))

    def run(number: int) -> None:
        for turn, step in enumerate(plans[number]):
            crowd.do(step, f"{number}-{turn}")

    run_at_once([lambda number=number: run(number) for number in range(THREADS)])  # type: ignore[misc]
    check(crowd)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_merges_of_one_pair_at_once_one_is_made(home: BrandHome, turned: bool) -> None:
    crowd = Crowd(home)
    run_at_once([lambda: crowd.do(("merge", 0, 1), "0-0"), lambda: crowd.do(("merge", int(turned), 1 + turned), "1-0")])
    assert [kind for kind, _ in crowd.done] == ["merge"]
    check(crowd)


def test_a_merge_undone_twice_at_once_is_undone_once(home: BrandHome) -> None:
    crowd = Crowd(home)
    crowd.do(("merge", 0, 1), "0-0")
    with home.open() as session:
        merge_id = session.exec(select(CustomerMerge.id)).one()
    outcomes: list[str] = []

    def undo() -> None:
        with home.open() as session:
            try:
                service.undo(session, merge_id, undone_by=None, now=utc_now())
                session.commit()
                outcomes.append("undone")
            except MergeUndone:
                outcomes.append("refused")

    run_at_once([undo] * 4)
    assert sorted(outcomes) == ["refused"] * 3 + ["undone"]
    check(crowd)


def test_who_was_locked_and_let_go_again_is_free_for_who_waited(home: BrandHome) -> None:
    """Else both would wait in a circle: one for the person let go, the other for one whom the first holds."""
    crowd = Crowd(home)
    low, high = sorted(crowd.people)[:2]
    finds = iter([{high}, {low}, {low}, {low}])
    waiting = ThreadPoolExecutor(1)

    def lock_both() -> None:
        with home.open() as session:
            lock_customers(session, [low, high])
            session.commit()

    with home.open() as session:

        def find() -> set[UUID]:
            found = next(finds)
            if found == {low} and not others:
                others.append(waiting.submit(lock_both))
                wait_for_waiting(home)
            return found

        others: list[Future[None]] = []
        locked = lock_found(session, find)
        assert locked.keys() == {low}
        session.commit()
    others[0].result(timeout=30)


def wait_for_waiting(home: BrandHome) -> None:
    """Return once somebody waits for a row of this database."""
    is_waited = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid')")
    end = time.monotonic() + 30
    with home.open() as session:
        while not session.connection().execute(is_waited).scalar():
            assert time.monotonic() < end
            time.sleep(0.01)
