"""Stopped in the middle: nothing begins any more, what was sent is told exactly, and the rest goes on or never goes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import func, true
from sqlmodel import col, select

from app.customers.models import Identity
from app.events.models import Event
from app.messaging import planning, queries, service, stopping
from app.messaging.audience import Audience, Cut, Placement
from app.messaging.models import Batch, QuotaMonth, Run
from tenants.line_accounts.models import LineAccount
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage
from tests.app.messaging.test_crash import ROOT, start_worker, wait_until

pytestmark = pytest.mark.slow(seconds=130)

TO_EACH = "{{ customer.name }}さんへ"
PEOPLE = 900


@contextmanager
def sending(stage: Stage, account: LineAccount) -> Iterator[None]:
    """A worker that sends slowly, and is in the middle of it."""
    stage.fault(endpoint="/v2/bot/message/push", delay_ms=250, ratio=1.0)
    worker = start_worker(stage)
    try:
        wait_until(lambda: len(stage.delivered(account)) > 50, 60)
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)


def statuses(session: ScopedSession, run: Run) -> dict[str, set[str]]:
    """Everybody's LINE user id by the status that her delivery is told to have."""
    found: dict[str, set[str]] = {}
    ids = _line_user_ids(session)
    for one in queries.list_deliveries(session, run.id, status=None, after=None, after_slot=0, limit=5000):
        found.setdefault(one["status"], set()).add(ids[one["customer_id"]])
    return found


def _line_user_ids(session: ScopedSession) -> dict[UUID, str]:
    return dict(session.exec(select(Identity.customer_id, Identity.line_user_id)).all())


def reached(stage: Stage, account: LineAccount) -> list[str]:
    return [str(one["line_user_id"]) for one in stage.delivered(account)]


def test_of_a_run_that_is_ended_in_the_middle_it_is_told_who_got_it(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, PEOPLE)
        make.quota(session, account, limit=10_000)
        run = stage.start(session, TO_EACH)
    with sending(stage, account):
        with stage.home.open() as session:
            service.stop(session, queries.lock_run(session, run.id), utc_now())
            session.commit()
        wait_until(lambda: stage.state_of(run).finished_at, 20)
    got = reached(stage, account)
    assert 50 < len(got) == len(set(got)) < PEOPLE
    with stage.home.open() as session:
        told = statuses(session, run)
        assert told == {"sent": set(got), "left_out": set(_line_user_ids(session).values()) - set(got)}
        quota = session.exec(select(QuotaMonth)).one()
        assert (quota.used, quota.reserved) == (len(got), 0)
        event = session.exec(select(Event).where(col(Event.type) == "run.finished")).one()
        assert (event.data["status"], sum(part["count"] for part in event.data["sent"])) == ("stopped", len(got))


def test_an_account_that_is_stopped_goes_on_later_and_nobody_gets_it_twice(stage: Stage) -> None:
    head_office = Scope(stage.home.scope.brand_id)
    with stage.home.open() as session:
        account = stage.account(session, PEOPLE)
        run = stage.start(session, TO_EACH)
    with sending(stage, account):
        with stage.home.open() as session:
            stopping.stop_account(session, session.merge(account), head_office, "金額の誤り", utc_now())
            session.commit()
        wait_until(lambda: _is_parted(stage, run), 20)
        before = len(stage.delivered(account))
        assert before < PEOPLE
        with stage.home.open() as session:
            fresh = select(func.sum(Batch.size)).where(col(Batch.state) == "waiting", col(Batch.attempts) == 0)
            # Nobody who was not tried has a key that ages.
            assert session.exec(fresh.where(col(Batch.first_tried_at).is_(None))).one() == PEOPLE - before
            assert queries.count_deliveries(session, run.id)["sent"] == before
            account = session.exec(select(LineAccount)).one()
            stopping.resume_account(session, account, head_office, utc_now())
            session.commit()
        stage.fault()
        wait_until(lambda: stage.state_of(run).status == "finished", 60)
    got = reached(stage, account)
    assert len(got) == len(set(got)) == PEOPLE
    with stage.home.open() as session:
        assert queries.count_deliveries(session, run.id)["sent"] == PEOPLE


def _is_parted(stage: Stage, run: Run) -> bool:
    """Whether nothing is in hand any more, since what was sent is settled and what was not has not begun."""
    with stage.home.open() as session:
        tried = select(Batch).where(col(Batch.state) == "waiting", col(Batch.first_tried_at).is_not(None))
        return session.exec(tried).first() is None


def test_a_part_whose_moment_comes_too_late_expires_and_gives_its_quota_back(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 30)
        make.quota(session, account, limit=1000)
        later = utc_now() + timedelta(hours=2)
        cut = Cut("kept.turn %% 2", {}, lambda part: Placement(None, later if part else None))
        run, _ = service.start_run(
            session,
            cause=service.Cause(kind="campaign", valid_until=utc_now() + timedelta(hours=1)),
            content=service.Content(messages=[{"type": "text", "text": "こんにちは"}]),
            audience=Audience(where=true(), senders=planning.list_senders(session, None, None), cuts=[cut]),
            now=utc_now(),
        )
        session.commit()
    stage.work()
    assert (len(stage.delivered(account)), stage.state_of(run).status) == (15, "sending")
    with stage.home.open() as session:
        queries.lock_run(session, run.id).valid_until = utc_now()
        service.wake(session, [run])
        session.commit()
    stage.work()
    assert (len(stage.delivered(account)), stage.state_of(run).status) == (15, "expired")
    with stage.home.open() as session:
        assert queries.count_deliveries(session, run.id) == {
            "waiting": 0, "sent": 15, "failed": 0, "unknown": 0, "stopped": 15,
        }  # fmt: skip
        quota = session.exec(select(QuotaMonth)).one()
        assert (quota.used, quota.reserved) == (15, 0)


@pytest.mark.timeout(900)
def test_after_a_stop_nothing_arrives_but_what_was_in_flight() -> None:
    command = [sys.executable, "-m", "tests.app.messaging.stopping", "--people", "3000", "--accounts", "8", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode in (0, 1), done.stderr[-3000:]
    report = orjson.loads(done.stdout.splitlines()[-1])
    assert (report["distinct"], report["duplicates"]) == (3000, 0)
    for stop in report["stops"]:
        assert stop["last_after_ms"] <= 1000, stop
        assert not stop["is_emergency"] or stop["most_of_one_lane"] <= 256, stop
    assert done.returncode == 0, report
