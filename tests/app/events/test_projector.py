"""Every event reaches every subscriber once and gets one place in the feed, whoever projects at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.events.facts import TYPES, Fact
from app.events.models import Event
from app.events.projector import Subscriber, project
from app.events.queries import list_unprojected_brands
from app.events.service import record
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tests import make
from tests.conftest import BrandHome
from tests.make.events import NOON


@dataclass(frozen=True, kw_only=True)
class Followed(Fact):
    """Stands for any domain's fact."""

    type: ClassVar[str] = "friend.followed"
    once_by: ClassVar[tuple[str, ...]] = ("friend_id",)

    friend_id: UUID


def followed() -> Followed:
    return Followed(occurred_at=NOON, friend_id=uuid7())


def project_all(home: BrandHome, *subscribers: Subscriber, most: int = 1000) -> int:
    """Project until nothing waits; answers how many events that were."""
    done = 0
    while taken := project(home.engine, home.scope.brand_id, datetime.now(UTC), subscribers, most):
        done += taken
    return done


def read_feed_nos(home: BrandHome) -> list[int | None]:
    with home.open() as session:
        return list(session.exec(select(Event.feed_no).order_by(col(Event.feed_no))).all())


def record_committed(home: BrandHome, count: int) -> None:
    with home.open() as session:
        record(session, *(followed() for _ in range(count)))
        session.commit()


class Listener:
    """A subscriber that remembers what it was given."""

    def __init__(self) -> None:
        self.heard: list[UUID] = []
        self.feed_nos: list[int | None] = []

    def __call__(self, session: ScopedSession, events: Sequence[Event]) -> None:
        self.heard += [event.id for event in events]
        self.feed_nos += [event.feed_no for event in events]


def test_events_get_the_numbers_from_one_in_the_order_in_which_they_were_recorded(home: BrandHome) -> None:
    with home.open() as session:
        recorded = [followed() for _ in range(5)]
        record(session, *recorded)
        session.commit()
    listener = Listener()
    assert project_all(home, listener, most=2) == 5
    assert listener.feed_nos == [1, 2, 3, 4, 5]
    with home.open() as session:
        rows = session.exec(select(Event).order_by(col(Event.feed_no))).all()
        assert [row.data["friend_id"] for row in rows] == [str(fact.friend_id) for fact in recorded]
        assert [row.id for row in rows] == listener.heard


def test_the_order_is_the_databases_clock_even_when_a_machines_clock_is_behind(
    home: BrandHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter([UUID(int=2), UUID(int=1)])
    monkeypatch.setattr("app.events.service.uuid7", lambda: next(ids))
    for _ in range(2):
        record_committed(home, 1)
    listener = Listener()
    project_all(home, listener)
    assert listener.heard == [UUID(int=2), UUID(int=1)]


def test_a_fact_recorded_twice_is_one_event(home: BrandHome) -> None:
    fact = followed()
    with home.open() as session:
        assert record(session, fact, fact) == 1
        assert record(session, fact) == 0
        session.commit()
    assert project_all(home) == 1


def test_an_event_that_commits_late_comes_later_and_is_not_skipped(home: BrandHome) -> None:
    early, late = Listener(), Listener()
    with home.open() as slow:
        record(slow, followed())
        record_committed(home, 1)
        assert project_all(home, early) == 1
        slow.commit()
    assert project_all(home, late) == 1
    assert read_feed_nos(home) == [1, 2]
    assert (early.feed_nos, late.feed_nos) == ([1], [2])


def test_a_second_projector_of_a_brand_leaves_the_work_to_the_first(home: BrandHome) -> None:
    record_committed(home, 3)
    inside, leave = Flag(), Flag()

    def hold(session: ScopedSession, events: Sequence[Event]) -> None:
        inside.set()
        assert leave.wait(60)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(project_all, home, hold)
        assert inside.wait(60)
        assert project_all(home) == 0
        leave.set()
        assert first.result(60) == 3
    assert read_feed_nos(home) == [1, 2, 3]


def test_brands_are_projected_independently(home: BrandHome, other_home: BrandHome) -> None:
    record_committed(home, 2)
    record_committed(other_home, 3)
    inside, leave = Flag(), Flag()

    def hold(session: ScopedSession, events: Sequence[Event]) -> None:
        inside.set()
        assert leave.wait(60)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(project_all, home, hold)
        assert inside.wait(60)
        assert project_all(other_home) == 3
        leave.set()
        assert first.result(60) == 2
    assert read_feed_nos(other_home) == [1, 2, 3]


def test_every_event_is_projected_once_while_many_record_and_two_project(home: BrandHome) -> None:
    writers, each = 4, 40
    listeners = [Listener(), Listener()]
    finished = Flag()

    def write(_: int) -> None:
        for _ in range(each):
            with home.open() as session:
                record(session, followed(), followed())
                session.commit()

    def keep_projecting(listener: Listener) -> None:
        while not finished.is_set():
            project(home.engine, home.scope.brand_id, datetime.now(UTC), [listener], 7)

    with ThreadPoolExecutor(writers + 2) as pool:
        projectors = [pool.submit(keep_projecting, listener) for listener in listeners]
        try:
            list(pool.map(write, range(writers), timeout=60))
        finally:
            finished.set()
        for projector in projectors:
            projector.result(60)
    project_all(home, listeners[0])
    heard = listeners[0].heard + listeners[1].heard
    assert len(heard) == len(set(heard)) == writers * each * 2
    assert read_feed_nos(home) == list(range(1, writers * each * 2 + 1))


def test_a_subscriber_that_fails_leaves_everything_as_it_was(home: BrandHome) -> None:
    record_committed(home, 2)

    def fail(session: ScopedSession, events: Sequence[Event]) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        project_all(home, fail)
    assert read_feed_nos(home) == [None, None]
    listener = Listener()
    assert project_all(home, listener) == 2
    assert listener.feed_nos == [1, 2]


def test_brands_with_waiting_events_are_found_without_a_scope(home: BrandHome, other_home: BrandHome) -> None:
    with home.open() as session:
        make.event(session, store=make.store(session))
        make.event(session)
        session.commit()
    waiting = list_unprojected_brands(home.engine)
    assert waiting.count(home.scope.brand_id) == 1
    assert other_home.scope.brand_id not in waiting
    project_all(home)
    assert home.scope.brand_id not in list_unprojected_brands(home.engine)


def test_the_lag_of_a_batch_is_measured(home: BrandHome) -> None:
    from app.events.projector import LAG

    def read_sum() -> float:
        return float(next(one.value for metric in LAG.collect() for one in metric.samples if one.name.endswith("_sum")))

    record_committed(home, 1)
    before = read_sum()
    project(home.engine, home.scope.brand_id, datetime.now(UTC) + timedelta(hours=1), [])
    assert 3590 < read_sum() - before < 3700


def test_finding_work_reads_the_index_and_not_the_backlog(session: ScopedSession) -> None:
    # Whatever the statistics say: where no index gave the order, the plan would have to sort all the same.
    session.execute(
        text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off")
    )
    plan = "\n".join(
        session.execute(
            text(
                "EXPLAIN SELECT id FROM event WHERE feed_no IS NULL AND brand_id = :b ORDER BY created_at, id LIMIT 9"
            ),
            {"b": session.scope.brand_id},
        ).scalars()
    )
    assert "ix_event_unprojected" in plan
    assert "Sort" not in plan


def test_every_fact_has_a_published_type() -> None:
    def list_kinds(kind: type[Fact]) -> list[type[Fact]]:
        return [kind, *(inner for each in kind.__subclasses__() for inner in list_kinds(each))]

    named = [kind.type for kind in list_kinds(Fact) if hasattr(kind, "type")]
    assert set(named) <= set(TYPES)
