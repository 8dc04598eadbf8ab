"""Whatever is launched, sent, stopped and told by LINE: never more is promised than there is, and all comes back."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, true
from sqlmodel import col, select

from app.messaging import choice, planning, quota, service
from app.messaging.audience import Audience
from app.messaging.batches import Cursor, Outcome, TakenBatch, settle
from app.messaging.line_quota import store_line_quota
from app.messaging.models import Batch, QuotaMonth, Run
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tests import make

PEOPLE = 9
LIMIT = 20
BEGIN = datetime(2026, 11, 20, 3, tzinfo=UTC)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("launch"), st.sampled_from(["trim", "queue", "skip", "refuse"])),
        st.tuples(st.just("settle"), st.sampled_from(["sent", "unknown", "failed"])),
        st.tuples(st.just("stop"), st.none()),
        st.tuples(st.just("others"), st.integers(1, 8)),
        st.tuples(st.just("sync"), st.sampled_from([0, 20, 600])),
        st.tuples(st.just("pass"), st.sampled_from([1, 30, 100, 300])),
    ),
    min_size=4,
    max_size=14,
)


class Hand:
    """The session's own connection as dispatch uses one."""

    def __init__(self, session: ScopedSession) -> None:
        self.connection = session.connection()

    async def execute(self, query: str, values: dict[str, Any]) -> None:
        self.connection.exec_driver_sql(query, values)


@dataclass
class World:
    """One account, its followers, and what is true at LINE: everything that was counted, and when."""

    session: ScopedSession
    account: LineAccount
    now: datetime = BEGIN
    sent: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    others: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    carried: dict[date, int] = field(default_factory=lambda: defaultdict(int))
    """What still waited when its month ended and counts on a later one, which may be spoken for already."""
    counted: list[tuple[datetime, int]] = field(default_factory=list)

    @property
    def month_on(self) -> date:
        return quota.quota_month(self.now)

    def rows(self) -> dict[date, QuotaMonth]:
        self.session.expire_all()
        return {row.month_on: row for row in self.session.exec(select(QuotaMonth)).all()}

    def waiting(self) -> list[Batch]:
        batches = select(Batch).where(col(Batch.state) == "waiting").order_by(col(Batch.run_id), col(Batch.batch_no))
        return list(self.session.exec(batches).all())

    def count(self, count: int) -> None:
        self.counted.append((self.now, count))

    def carry_over(self) -> None:
        late = sum(row.reserved for month, row in self.rows().items() if month < self.month_on)
        quota.carry_over(self.session, self.now)
        self.carried[self.month_on] += late

    def launch(self, quota_policy: str) -> None:
        self.carry_over()
        next_on = quota.month_after(self.month_on)
        free = {
            month: quota.find_available(self.session, [self.account.no], self.now, month).get(self.account.no)
            for month in (self.month_on, next_on)
        }
        before = {month: row.reserved for month, row in self.rows().items()}
        try:
            service.start_run(
                self.session,
                cause=service.Cause(kind="campaign"),
                content=service.Content(messages=[{"type": "text", "text": "秋です"}]),
                audience=Audience(where=true(), senders=planning.list_senders(self.session, None, None)),
                quota_policy=quota_policy,
                now=self.now,
            )
        except planning.QuotaExhausted:
            return
        for month, row in self.rows().items():
            available = free.get(month)
            assert available is None or row.reserved - before.get(month, 0) <= available

    def settle(self, state: str) -> None:
        due = [one for one in self.waiting() if one.not_before is None or one.not_before <= self.now]
        if not due:
            return
        batch = due[0]
        asyncio.run(
            settle(
                cast(Cursor, Hand(self.session)),
                self.session.scope.brand_id,
                [(cast(TakenBatch, batch), Outcome(state=state))],
                self.now,
            )
        )
        if state != "failed":
            self.sent[self.month_on] += batch.size
            self.count(batch.size)

    def stop(self, _: None) -> None:
        running = select(Run).where(col(Run.status) == "sending").order_by(col(Run.id)).limit(1)
        if (run := self.session.exec(running).first()) is not None:
            service.stop(self.session, run, self.now)

    def use_elsewhere(self, count: int) -> None:
        """LINE lets nobody pass the limit."""
        left = LIMIT - self.sent[self.month_on] - self.others[self.month_on]
        count = max(0, min(count, left))
        self.others[self.month_on] += count
        self.count(count)

    def sync(self, lag_minutes: int) -> None:
        until = self.now - timedelta(minutes=lag_minutes)
        begins_at = quota.month_begins_at(self.month_on)
        total = sum(count for at, count in self.counted if begins_at <= at <= until)
        store_line_quota(self.session, self.account, limit=LIMIT, used=total, now=self.now)

    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def check(self) -> None:
        rows = self.rows()
        reserved: dict[date, int] = defaultdict(int)
        for batch in self.waiting():
            run = self.session.exec(select(Run).where(col(Run.id) == batch.run_id)).one()
            reserved[batch.reserved_on or quota.quota_month(run.frozen_at)] += batch.size
        assert {month: row.reserved for month, row in rows.items() if row.reserved} == dict(reserved)
        for month, row in rows.items():
            assert row.sent == self.sent[month]
            assert row.others <= self.others[month]
            if not self.others[month]:
                assert row.used + row.reserved <= LIMIT + self.carried[month]


VERBS: dict[str, Callable[[World, Any], None]] = {
    "launch": World.launch,
    "settle": World.settle,
    "stop": World.stop,
    "others": World.use_elsewhere,
    "sync": World.sync,
    "pass": World.wait,
}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few people are several batches."""
    monkeypatch.setattr(choice, "BATCH_SIZE", 4)


@settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(taken=STEPS)
@example(taken=[("launch", "trim"), ("launch", "trim"), ("launch", "trim"), ("launch", "queue")])
def test_no_more_is_promised_than_there_is_and_all_comes_back(
    engine: Engine, keyring: Keyring, taken: list[tuple[str, Any]]
) -> None:
    with engine.connect() as connection:
        transaction = connection.begin()
        brand = make.new_brand(keyring)
        with open_session(connection, Scope(brand.id), join_transaction_mode="create_savepoint") as session:
            session.add(brand)
            session.flush()
            account = make.line_account(session, make.store(session))
            for _ in range(PEOPLE):
                make.follower(session, account)
            world = World(session, account)
            world.sync(0)
            for verb, detail in taken:
                VERBS[verb](world, detail)
                world.check()
            world.wait(24 * 40)
            world.carry_over()
            world.check()
            for run in session.exec(select(Run).where(col(Run.finished_at).is_(None))).all():
                service.stop(session, run, world.now)
            assert {row.reserved for row in world.rows().values()} == {0}
        transaction.rollback()
