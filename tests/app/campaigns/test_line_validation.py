"""LINE is asked about messages when they are saved: what it refuses is told in place, and its absence stops nobody."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.auth import brand_key_of
from app.main import create_app
from app.settings import Settings
from tenants.ids import uuid7
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome
from tests.running import RunningSandbox, run_sandbox

SECRET = "0123456789abcdef" * 2
TEXT = {"name": "秋", "messages": [{"type": "text", "text": "{{ customer.name }}さん、秋です"}]}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def line_app(settings: Settings, sandbox: RunningSandbox) -> Iterator[TestClient]:
    asking = settings.model_copy(update={"line_api_url": sandbox.url, "line_data_url": sandbox.url})
    with TestClient(create_app(asking), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def asked(home: BrandHome, sandbox: RunningSandbox, keyring: Keyring) -> Iterator[BrandHome]:
    """A brand whose account LINE knows."""
    channel_id = f"1{uuid7().int % 10**12:012}"
    with home.open() as session:
        account = make.line_account(session, make.store(session), channel_id=channel_id, checked_at=utc_now())
        account.sealed_secret = brand_key_of(session, keyring).seal(SECRET, f"line_account.secret:{account.id}")
        session.add(account)
        session.commit()
    world = {
        "providers": [{"id": "provider-1"}],
        "channels": [{"channel_id": channel_id, "provider_id": "provider-1", "channel_secret": SECRET}],
    }
    sandbox.call("POST", "/world", world)
    yield home
    sandbox.call("PUT", "/faults", {"faults": []})


def refuse(sandbox: RunningSandbox, **fault: Any) -> None:
    sandbox.call("PUT", "/faults", {"faults": [{"endpoint": "validate", **fault}]})


def create(api: TestClient, home: BrandHome, **changes: Any) -> Any:
    return api.post("/v1/campaigns", json={**TEXT, **changes}, headers=home.headers)


def test_what_line_takes_is_said_to_have_passed(line_app: TestClient, asked: BrandHome) -> None:
    made = create(line_app, asked).json()
    assert made["line_validation"]["status"] == "passed"
    assert made["line_validation"]["line_account_id"].startswith("acc_")
    again = line_app.get(f"/v1/campaigns/{made['id']}", headers=asked.headers).json()
    assert again["line_validation"] == made["line_validation"]


def test_what_line_refuses_is_told_where_it_stands(
    line_app: TestClient, asked: BrandHome, sandbox: RunningSandbox
) -> None:
    said = {"message": "Must not be in the future", "property": "messages[0].text"}
    refuse(sandbox, status=400, body={"message": "The request body has 1 error(s)", "details": [said]})
    refused = create(line_app, asked)
    assert refused.status_code == 422
    error = {"pointer": "/messages/0/text", "detail": "LINE says: Must not be in the future"}
    assert refused.json()["errors"] == [error]
    variants = [{"name": name, "messages": TEXT["messages"]} for name in "ab"]
    body = {"name": "秋", "variants": variants}
    of_variants = line_app.post("/v1/campaigns", json=body, headers=asked.headers).json()["errors"]
    assert [one["pointer"] for one in of_variants] == ["/variants/0/messages/0/text", "/variants/1/messages/0/text"]


def test_line_being_away_stops_nobody_and_it_is_asked_again_at_the_dry_run(
    line_app: TestClient, asked: BrandHome, sandbox: RunningSandbox
) -> None:
    refuse(sandbox, status=500, body="<html>")
    made = create(line_app, asked)
    assert (made.status_code, made.json()["line_validation"]["status"]) == (201, "unavailable")
    sandbox.call("PUT", "/faults", {"faults": []})
    path = f"/v1/campaigns/{made.json()['id']}"
    assert line_app.post(f"{path}/dry-run", headers=asked.headers).status_code == 200
    assert line_app.get(path, headers=asked.headers).json()["line_validation"]["status"] == "passed"


def test_a_slow_line_holds_nobody_up_for_more_than_three_seconds(
    line_app: TestClient, asked: BrandHome, sandbox: RunningSandbox
) -> None:
    refuse(sandbox, delay_ms=6000)
    began = time.monotonic()
    made = create(line_app, asked)
    assert (made.status_code, made.json()["line_validation"]["status"]) == (201, "unavailable")
    assert time.monotonic() - began < 5.5


def test_a_launch_is_refused_where_line_refuses_what_it_could_not_be_asked_before(
    line_app: TestClient, asked: BrandHome, sandbox: RunningSandbox
) -> None:
    refuse(sandbox, status=500, body="")
    made = create(line_app, asked).json()
    refuse(sandbox, status=400, body={"message": "no", "details": [{"message": "x", "property": "messages[0].text"}]})
    refused = line_app.post(f"/v1/campaigns/{made['id']}/launch", headers=asked.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/messages/0/text")


def test_a_change_that_leaves_the_messages_asks_nothing(
    line_app: TestClient, asked: BrandHome, sandbox: RunningSandbox
) -> None:
    made = create(line_app, asked).json()
    refuse(sandbox, status=500, body="")
    changed = line_app.patch(f"/v1/campaigns/{made['id']}", json={"name": "冬"}, headers=asked.headers).json()
    assert (changed["name"], changed["line_validation"]) == ("冬", made["line_validation"])


def test_without_an_account_that_line_knows_nobody_is_asked(line_app: TestClient, home: BrandHome) -> None:
    assert create(line_app, home).json()["line_validation"]["status"] == "unavailable"
