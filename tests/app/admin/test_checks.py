"""The doctor of a LINE account, against the sandbox."""

import time
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.main import create_app
from app.settings import Settings
from tests.app.admin.calls import create_account, create_store
from tests.app.line.answering import run_answering
from tests.conftest import BrandHome
from tests.running import RunningSandbox


def _register(api: TestClient, home: BrandHome, channel: dict[str, Any], **changes: Any) -> dict[str, Any]:
    store = create_store(api, home, "S1")
    about = {"channel_secret": channel["channel_secret"], "provider_id": channel["provider_id"], **changes}
    return create_account(api, home, channel["channel_id"], store_ids=[store["id"]], **about)


def _check(api: TestClient, home: BrandHome, account: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    answer = api.post(f"/v1/line-accounts/{account['id']}/check", headers=home.headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["status"], {check["check"]: check for check in found["checks"]}


def test_a_sound_account_is_connected(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    channel = sandbox.make_channel(quota=1000)
    account = _register(line_api, home, channel)
    status, checks = _check(line_api, home, account)
    assert status == "ok"
    assert list(checks) == ["token", "bot", "webhook", "webhook_active", "quota"]
    assert all(check["ok"] and check["detail"] for check in checks.values())
    after = line_api.get(f"/v1/line-accounts/{account['id']}", headers=home.headers).json()
    assert (after["status"], after["status_detail"]) == ("ok", None)
    assert (after["bot_user_id"], after["basic_id"]) == (channel["bot_user_id"], channel["basic_id"])
    assert (after["quota"]["limit"], after["quota"]["used"], after["quota"]["reserved"]) == (1000, 0, 0)
    at_line = sandbox.call("GET", f"/channels/{channel['channel_id']}")["webhook_url"]
    assert at_line == after["webhook_url"] == f"https://noren.example/line/webhook/{account['id']}"


def test_an_account_without_a_limit_has_a_quota_without_one(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = _register(line_api, home, sandbox.make_channel(quota=None))
    assert _check(line_api, home, account)[0] == "ok"
    quota = line_api.get(f"/v1/line-accounts/{account['id']}", headers=home.headers).json()["quota"]
    assert (quota["limit"], quota["used"]) == (None, 0)


def test_a_wrong_secret_is_explained_and_mended(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    channel = sandbox.make_channel()
    account = _register(line_api, home, channel, channel_secret="f" * 32)
    status, checks = _check(line_api, home, account)
    assert status == "trouble"
    assert "Basic settings" in checks["token"]["detail"]
    assert not any(check["ok"] for check in checks.values())
    path = f"/v1/line-accounts/{account['id']}"
    assert line_api.get(path, headers=home.headers).json()["status_detail"] == checks["token"]["detail"]
    line_api.patch(path, json={"channel_secret": channel["channel_secret"]}, headers=home.headers)
    assert _check(line_api, home, account)[0] == "ok"


def test_webhooks_that_are_switched_off_are_found(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = _register(line_api, home, sandbox.make_channel(webhook_active=False))
    status, checks = _check(line_api, home, account)
    assert status == "trouble"
    assert [name for name, check in checks.items() if not check["ok"]] == ["webhook_active"]
    assert "Use webhook" in checks["webhook_active"]["detail"]


def test_another_tools_webhook_is_replaced_and_named(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = _register(line_api, home, sandbox.make_channel(webhook_url="https://other.example/hook"))
    status, checks = _check(line_api, home, account)
    assert status == "ok"
    assert "https://other.example/hook" in checks["webhook"]["detail"]
    assert "https://other.example/hook" not in _check(line_api, home, account)[1]["webhook"]["detail"]


def test_a_webhook_address_that_line_refuses_is_explained(
    settings: Settings, home: BrandHome, sandbox: RunningSandbox
) -> None:
    inside = settings.model_copy(update={"line_api_url": sandbox.url, "public_url": "http://noren.internal"})
    with TestClient(create_app(inside), raise_server_exceptions=False) as api:
        account = _register(api, home, sandbox.make_channel())
        status, checks = _check(api, home, account)
    assert status == "trouble"
    assert "https" in checks["webhook"]["detail"]
    assert checks["quota"]["ok"]


def test_line_that_cannot_be_reached_is_said_once(settings: Settings, home: BrandHome) -> None:
    nowhere = settings.model_copy(update={"line_api_url": "http://127.0.0.1:9"})
    with TestClient(create_app(nowhere)) as api:
        account = _register(api, home, {"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"})
        status, checks = _check(api, home, account)
    assert status == "trouble"
    assert "cannot be reached" in checks["token"]["detail"]
    assert "Not tried" in checks["quota"]["detail"]


def test_no_transaction_is_open_while_line_is_asked(settings: Settings, home: BrandHome) -> None:
    seen: dict[str, int] = {}
    with run_answering() as told:
        told.watch = lambda path: seen.update({path: _count_open_transactions(home)})
        with TestClient(create_app(settings.model_copy(update={"line_api_url": told.url}))) as api:
            account = _register(api, home, {"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"})
            _check(api, home, account)
    assert len(seen) == 4
    assert set(seen.values()) == {0}


def _count_open_transactions(home: BrandHome) -> int:
    """How many stay open while LINE is kept waiting. Others come and go: the audit log gathers every second."""
    until = time.monotonic() + 5
    while True:
        with home.engine.connect() as connection:
            count: int = connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND usename = current_user"
                )
            ).scalar_one()
        if count == 0 or time.monotonic() > until:
            return count
        time.sleep(0.02)
