"""A suspended brand receives and redeems, and sends nothing; resumed, it sends what is still good to send."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.audit.service import Actor
from app.messaging.models import Batch, Delivery, Run
from app.operators import service
from app.weather import decisions, recording, sending
from app.weather.models import WeatherDecision
from tenants.brands.queries import get_brand
from tenants.ids import uuid7
from tenants.line_accounts.models import LineAccount
from tenants.sealing import Keyring
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.app.inbound.calls import commit_channel, stored, tell, told
from tests.app.messaging.conftest import Stage
from tests.app.operators.conftest import Call, path_of
from tests.app.weather.files import at, forecast
from tests.conftest import BrandHome

pytestmark = pytest.mark.slow

OPERATOR = Actor("operator", None, "当直")
RAINY = at("2026-11-21 11:10")


def suspend(home: BrandHome) -> None:
    with home.open() as session:
        service.suspend(session, OPERATOR, reason="未払い", now=utc_now())
        session.commit()


def resume(home: BrandHome) -> None:
    with home.open() as session:
        service.resume(session, OPERATOR, now=utc_now())
        session.commit()


def test_a_run_that_waits_is_not_sent_until_the_brand_is_resumed(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 4)
        run = stage.start(session)
    suspend(stage.home)
    stage.work()
    assert stage.delivered(account) == []
    assert stage.state_of(run).status == "sending"
    resume(stage.home)
    stage.work()
    assert len(stage.delivered(account)) == 4
    assert stage.state_of(run).status == "finished"


def test_a_run_that_is_being_sent_halts_with_the_batches_in_flight(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 16)
        run = stage.start(session)
        cut_small(session, run)
        session.commit()
    stage.fault(endpoint="/v2/bot/message", delay_ms=300)
    with ThreadPoolExecutor(1) as threads:
        suspending = threads.submit(suspend_once_sent, stage, account)
        stage.work()
        suspended_at = suspending.result(60)
    with stage.home.open() as session:
        batches = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
    tried = [one for one in batches if one.first_tried_at is not None]
    assert all(one.first_tried_at <= suspended_at for one in tried)  # type: ignore[operator]
    assert {one.state for one in tried} == {"sent"}
    assert len(stage.delivered(account)) == len(tried) < 16
    stage.fault()
    resume(stage.home)
    stage.work()
    sent = [item["line_user_id"] for item in stage.delivered(account)]
    assert len(sent) == len(set(sent)) == 16


def suspend_once_sent(stage: Stage, account: LineAccount) -> datetime:
    """Suspend the brand as soon as somebody has her message; when that was done."""
    deadline = time.monotonic() + 30
    while not stage.delivered(account):
        assert time.monotonic() < deadline, "nothing was sent"
        time.sleep(0.02)
    suspend(stage.home)
    return utc_now()


def cut_small(session: ScopedSession, run: Run) -> None:
    """Cut a run's only batch into batches of one person."""
    (batch,) = session.exec(select(Batch).where(col(Batch.run_id) == run.id)).all()
    people = session.exec(select(Delivery).where(col(Delivery.run_id) == run.id)).all()
    for no, person in enumerate(people[1:], batch.batch_no + 1):
        values = batch.model_dump() | {"batch_no": no, "size": 1, "stores": {}, "retry_key": uuid7()}
        session.add(Batch(**values))
        person.batch_no = no
        session.add(person)
    batch.size = 1
    session.add(batch)


def test_what_ended_meanwhile_is_not_caught_up(stage: Stage) -> None:
    with stage.home.open() as session:
        account = stage.account(session, 2)
        run = stage.start(session, valid_until=utc_now() + timedelta(seconds=1))
    suspend(stage.home)
    stage.work()
    with stage.home.open() as session:
        again = stage.state_of(run)
        again.valid_until = utc_now()  # the second has passed
        session.add(again)
        session.commit()
    resume(stage.home)
    stage.work()
    assert stage.delivered(account) == []
    assert stage.state_of(run).status == "expired"


def test_launching_and_resuming_a_campaign_is_409(api: TestClient, home: BrandHome) -> None:
    campaigns = [make_campaign(api, home) for _ in range(2)]
    with home.open() as session:
        make.follower(session, make.line_account(session, make.store(session)))
        session.commit()
    paused, draft = campaigns
    assert api.post(f"/v1/campaigns/{paused}/launch", headers=home.headers).status_code == 202
    assert api.post(f"/v1/campaigns/{paused}/pause", headers=home.headers).status_code == 200
    suspend(home)
    for path in (f"{paused}/resume", f"{draft}/launch"):
        answer = api.post(f"/v1/campaigns/{path}", headers=home.headers)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/brand-suspended")
        assert answer.json()["suspended_at"].endswith("Z")
    assert api.post(f"/v1/campaigns/{draft}/dry-run", headers=home.headers).status_code == 200
    resume(home)
    assert api.post(f"/v1/campaigns/{paused}/resume", headers=home.headers).status_code == 200


def make_campaign(api: TestClient, home: BrandHome) -> str:
    body = {"name": "秋祭り", "audience": {"rule": {"all": []}}, "messages": [{"type": "text", "text": "どうぞ"}]}
    answer = api.post("/v1/campaigns", json=body, headers=home.headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_weather_rules_decide_and_say_that_they_are_held_back(home: BrandHome) -> None:
    suspend(home)
    with home.open() as session:
        make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), RAINY)
        make.follower(session, make.line_account(session, make.store(session)))
        rule = make.weather_rule(session)
        decided = decide(session, [rule])
        assert [(one.fired, one.reason) for one in decided] == [(False, "safety_stop")]
        assert "suspended" in str(decided[0].detail)
        assert sending.start_runs(session, rule.id, RAINY) == []


def test_weather_rules_are_held_back_while_sending_is_stopped(home: BrandHome) -> None:
    with home.open() as session:
        get_brand(session, home.scope.brand_id).sending_stopped_at = RAINY
        make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), RAINY)
        make.follower(session, make.line_account(session, make.store(session)))
        rule = make.weather_rule(session)
        assert [(one.fired, one.reason, one.detail) for one in decide(session, [rule])] == [
            (False, "safety_stop", "Sending was stopped by hand.")
        ]
        assert sending.start_runs(session, rule.id, RAINY) == []


def test_a_firing_just_before_the_suspension_is_sent_on_the_same_day_only(home: BrandHome) -> None:
    with home.open() as session:
        make.forecast(session, "130000", forecast(rain=["80", "0", "0", "0", "0", "0"]), RAINY)
        make.follower(session, make.line_account(session, make.store(session)))
        first, second = make.weather_rule(session), make.weather_rule(session)
        decide(session, [first, second])
        service.suspend(session, OPERATOR, reason="未払い", now=RAINY)
        assert sending.start_runs(session, first.id, RAINY) == []
        service.resume(session, OPERATOR, now=RAINY)
        assert len(sending.start_runs(session, first.id, RAINY)) == 1
        assert sending.start_runs(session, second.id, RAINY + timedelta(days=2)) == []
        session.rollback()


def decide(session: Any, rules: Sequence[Any]) -> Sequence[WeatherDecision]:
    concluded = decisions.conclude(session, rules, RAINY)
    recording.write_down(session, concluded, RAINY)
    return session.exec(select(WeatherDecision)).all()  # type: ignore[no-any-return]


def test_webhooks_are_taken_in_and_coupons_redeemed(
    api: TestClient, home: BrandHome, operate: Call, keyring: Keyring
) -> None:
    channel = commit_channel(home, keyring)
    with home.open() as session:
        store = make.store(session)
        issued = make.issued_coupon(session)
        code = issued.code
        key = make.store_key(session, store)
        session.commit()
    assert operate("POST", f"{path_of(home)}/suspend", json={"reason": "未払い"}).status_code == 200
    tell(api, channel, told("follow", make.line_user_id()))
    assert [row.type for row in stored(home, channel)] == ["follow"]
    redeemed = api.post(
        "/v1/redemptions",
        json={"code": code, "amount_yen": 1000},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert redeemed.status_code == 201, redeemed.text
    assert api.get("/v1/customers", headers=home.headers).status_code == 200
