"""Lanes that wait for LINE: nothing is taken meanwhile, and other channels send on."""

import time

from sqlmodel import col, select

from app.line.circuit import FAILURES_TO_OPEN, SECONDS_TO_OPEN, circuits
from app.messaging.models import Batch, Run
from tenants.line_accounts.models import LineAccount
from tests.app.line.answering import run_answering
from tests.app.messaging.conftest import SECRET, Stage


def _break(stage: Stage, account: LineAccount) -> None:
    """Let LINE not have answered this channel for a while."""
    before = time.monotonic() - FAILURES_TO_OPEN * SECONDS_TO_OPEN
    for number in range(FAILURES_TO_OPEN + 1):
        now = before + number * SECONDS_TO_OPEN
        circuits.leave(stage.settings.line_api_url, account.channel_id, now, answered=False)


def _batches(stage: Stage, run: Run) -> list[tuple[str, int, bool]]:
    """State and tries of a run's batches, and whether their retry keys have begun to grow old."""
    with stage.home.open() as session:
        rows = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
        return [(row.state, row.attempts, row.first_tried_at is not None) for row in rows]


def test_a_lane_that_waits_for_line_takes_nothing_while_others_send(stage: Stage) -> None:
    with stage.home.open() as session:
        waiting, sending = stage.account(session, 3), stage.account(session, 2)
        run = stage.start(session)
    _break(stage, waiting)
    stage.work()
    assert sorted(_batches(stage, run)) == [("sent", 1, True), ("waiting", 0, False)]
    assert (len(stage.delivered(waiting)), len(stage.delivered(sending))) == (0, 2)
    circuits.leave(stage.settings.line_api_url, waiting.channel_id, time.monotonic(), answered=True)
    stage.wake()
    stage.work()
    assert len(stage.delivered(waiting)) == 3


def test_while_the_secret_is_wrong_no_retry_key_grows_old(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session)
    wrong = {"channel_id": account.channel_id, "provider_id": "provider-1", "channel_secret": SECRET[::-1]}
    stage.line.post("/_sandbox/world", json={"channels": [wrong]}).raise_for_status()
    stage.work()
    assert _batches(stage, run) == [("waiting", 0, False)]


def test_an_account_in_test_mode_sends_to_the_test_host_and_nowhere_else(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        account.mode = "test"
        session.add(account)
        stage.start(session)
    stage.settings = stage.settings.model_copy(
        update={"line_test_url": stage.settings.line_api_url, "line_api_url": "http://127.0.0.1:9"}
    )
    stage.work()
    assert len(stage.delivered(account)) == 2


def test_a_redirect_is_not_followed_and_leaves_the_batch_waiting(stage: Stage) -> None:
    with run_answering() as line:
        line.headers["Location"] = line.url + "/elsewhere"
        line.answers["/v2/bot/message/multicast"] = (307, b"")
        with stage.home.open() as session:
            stage.account(session, 2)
            run = stage.start(session)
        stage.settings = stage.settings.model_copy(update={"line_api_url": line.url})
        stage.work()
        assert [state for state, _, _ in _batches(stage, run)] == ["waiting"]
        assert not any(path == "/elsewhere" for _, path, _ in line.calls)


def test_a_batch_that_line_had_already_keeps_the_id_of_the_call_that_did_it(stage: Stage) -> None:
    with run_answering() as line:
        line.headers["X-Line-Accepted-Request-Id"] = "r-first"
        line.answers["/v2/bot/message/multicast"] = (409, b'{"message":"The retry key is already accepted"}')
        with stage.home.open() as session:
            stage.account(session, 2)
            run = stage.start(session)
        stage.settings = stage.settings.model_copy(update={"line_api_url": line.url})
        stage.work()
    with stage.home.open() as session:
        assert session.exec(select(Batch.request_id).where(col(Batch.run_id) == run.id)).all() == ["r-first"]
