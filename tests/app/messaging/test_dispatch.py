"""Sending to a real sandbox: everyone once, whatever goes wrong on the way."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.messaging import queries, service
from app.messaging.dispatch import LOOK_AGAIN_SECONDS
from app.messaging.models import Batch, DeliveryFailure, QuotaMonth
from tenants.brands.queries import get_brand
from tenants.tables import utc_now
from tests import make
from tests.app.messaging.conftest import Stage

pytestmark = pytest.mark.slow


def test_everybody_gets_the_message_once_in_one_multicast(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 7)
        run = stage.start(session)
    stage.work()
    sent = stage.delivered(account)
    assert len({item["line_user_id"] for item in sent}) == len(sent) == 7
    assert {item["kind"] for item in sent} == {"multicast"}
    assert stage.state_of(run).status == "finished"


def test_personal_content_is_pushed_with_each_person_s_values(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        stage.start(session, "{{ customer.name }}さんへ")
    stage.work()
    texts = {item["messages"][0]["text"] for item in stage.delivered(account)}  # type: ignore[index]
    assert texts == {"客0さんへ", "客1さんへ", "客2さんへ"}


@pytest.mark.parametrize("text", ["みなさんへ", "{{ customer.name }}さんへ"])
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "ratio": 0.4},
        {"status": 500, "ratio": 0.4, "after_accept": True},
        {"drop": True, "ratio": 0.4},
        {"drop": True, "ratio": 0.4, "after_accept": True},
        {"status": 429, "body": {"message": "The API rate limit has been exceeded. Try again later."}, "ratio": 0.4},
        {"status": 200, "body": "<html>busy</html>", "ratio": 0.4, "after_accept": True},
    ],
)
def test_a_fault_costs_nobody_her_message_and_gives_nobody_two(
    stage: Stage, fault: dict[str, object], text: str
) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 12)
        run = stage.start(session, text)
    stage.fault(endpoint="/v2/bot/message", **fault)
    stage.work_until_finished(run)
    sent = stage.delivered(account)
    assert len({item["line_user_id"] for item in sent}) == len(sent) == 12


def test_one_person_whom_line_does_not_know_costs_the_others_nothing(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 9, malformed=1)
        run = stage.start(session, "{{ customer.name }}さんへ")
    stage.work()
    assert len(stage.delivered(account)) == 8
    with stage.home.open() as session:
        assert session.exec(select(DeliveryFailure.status)).all() == ["failed"]
        assert queries.count_deliveries(session, run.id)["sent"] == 8


def test_a_spent_month_stops_the_lane_and_keeps_the_rest(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 3)
        run = stage.start(session)
    body = {"message": "You have reached your monthly limit."}
    stage.fault(endpoint="/v2/bot/message", status=429, body=body, ratio=1.0)
    stage.work()
    assert stage.delivered(account) == []
    with stage.home.open() as session:
        assert session.exec(select(Batch.state).where(col(Batch.run_id) == run.id)).all() == ["waiting"]
    stage.fault()
    stage.wake()
    stage.work()
    assert len(stage.delivered(account)) == 3


def test_a_stopped_run_sends_nothing_more_and_gives_its_quota_back(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 4)
        make.quota(session, account, limit=100)
        run = stage.start(session)
        service.stop(session, queries.lock_run(session, run.id), utc_now())
        session.commit()
    stage.work()
    assert stage.delivered(account) == []
    with stage.home.open() as session:
        assert session.exec(select(QuotaMonth.reserved)).one() == 0
    assert stage.state_of(run).status == "stopped"


def test_a_run_past_its_valid_until_expires_unsent(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session, valid_until=utc_now())
    stage.work()
    assert stage.delivered(account) == []
    assert stage.state_of(run).status == "expired"


def test_a_paused_run_goes_on_where_it_stopped(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session)
        service.pause(session, queries.lock_run(session, run.id))
        session.commit()
    stage.work()
    assert stage.delivered(account) == []
    with stage.home.open() as session:
        service.resume(session, queries.lock_run(session, run.id))
        session.commit()
    stage.work()
    assert len(stage.delivered(account)) == 2


def test_what_was_sent_is_used_quota_and_no_longer_reserved(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 5)
        make.quota(session, account, limit=100, used=10)
        stage.start(session)
    stage.work()
    with stage.home.open() as session:
        row = session.exec(select(QuotaMonth)).one()
        assert (row.used, row.reserved) == (15, 0)


AROUND = {"from": -timedelta(hours=1), "to": timedelta(hours=1)}


def set_quiet_hours(stage: Stage, at: datetime | None) -> None:
    """Quiet hours in which a moment lies, or none any more; as the API does it."""
    local = at + timedelta(hours=9) if at else None
    with stage.home.open() as session:
        brand = get_brand(session, session.scope.brand_id)
        brand.quiet_hours = {name: f"{local + offset:%H:%M}" for name, offset in AROUND.items()} if local else None
        session.add(brand)
        service.resume_all(session)
        session.commit()


def test_what_is_under_way_when_quiet_hours_begin_waits_for_their_end(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session)
    set_quiet_hours(stage, datetime.now(UTC))
    stage.work()
    assert stage.delivered(account) == []
    assert stage.state_of(run).status == "sending"
    with stage.home.open() as session:
        due = text("SELECT due_at - now() FROM lane WHERE kind = 'send' AND key = :key")
        wait = session.execute(due, {"key": account.id}).scalar_one()
        assert timedelta(0) < wait <= timedelta(seconds=LOOK_AGAIN_SECONDS)
    set_quiet_hours(stage, None)
    stage.work()
    assert len(stage.delivered(account)) == 2
    assert stage.state_of(run).status == "finished"


def test_what_is_valid_no_longer_than_the_quiet_hours_expires(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session, valid_until=utc_now() + timedelta(minutes=2))
    set_quiet_hours(stage, datetime.now(UTC))
    stage.work()
    with stage.home.open() as session:
        lasting = queries.lock_run(session, run.id)
        lasting.valid_until = utc_now()
        session.commit()
    set_quiet_hours(stage, None)
    stage.work()
    assert stage.delivered(account) == []
    assert stage.state_of(run).status == "expired"
