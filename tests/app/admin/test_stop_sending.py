"""The emergency stop over HTTP: who may, what it stops, what is told of it, and that it waits for nobody."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, true
from sqlmodel import col, select

from app.audit.models import AuditEntry
from app.events.models import Event
from app.messaging import planning, service
from app.messaging.audience import Audience
from app.messaging.models import Batch
from app.messaging.watch import FRESH_SECONDS
from tenants.brands.queries import get_brand
from tenants.ids import encode_id
from tenants.tables import utc_now
from tests import make
from tests.app.sandbox.process import wait_for
from tests.conftest import BrandHome

WHY = {"reason": "クーポンの金額が違う"}
LAUNCHER = ["campaigns:read", "campaigns:write", "campaigns:launch", "line_accounts:read", "brand:read"]


@pytest.fixture
def reached(home: BrandHome) -> BrandHome:
    """A brand with one account of one store and a follower."""
    with home.open() as session:
        make.follower(session, make.line_account(session, make.store(session)))
        session.commit()
    return home


def launch(api: TestClient, home: BrandHome) -> Any:
    body = {"name": "秋", "messages": [{"type": "text", "text": "こんにちは"}]}
    campaign = api.post("/v1/campaigns", json=body, headers=home.headers).json()
    return api.post(f"/v1/campaigns/{campaign['id']}/launch", headers=home.headers)


def act(api: TestClient, home: BrandHome, path: str, verb: str) -> Any:
    return api.post(f"{path}/{verb}", json=WHY if verb.startswith("stop") else None, headers=home.headers)


def shop(home: BrandHome, *, shared: bool = False) -> tuple[BrandHome, str]:
    """A store's key that may launch, and the path of an account: its store's, also another's if `shared`."""
    with home.open() as session:
        store = make.store(session)
        others = [make.store(session)] if shared else []
        account = make.line_account(session, store, *others)
        key = make.store_key(session, store, permissions=LAUNCHER)
        session.commit()
    return BrandHome(home.engine, home.scope, key), f"/v1/line-accounts/{encode_id('acc', account.id)}"


def test_a_stopped_brand_says_since_when_and_why_and_launches_nothing(api: TestClient, reached: BrandHome) -> None:
    stopped = act(api, reached, "/v1/brand", "stop-sending")
    assert (stopped.status_code, stopped.json()["sending_stopped_reason"]) == (200, WHY["reason"])
    assert api.get("/v1/brand", headers=reached.headers).json() == stopped.json()
    refused = launch(api, reached)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sending-stopped")
    assert (refused.json()["stopped_at"], refused.json()["reason"]) == (
        stopped.json()["sending_stopped_at"],
        WHY["reason"],
    )
    resumed = act(api, reached, "/v1/brand", "resume-sending").json()
    assert (resumed["sending_stopped_at"], resumed["sending_stopped_reason"]) == (None, None)
    assert launch(api, reached).status_code == 202


def test_to_stop_twice_changes_nothing(api: TestClient, reached: BrandHome) -> None:
    first = act(api, reached, "/v1/brand", "stop-sending").json()
    again = api.post("/v1/brand/stop-sending", json={"reason": "別の理由"}, headers=reached.headers)
    assert (again.status_code, again.json()) == (200, first)


def test_a_stop_and_its_end_are_events_and_in_the_audit_log(api: TestClient, reached: BrandHome) -> None:
    for verb in ("stop-sending", "resume-sending"):
        assert act(api, reached, "/v1/brand", verb).status_code == 200
    with reached.open() as session:
        of_stops = select(Event.type, Event.data).where(col(Event.type).startswith("sending.")).order_by(col(Event.id))
        told = [(type_, data.get("reason")) for type_, data in session.exec(of_stops)]
        entry = session.exec(select(AuditEntry).where(col(AuditEntry.action) == "stop_sending")).one()
    assert told == [("sending.stopped", WHY["reason"]), ("sending.resumed", None)]
    assert entry.changes is not None
    assert entry.changes[0]["after"]["sending_stopped_reason"] == WHY["reason"]


def test_what_waited_is_due_again_once_sending_goes_on(api: TestClient, reached: BrandHome) -> None:
    assert launch(api, reached).status_code == 202
    act(api, reached, "/v1/brand", "stop-sending")
    with reached.open() as session:
        session.execute(text("UPDATE lane SET due_at = 'infinity' WHERE kind = 'send'"))
        session.commit()
    act(api, reached, "/v1/brand", "resume-sending")
    with reached.open() as session:
        due = "SELECT due_at <= now() FROM lane WHERE kind = 'send' AND brand_id = :brand_id"
        assert session.execute(text(due), {"brand_id": reached.scope.brand_id}).scalar_one()


def test_a_stop_does_not_wait_for_a_launch(api: TestClient, reached: BrandHome) -> None:
    with reached.open() as session:
        service.start_run(
            session,
            cause=service.Cause(kind="campaign"),
            content=service.Content(messages=[{"type": "text", "text": "こんにちは"}]),
            audience=Audience(where=true(), senders=planning.list_senders(session, None, None)),
            now=utc_now(),
        )
        account_id = session.exec(select(Batch.line_account_id)).one()
        began = datetime.now(UTC)
        for path in ("/v1/brand", f"/v1/line-accounts/{encode_id('acc', account_id)}"):
            assert act(api, reached, path, "stop-sending").status_code == 200
        # Who waits for a lock gives up after three seconds only.
        assert datetime.now(UTC) - began < timedelta(seconds=3)


def test_a_stop_is_committed_before_it_is_answered_so_that_workers_have_heard_of_it(
    api: TestClient, reached: BrandHome
) -> None:
    def is_stopped() -> bool:
        with reached.open() as session:
            return get_brand(session, reached.scope.brand_id).sending_stopped_at is not None

    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(act, api, reached, "/v1/brand", "stop-sending")
        wait_for(is_stopped)
        committed_at = time.monotonic()
        assert not answer.done()
        assert answer.result(30).status_code == 200
        assert time.monotonic() - committed_at > FRESH_SECONDS / 2


def test_a_store_stops_its_own_account_and_lets_it_go_on(api: TestClient, home: BrandHome) -> None:
    store, path = shop(home)
    stopped = act(api, store, path, "stop-sending").json()
    assert (stopped["sending_stopped_by"], stopped["sending_stopped_reason"]) == ("store", WHY["reason"])
    assert api.get(path, headers=home.headers).json()["sending_stopped_at"] == stopped["sending_stopped_at"]
    assert act(api, store, path, "resume-sending").json()["sending_stopped_at"] is None


def test_what_head_office_stopped_no_store_lets_go_on(api: TestClient, home: BrandHome) -> None:
    store, path = shop(home)
    act(api, store, path, "stop-sending")
    assert act(api, home, path, "stop-sending").json()["sending_stopped_by"] == "head_office"
    assert act(api, store, path, "stop-sending").json()["sending_stopped_by"] == "head_office"
    assert act(api, store, path, "resume-sending").status_code == 409
    assert act(api, home, path, "resume-sending").status_code == 200


def test_a_store_stops_neither_the_brand_nor_accounts_of_others(api: TestClient, home: BrandHome) -> None:
    store, shared = shop(home, shared=True)
    _, foreign = shop(home)
    answers = [act(api, store, path, "stop-sending").status_code for path in ("/v1/brand", shared, foreign)]
    assert answers == [403, 403, 404]
    assert act(api, store, "/v1/brand", "resume-sending").status_code == 403


def test_who_may_launch_only_may_not_stop_the_brand(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        token = make.access_token(session, ["campaigns:launch", "campaigns:read"])
        session.commit()
    assert act(api, BrandHome(home.engine, home.scope, token), "/v1/brand", "stop-sending").status_code == 403


@pytest.mark.parametrize("reason", ["", " ", "二\n行", "x" * 501, None])
def test_a_stop_says_why(api: TestClient, home: BrandHome, reason: str | None) -> None:
    answer = api.post("/v1/brand/stop-sending", json={"reason": reason}, headers=home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")


def test_holidays_and_a_store_s_quiet_hours_are_set_and_read_back(api: TestClient, home: BrandHome) -> None:
    holidays = {"on": ["2026-12-31"], "national": False}
    answer = api.patch("/v1/brand", json={"holidays": {"on": ["2026-12-31"]}}, headers=home.headers)
    assert answer.json()["holidays"] == holidays
    merged = api.patch("/v1/brand", json={"holidays": {"national": True}}, headers=home.headers)
    assert merged.json()["holidays"] == {**holidays, "national": True}
    assert api.patch("/v1/brand", json={"holidays": None}, headers=home.headers).json()["holidays"] is None
    with home.open() as session:
        store_id = encode_id("store", make.store(session).id)
        session.commit()
    hours = {"from": "20:00", "to": "10:00"}
    path = f"/v1/stores/{store_id}"
    assert api.patch(path, json={"quiet_hours": hours}, headers=home.headers).json()["quiet_hours"] == hours
    assert api.get(path, headers=home.headers).json()["quiet_hours"] == hours
    assert api.patch(path, json={"quiet_hours": None}, headers=home.headers).json()["quiet_hours"] is None


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/brand", {"holidays": {"on": ["2026-02-30"]}}, "/holidays/on/0"),
        ("/v1/brand", {"holidays": {"on": "2026-12-31"}}, "/holidays/on"),
        ("/v1/brand", {"holidays": {"national": "yes"}}, "/holidays/national"),
        ("store", {"quiet_hours": {"from": "20:00"}}, "/quiet_hours/to"),
        ("store", {"quiet_hours": {"from": "20:00", "to": "20:00"}}, "/quiet_hours"),
    ],
)
def test_hours_and_days_that_are_none_are_refused(
    api: TestClient, home: BrandHome, path: str, body: dict[str, Any], pointer: str
) -> None:
    if path == "store":
        with home.open() as session:
            path = f"/v1/stores/{encode_id('store', make.store(session).id)}"
            session.commit()
    answer = api.patch(path, json=body, headers=home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_on_a_holiday_nothing_is_launched(api: TestClient, reached: BrandHome) -> None:
    today = datetime.now(UTC) + timedelta(hours=9)
    days = [f"{today + timedelta(days=offset):%Y-%m-%d}" for offset in (0, 1)]
    api.patch("/v1/brand", json={"holidays": {"on": days}}, headers=reached.headers)
    refused = launch(api, reached)
    assert refused.status_code == 409
    assert "holiday" in refused.json()["detail"]


def test_a_store_s_campaign_is_not_launched_in_its_quiet_hours(api: TestClient, home: BrandHome) -> None:
    local = datetime.now(UTC) + timedelta(hours=9)
    hours = {"from": f"{local - timedelta(hours=1):%H:%M}", "to": f"{local + timedelta(hours=1):%H:%M}"}
    with home.open() as session:
        store = make.store(session, quiet_hours=hours)
        make.follower(session, make.line_account(session, store))
        store_id = encode_id("store", store.id)
        session.commit()
    body = {"name": "秋", "messages": [{"type": "text", "text": "こんにちは"}], "store_id": store_id}
    campaign = api.post("/v1/campaigns", json=body, headers=home.headers).json()
    path = f"/v1/campaigns/{campaign['id']}"
    rehearsed = api.post(f"{path}/dry-run", headers=home.headers).json()
    assert rehearsed["left_out"] == {"quiet_hours": 1}
    refused = api.post(f"{path}/launch", headers=home.headers)
    assert (refused.status_code, f"until {hours['to']}" in refused.json()["detail"]) == (409, True)
