"""However LINE fails, what is not taken waits, goes out when LINE is back, and reaches nobody twice."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.messaging import queries
from app.messaging.dispatch import KEY_LIFE
from app.messaging.models import Batch, Run
from tenants.tables import utc_now
from tests.app.line.answering import run_answering
from tests.app.messaging.conftest import Stage

pytestmark = pytest.mark.slow

SAME, PERSONAL = "みなさんへ", "{{ customer.name }}さんへ"
NOT_AVAILABLE = {"message": "Access to this API is not available for your account"}


@pytest.mark.parametrize(
    ("fault", "content", "arrives"),
    [
        ({"status": 403, "body": NOT_AVAILABLE}, SAME, False),
        ({"status": 401, "body": {"message": "Authentication failed"}}, PERSONAL, False),
        ({"status": 500}, SAME, False),
        ({"drop": True}, PERSONAL, False),
        ({"status": 200, "body": ""}, SAME, False),
        ({"status": 200, "body": "<html>login</html>"}, PERSONAL, False),
        ({"garbage": True}, SAME, False),
        ({"status": 200, "body": "<html>", "endless_body": True}, SAME, False),
        ({"status": 200, "body": "<html>", "endless_body": True, "after_accept": True}, PERSONAL, True),
        ({"status": 503, "body": "<html>", "after_accept": True}, SAME, True),
        ({"slow_body": 1.0}, SAME, True),
        ({"slow_body": 1.0}, PERSONAL, True),
    ],
)
def test_what_is_not_taken_waits_and_nobody_gets_two(
    stage: Stage, fault: dict[str, Any], content: str, arrives: bool
) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session, content)
    stage.fault(endpoint="/v2/bot/message/", **fault)
    stage.work()
    assert len(stage.delivered(account)) == (3 if arrives else 0)
    assert count(stage, run) == ({"sent": 3} if arrives else {"waiting": 3})
    stage.fault()
    stage.work_until_finished(run)
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == 3
    assert count(stage, run) == {"sent": 3}


def test_a_dead_account_keeps_its_own_and_the_others_send(stage: Stage) -> None:
    with run_answering() as dead:
        dead.headers["X-Line-Request-Id"] = "r-1"
        dead.answers["/v2/bot/message/multicast"] = (403, b'{"message":"Access is not available"}')
        with stage.home.open() as session:
            account, other = stage.account(session, 2), stage.account(session, 3)
            other.mode = "test"
            session.add(other)
            run = stage.start(session)
        stage.settings = stage.settings.model_copy(update={"line_test_url": dead.url})
        stage.work()
    assert len(stage.delivered(account)) == 2
    assert count(stage, run) == {"sent": 2, "waiting": 3}


def test_a_token_that_ends_in_the_middle_is_minted_again(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 12)
        run = stage.start(session, PERSONAL)
    stage.fault(endpoint="/v2/bot/message/push", status=401, body={"message": "Authentication failed"}, ratio=0.3)
    stage.work_until_finished(run)
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == 12


@pytest.mark.parametrize("content", [SAME, PERSONAL])
def test_after_a_key_s_life_it_is_unknown_who_got_it_and_nobody_is_sent_to_again(stage: Stage, content: str) -> None:
    """LINE has forgotten the key by then, and would take the message a second time."""
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session, content)
    stage.work()
    with stage.home.open() as session:
        # As it stands when a worker dies who has sent and not settled, and none comes for a day.
        session.execute(
            text("UPDATE batch SET state = 'waiting', first_tried_at = :at"),
            {"at": utc_now() - KEY_LIFE - timedelta(minutes=1)},
        )
        session.execute(text("UPDATE run SET status = 'sending', finished_at = NULL"))
        session.commit()
    stage.line.put("/_sandbox/clock", json={"advance_seconds": 25 * 3600}).raise_for_status()
    try:
        stage.work_until_finished(run)
    finally:
        stage.line.put("/_sandbox/clock", json={"now": None}).raise_for_status()
    assert len(stage.delivered(account)) == 3
    assert count(stage, run) == {"unknown": 3}
    with stage.home.open() as session:
        rows = queries.list_deliveries(session, run.id, status="unknown", after=None, after_slot=0, limit=10)
    assert len(rows) == 3


def test_a_key_does_not_age_while_line_says_clearly_that_nothing_was_taken(stage: Stage) -> None:
    """What a spent month holds back for days goes out when the next one begins."""
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session)
    stage.fault(endpoint="/v2/bot/message", status=429, body={"message": "You have reached your monthly limit."})
    stage.work()
    with stage.home.open() as session:
        assert session.exec(select(Batch.first_tried_at).where(col(Batch.run_id) == run.id)).all() == [None]
    stage.fault()
    stage.work_until_finished(run)
    assert len(stage.delivered(account)) == 3


def count(stage: Stage, run: Run) -> dict[str, int]:
    """How many stand at each status, where any do."""
    with stage.home.open() as session:
        return {status: count for status, count in queries.count_deliveries(session, run.id).items() if count}
