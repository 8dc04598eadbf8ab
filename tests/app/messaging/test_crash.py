"""A worker that dies in the middle of a send costs nobody her message and gives nobody two."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.app.messaging import crash, crash_ledger
from tests.app.messaging.conftest import Stage
from tests.conftest import MASTER_KEYS

ROOT = Path(__file__).parents[3]
PEOPLE = 1500


def start_worker(stage: Stage) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "NOREN_DATABASE_URL": stage.urls.app,
        "NOREN_MASTER_KEYS": MASTER_KEYS,
        "NOREN_LINE_API_URL": stage.settings.line_api_url,
        "NOREN_JMA_URL": stage.settings.jma_url,
        "NOREN_LOG_LEVEL": "error",
    }
    return subprocess.Popen([sys.executable, "-m", "app", "worker"], cwd=ROOT, env=environment)


def wait_until(found: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not found():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


@pytest.mark.slow(seconds=100)
def test_kill_9_in_the_middle_of_a_send_is_made_good_by_the_next_worker(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, PEOPLE)
        run = stage.start(session, "{{ customer.name }}さんへ")
    first = start_worker(stage)
    try:
        wait_until(lambda: len(stage.delivered(account)) > 100, 60)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert stage.state_of(run).status == "sending", "the worker was too fast to be killed in the middle"
        second = start_worker(stage)
        try:
            wait_until(lambda: stage.state_of(run).status == "finished", 60)
        finally:
            second.send_signal(signal.SIGTERM)
            second.wait(60)
    finally:
        if first.poll() is None:
            first.kill()
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == PEOPLE


@pytest.mark.slow(seconds=100)
def test_everybody_gets_a_message_once_whatever_is_killed() -> None:
    figures = crash.run(crash.Plan(people=5000, accounts=6, kills=4, plain=1))
    assert figures.wrong == 0, crash_ledger.show(figures)
    assert figures.sent == 2 * (5000 - 5)
    assert figures.kills.keys() >= {"worker 1", "postgres", "serve"}
