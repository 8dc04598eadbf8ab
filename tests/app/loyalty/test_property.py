"""Whatever happens in whatever order: a balance is what its entries add up to, and each source counts once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import col, select

from app.commerce.models import Order
from app.customers.joining.service import merge, undo
from app.customers.locks import lock_customers, lock_rows
from app.customers.models import Customer
from app.loyalty import earning, ledger, posting, queries
from app.loyalty.models import LoyaltyMember, PointEntry
from app.loyalty.posting import Wanted
from app.loyalty.problems import PointsInsufficient
from app.loyalty.programmes import put_programme
from tenants.problems import Problem
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

pytestmark = pytest.mark.slow

NOON = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
RULES = {**make.POINT_RULES, "expires_after_months": 2}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "spend", "adjust", "refund", "return", "buy", "expire", "merge", "undo"]),
        st.integers(0, 2),  # who
        st.integers(0, 3),  # which source, order or merge
        st.integers(1, 300),  # how much
        st.integers(0, 40),  # days that pass
    ),
    min_size=4,
    max_size=22,
)


@dataclass
class Story:
    """Three people, and what is done to their points; `now` moves on."""

    session: ScopedSession
    store: Store
    people: list[UUID]
    now: datetime = NOON
    merges: list[UUID] = field(default_factory=list)

    def step(self, act: str, who: int, which: int, much: int, days: int) -> None:
        """Do it, or be refused; then all must hold."""
        self.now += timedelta(days=days)
        before = self._read()
        try:
            getattr(self, f"_{act}")(self.people[who], which, much)
        except PointsInsufficient:
            assert self._read()[self._survivor(self.people[who])] < much
        except Problem:
            pass
        self._check(act, before)

    def _earn(self, who: UUID, which: int, much: int) -> None:
        self._post(who, "earn", much, f"e{which}")

    def _spend(self, who: UUID, which: int, much: int) -> None:
        self._post(who, "spend", -much, f"s{which}:{much}")

    def _adjust(self, who: UUID, which: int, much: int) -> None:
        self._post(who, "adjust", much if which % 2 else -much, f"a{which}:{much}")

    def _refund(self, who: UUID, which: int, much: int) -> None:
        self._post(who, "refund", -much, f"r{which}:{much}", f"e{which}")

    def _return(self, who: UUID, which: int, much: int) -> None:
        spent = select(PointEntry).where(col(PointEntry.kind) == "spend").order_by(col(PointEntry.id)).limit(which + 1)
        found = self.session.exec(spent).all()
        self._post(who, "return", much, f"t{which}:{much}", found[-1].source_ref if found else "none")

    def _post(self, who: UUID, kind: Any, delta: int, ref: str, undoes: str | None = None) -> None:
        wanted = Wanted(who, kind, delta, ref, undoes=undoes)
        posting.post(self.session, wanted, store=None, scope=self.session.scope, now=self.now)

    def _buy(self, who: UUID, which: int, much: int) -> None:
        order_id = self.place(who, which, much)
        earning.settle_orders(self.session, [order_id], self.now)
        given = self.session.exec(select(PointEntry).where(col(PointEntry.order_id) == order_id)).all()
        assert sum(one.delta for one in given) == much

    def place(self, who: UUID, which: int, much: int) -> UUID:
        """An order, or another amount or another customer of one that there is."""
        whose = lock_customers(self.session, [who])[who].id
        name = f"o{which}"
        order = self.session.exec(select(Order).where(col(Order.external_id) == name)).one_or_none()
        if order is None:
            place: dict[str, Any] = {"store_id": self.store.id, "store_no": self.store.no}
            order = Order(external_id=name, ordered_at=self.now, amount_yen=0, **place)
        order.customer_id, order.amount_yen = whose, much * 100
        self.session.add(order)
        self.session.flush()
        return order.id

    def _expire(self, who: UUID, which: int, much: int) -> None:
        due = queries.list_due(self.session, UUID(int=0), self.now, 100)
        ledger.add_up(self.session, lock_rows(self.session, due), self.now)
        assert queries.list_due(self.session, UUID(int=0), self.now, 100) == []

    def _merge(self, who: UUID, which: int, much: int) -> None:
        other = self.people[which % 3]
        row = merge(self.session, other, who, source="api", proof={}, merged_by=None, now=self.now)
        self.merges.append(row.id)

    def _undo(self, who: UUID, which: int, much: int) -> None:
        if self.merges:
            undo(self.session, self.merges[-1], undone_by=None, now=self.now)
            self.merges.pop()

    def _survivor(self, who: UUID) -> UUID:
        row = self.session.exec(select(Customer.merged_into_id).where(col(Customer.id) == who)).one()
        return row or who

    def _read(self) -> Counter[UUID]:
        members = queries.map_members(self.session, self.people).values()
        return Counter({one.customer_id: one.points for one in members})

    def _check(self, act: str, before: Counter[UUID]) -> None:
        after = self._read()
        check(self.session)
        if act in ("spend", "adjust", "expire"):  # only what is taken back, and a merge undone, makes a debt
            assert all(after[one] >= min(0, before[one]) for one in self.people)


def check(session: ScopedSession) -> None:
    """Each balance is the sum of its entries, no source counts twice, and nothing was given for a lot that is not."""
    entries = session.exec(select(PointEntry).execution_options(populate_existing=True)).all()
    sums = Counter[UUID]()
    for one in entries:
        sums[one.customer_id] += one.delta
    members = session.exec(select(LoyaltyMember).execution_options(populate_existing=True)).all()
    assert {one.customer_id: one.points for one in members if one.points} == {k: v for k, v in sums.items() if v}
    times = Counter((one.kind, one.origin, one.source_ref) for one in entries)
    assert not times or max(times.values()) == 1
    lots = Counter[Any]()
    for one in entries:
        if one.lot_id is not None:
            lots[one.lot_id] += one.delta
    assert all(left >= 0 for left in lots.values())


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(steps=STEPS)
def test_a_balance_is_what_its_entries_add_up_to(
    engine: Engine, keyring: Keyring, steps: list[tuple[str, int, int, int, int]]
) -> None:
    with engine.connect() as connection:
        brand = make.new_brand(keyring)
        with open_session(connection, Scope(brand.id), join_transaction_mode="create_savepoint") as session:
            session.add(brand)
            store = make.store(session)
            put_programme(session, RULES, NOON - timedelta(days=1))
            story = Story(session, store, [make.customer(session, store).id for _ in range(3)])
            for one in steps:
                story.step(*one)
        connection.rollback()


def test_a_balance_holds_while_all_happens_at_once(home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        put_programme(session, RULES, NOON - timedelta(days=1))
        people = [make.customer(session, store).id for _ in range(3)]
        begun = Story(session, store, people)
        orders = [begun.place(people[0], which, 0) for which in range(4)]
        session.commit()
    merges: list[UUID] = []
    met: Counter[str] = Counter()

    def live(number: int) -> None:
        dice = Random(number)
        for turn in range(14):
            act = dice.choice(["earn", "spend", "spend", "refund", "place", "place", "expire", "merge", "undo"])
            now = NOON + timedelta(days=turn * 9)
            who, which, much = people[dice.randrange(3)], dice.randrange(4), dice.randrange(1, 200)
            try:
                with home.open() as session:
                    story = Story(session, store, people, now, merges[-1:] if act == "undo" else [])
                    getattr(story, act if act == "place" else f"_{act}")(who, which, much)
                    session.commit()
                    merges.extend(story.merges if act == "merge" else [])
                if act == "place":
                    with home.open() as session:
                        earning.settle_orders(session, [orders[which]], now)
                        session.commit()
                met[act] += 1
            except Problem:
                met["refused"] += 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(4)))
    assert min(met[act] for act in ("earn", "place", "merge", "spend")) > 0
    with home.open() as session:
        earning.settle_orders(session, orders, NOON + timedelta(days=200))
        check(session)
        for one in session.exec(select(Order)).all():
            given = session.exec(select(PointEntry).where(col(PointEntry.order_id) == one.id)).all()
            assert sum(entry.delta for entry in given) == one.amount_yen // 100
