"""A noisy brand does not keep a quiet one waiting: not for lanes, nor for jobs, nor for the projector."""

import asyncio
import os
import signal
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlmodel import col, select

from app.database import Urls, async_conninfo
from app.events.models import Event
from app.jobs import lanes
from app.jobs.queue import Work, defer, task
from app.messaging import stopping
from app.messaging.models import Run
from app.settings import Settings
from app.worker import Worker
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage
from tests.app.messaging.test_crash import start_worker, wait_until
from tests.conftest import BrandHome


@task
def do_nothing(work: Work) -> None:
    """A job that only waits here."""


def touch(home: BrandHome, kind: str, count: int) -> None:
    with home.open() as session:
        lanes.touch(session, kind, home.scope.brand_id, [uuid7() for _ in range(count)])
        session.commit()


def claim(urls: Urls, kind: str, worker: str, most: int, most_of_one: int) -> list[lanes.Claimed]:
    async def run() -> list[lanes.Claimed]:
        async with await psycopg.AsyncConnection.connect(async_conninfo(urls.app), autocommit=True) as connection:
            return await lanes.claim(connection, [kind], worker, most, most_of_one)

    return asyncio.run(run())


def release(urls: Urls, lane: lanes.Claimed, worker: str) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(async_conninfo(urls.app), autocommit=True) as connection:
            await lanes.release(connection, lane, worker, None)

    asyncio.run(run())


@pytest.fixture
def kind() -> str:
    """A kind of lane of this test's own."""
    return f"kind-{uuid7()}"


def brands_of(claimed: list[lanes.Claimed]) -> list[UUID]:
    return [lane.brand_id for lane in claimed]


def test_one_brand_never_fills_a_worker(urls: Urls, home: BrandHome, other_home: BrandHome, kind: str) -> None:
    touch(home, kind, 1000)
    assert len(claim(urls, kind, "w", 8, 6)) == 6
    assert claim(urls, kind, "w", 2, 6) == [], "the rest is for others"
    touch(other_home, kind, 1)
    assert brands_of(claim(urls, kind, "w", 2, 6)) == [other_home.scope.brand_id]


def test_lanes_of_one_kind_take_no_places_of_another(urls: Urls, home: BrandHome, kind: str) -> None:
    touch(home, kind, 10)
    touch(home, f"{kind}-2", 10)
    assert len(claim(urls, kind, "w", 8, 6)) == 6
    assert len(claim(urls, f"{kind}-2", "w", 8, 6)) == 6


def test_the_next_free_place_is_for_the_brand_that_holds_fewest(
    urls: Urls, home: BrandHome, other_home: BrandHome, kind: str
) -> None:
    """However much longer the lanes of the brand have waited that is served already."""
    touch(home, kind, 1000)
    claimed = claim(urls, kind, "w", 8, 8)
    touch(other_home, kind, 1)
    release(urls, claimed[0], "w")
    assert brands_of(claim(urls, kind, "w", 1, 8)) == [other_home.scope.brand_id]


def test_with_a_single_place_brands_take_turns(urls: Urls, home: BrandHome, other_home: BrandHome, kind: str) -> None:
    """However much longer the lanes of the brand have waited that was served last."""
    touch(home, kind, 1000)
    for lane in claim(urls, kind, "w", 1, 1):
        release(urls, lane, "w")
    touch(other_home, kind, 10)
    served = []
    for _ in range(6):
        (lane,) = claim(urls, kind, "w", 1, 1)
        release(urls, lane, "w")
        served.append(lane.brand_id)
    assert served == [other_home.scope.brand_id, home.scope.brand_id] * 3


def test_places_are_shared_evenly_over_workers(urls: Urls, home: BrandHome, other_home: BrandHome, kind: str) -> None:
    touch(home, kind, 100)
    held = claim(urls, kind, "w1", 8, 8)
    touch(other_home, kind, 100)
    more = claim(urls, kind, "w2", 10, 10)
    assert brands_of(held + more).count(other_home.scope.brand_id) == 9


def test_lanes_of_one_brand_are_claimed_in_the_order_in_which_they_wait(urls: Urls, home: BrandHome, kind: str) -> None:
    keys = [uuid7() for _ in range(5)]
    for key in keys:
        with home.open() as session:
            lanes.touch(session, kind, home.scope.brand_id, [key])
            session.commit()
    assert {lane.key for lane in claim(urls, kind, "w", 2, 4)} == set(keys[:2])


@pytest.mark.slow
def test_a_quiet_brands_message_goes_out_while_a_noisy_ones_lanes_are_slow(
    stage: Stage, other_home: BrandHome, keyring: Keyring
) -> None:
    quiet = Stage(other_home, stage.line, keyring, stage.settings, stage.urls)
    with stage.home.open() as session:
        noisy_accounts = [stage.account(session, 1) for _ in range(16)]
        stage.start(session)
    with other_home.open() as session:
        account = quiet.account(session, 1)
        session.commit()
    stage.fault(endpoint="/v2/bot/message", delay_ms=1500)
    os.environ["NOREN_WORKER_LANES"] = "2"
    worker = start_worker(stage)
    del os.environ["NOREN_WORKER_LANES"]

    def count_noisy() -> int:
        return sum(len(stage.delivered(account)) for account in noisy_accounts)

    try:
        wait_until(lambda: count_noisy() > 0, 60)
        with other_home.open() as session:
            run = quiet.start(session)
        wait_until(lambda: quiet.delivered(account), 60)
        assert count_noisy() <= 8, "the noisy brand had not first to be worked off"
        wait_until(lambda: quiet.state_of(run).status == "finished", 60)
        wait_until(lambda: all_finished(stage), 60)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("holds", ["until later", "stopped"])
def test_lanes_that_may_not_send_take_no_place_from_others(
    stage: Stage, other_home: BrandHome, keyring: Keyring, holds: str
) -> None:
    """They are looked at once, and sleep until their moment or until somebody lets them go on."""
    quiet = Stage(other_home, stage.line, keyring, stage.settings, stage.urls)
    with stage.home.open() as session:
        noisy_accounts = [stage.account(session, 1) for _ in range(12)]
        stage.start(session)
    with stage.home.open() as session:
        if holds == "stopped":
            stopping.stop_brand(session, get_brand(session, stage.home.scope.brand_id), "test", utc_now())
        else:
            session.execute(text("UPDATE batch SET not_before = now() + interval '1 hour'"))
        session.commit()
    with other_home.open() as session:
        account = quiet.account(session, 1)
        run = quiet.start(session)
    settings = stage.settings.model_copy(update={"worker_lanes": 2})
    turns = count_turns()
    quiet.settings = settings
    quiet.work()
    assert count_turns() - turns <= len(noisy_accounts) + 2, "nobody looks again and again"
    assert quiet.state_of(run).status == "finished"
    assert len(quiet.delivered(account)) == 1
    assert not any(stage.delivered(account) for account in noisy_accounts)


def count_turns() -> float:
    """Turns of send lanes that workers of this process have had."""
    return REGISTRY.get_sample_value("noren_lanes_worked_total", {"kind": "send", "outcome": "worked"}) or 0.0


def all_finished(stage: Stage) -> bool:
    with stage.home.open() as session:
        return set(session.exec(select(Run.status)).all()) == {"finished"}


def fetch_job(session: ScopedSession) -> str:
    """The brand of the job that a worker would do next, as Procrastinate finds it."""
    row = session.execute(text("SELECT args->>'brand_id' FROM procrastinate_fetch_job_v2(NULL, NULL)")).one()
    return str(row[0])


def test_a_brands_first_job_comes_before_the_thousandth_of_another(session: ScopedSession, keyring: Keyring) -> None:
    session.execute(text("DELETE FROM procrastinate_jobs"))
    for _ in range(300):
        defer(session, do_nothing)
    brand = make.new_brand(keyring)
    options = {"join_transaction_mode": "create_savepoint"}
    with open_session(session.connection(), Scope(brand.id), **options) as quiet:
        quiet.add(brand)
        quiet.flush()
        defer(quiet, do_nothing)
        quiet.commit()
    assert str(brand.id) in {fetch_job(session), fetch_job(session)}


def test_a_brands_own_jobs_are_done_in_their_order(session: ScopedSession) -> None:
    session.execute(text("DELETE FROM procrastinate_jobs"))
    for _ in range(3):
        defer(session, do_nothing)
    ids = session.execute(text("SELECT id FROM procrastinate_jobs ORDER BY id")).scalars().all()
    fetched = [session.execute(text("SELECT id FROM procrastinate_fetch_job_v2(NULL, NULL)")).scalar_one() for _ in ids]
    assert fetched == ids


def test_a_brands_event_is_projected_in_one_turn_beside_anothers_thousands(
    settings: Settings, urls: Urls, home: BrandHome, other_home: BrandHome
) -> None:
    with home.open() as session:
        session.add_all(event() for _ in range(2500))
        session.commit()
    with other_home.open() as session:
        event_id = make.event(session).id
        session.commit()
    worker = Worker(settings, urls)
    worker._project_all()
    worker.engine.dispose()
    with other_home.open() as session:
        assert session.exec(select(Event.feed_no).where(col(Event.id) == event_id)).one() == 1
    with home.open() as session:
        waiting = session.exec(select(Event.id).where(col(Event.feed_no).is_(None))).all()
        assert len(waiting) == 1500, "it has had its turn, and no more"


def event() -> Event:
    return Event(type="friend.followed", occurred_at=utc_now(), data={}, dedupe_key=str(uuid7()))
