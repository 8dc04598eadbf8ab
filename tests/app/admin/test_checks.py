"""What a check of a LINE account finds, in words and in two languages, against the sandbox."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from app.admin.line_accounts.checks import find_plan
from app.admin.line_accounts.findings import read_findings, say
from app.admin.line_accounts.texts import SENTENCES
from app.main import create_app
from app.settings import Settings
from tenants.ids import decode_id
from tenants.line_accounts.models import LineAccount
from tests import make
from tests.app.admin.calls import Shops, account_id, assert_problem, create_store
from tests.app.admin.conftest import Door
from tests.app.line.answering import run_answering
from tests.conftest import BrandHome
from tests.running import RunningSandbox

JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")


@pytest.fixture
def faults(sandbox: RunningSandbox) -> Iterator[Callable[..., None]]:
    """Makes an endpoint of LINE fail until the end of the test."""

    def put(endpoint: str, **fault: Any) -> None:
        sandbox.call("PUT", "/faults", {"faults": [{"endpoint": endpoint, **fault}]})

    yield put
    sandbox.call("PUT", "/faults", {"faults": []})


def body_of(channel: dict[str, Any], store: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The registration of a channel of the sandbox."""
    known = {name: channel[name] for name in ("channel_id", "channel_secret", "provider_id")}
    return {"name": "渋谷店", **known, "store_ids": [store["id"]], **changes}


def register(api: TestClient, home: BrandHome, channel: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A registered account, LINE having been asked."""
    store = create_store(api, home, f"S{secrets.token_hex(3)}")
    answer = api.post("/v1/line-accounts", json=body_of(channel, store, **changes), headers=home.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def check(api: TestClient, home: BrandHome, account: dict[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Its status, and the findings by check."""
    answer = api.post(f"/v1/line-accounts/{account['id']}/check", headers=home.headers)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return found["status"], {one["check"]: one for one in found["checks"]}


def read(api: TestClient, home: BrandHome, account: dict[str, Any]) -> dict[str, Any]:
    answer = api.get(f"/v1/line-accounts/{account['id']}", headers=home.headers)
    found: dict[str, Any] = answer.json()
    return found


def change(sandbox: RunningSandbox, channel: dict[str, Any], **settings: Any) -> None:
    """What somebody does in LINE's console."""
    sandbox.call("POST", "/world", {"channels": [{"channel_id": channel["channel_id"], **settings}]})


def is_explained(finding: dict[str, Any]) -> bool:
    """Whether it says what is so and what to do, each in both languages."""
    texts = [finding[name] for name in ("detail", "remedy", "detail_ja", "remedy_ja")]
    return all(texts) and [bool(JAPANESE.search(one)) for one in texts] == [False, False, True, True]


def test_registering_connects_the_account(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    channel = sandbox.make_channel(quota=5000, display_name="のれん渋谷")
    account = register(line_api, home, channel, plan="ライト")
    assert (account["status"], account["status_detail"]) == ("ok", None)
    assert [one["code"] for one in account["findings"]] == ["login_none"]
    assert (account["bot_user_id"], account["basic_id"]) == (channel["bot_user_id"], channel["basic_id"])
    assert (account["display_name"], account["chat_mode"], account["is_verified"]) == ("のれん渋谷", "bot", True)
    assert account["quota"] == {"limit": 5000, "used": 0, "reserved": 0, "month": account["quota"]["month"]}
    assert sandbox.call("GET", f"/channels/{channel['channel_id']}")["webhook_url"] == account["webhook_url"]
    assert read(line_api, home, account) == account


def test_a_check_tells_all_that_it_looked_at_and_what_only_a_person_can_switch(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel())
    answer = line_api.post(f"/v1/line-accounts/{account['id']}/check", headers=home.headers).json()
    checks = {one["check"] for one in answer["checks"]}
    looked_at = {"token", "bot", "webhook", "webhook_active", "webhook_test", "quota", "provider", "verified", "login"}
    assert checks >= looked_at | {"chat_mode", "rich_menu", "heard"}
    assert {one["step"] for one in answer["manual_steps"]} >= {"use_webhook", "webhook_redelivery", "auto_response"}
    assert all(JAPANESE.search(one["detail_ja"]) and one["where_ja"] for one in answer["manual_steps"])


def test_an_account_without_a_limit_has_a_quota_without_one(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel(quota=None))
    assert (account["quota"]["limit"], account["quota"]["used"]) == (None, 0)


def test_a_wrong_secret_is_refused_with_what_to_do(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel, store = sandbox.make_channel(), create_store(line_api, home, "S1")
    wrong = body_of(channel, store, channel_secret="f" * 32)
    answer = line_api.post("/v1/line-accounts", json=wrong, headers=home.headers)
    assert_problem(answer, 422, "invalid", "/channel_secret")
    (error,) = answer.json()["errors"]
    assert "Basic settings" in error["detail"]
    assert "チャネル基本設定" in error["detail_ja"]
    assert line_api.get("/v1/line-accounts", headers=home.headers).json()["items"] == []


def test_a_secret_that_was_reissued_is_explained_and_mended(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel = sandbox.make_channel()
    account = register(line_api, home, channel)
    change(sandbox, channel, channel_secret="e" * 32)
    status, checks = check(line_api, home, account)
    assert (status, checks["token"]["code"]) == ("trouble", "secret_ended")
    assert is_explained(checks["token"])
    detail = read(line_api, home, account)["status_detail"]
    assert detail == f"{checks['token']['detail']} {checks['token']['remedy']}"
    path = f"/v1/line-accounts/{account['id']}"
    refused = line_api.patch(path, json={"channel_secret": "d" * 32}, headers=home.headers)
    assert_problem(refused, 422, "invalid", "/channel_secret")
    mended = line_api.patch(path, json={"channel_secret": "e" * 32}, headers=home.headers)
    assert mended.json()["status"] == "ok"
    assert check(line_api, home, account)[0] == "ok"


def test_a_token_that_line_gives_and_refuses_is_explained(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox, faults: Callable[..., None]
) -> None:
    account = register(line_api, home, sandbox.make_channel())
    faults("GET /v2/bot/info", status=401, body={"message": "Authentication failed."})
    status, checks = check(line_api, home, account)
    assert (status, checks["token"]["code"]) == ("trouble", "token_refused")
    assert is_explained(checks["token"])


def test_webhooks_that_are_switched_off_are_explained(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel(webhook_active=False))
    assert (account["status"], account["findings"][0]["code"]) == ("trouble", "webhook_off")
    assert is_explained(account["findings"][0])
    assert "Use webhook" in account["findings"][0]["remedy"]
    assert "Webhookの利用" in account["findings"][0]["remedy_ja"]


def test_a_quota_that_is_used_up_or_nearly_is_explained(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    spent = register(line_api, home, sandbox.make_channel(quota=200, used=200))
    assert (spent["status"], spent["findings"][0]["code"]) == ("trouble", "quota_exhausted")
    assert is_explained(spent["findings"][0])
    low = register(line_api, home, sandbox.make_channel(quota=200, used=160))
    assert low["status"] == "ok"
    assert "quota_low" in [one["code"] for one in low["findings"]]


def test_another_provider_is_explained_with_what_follows(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    register(line_api, home, sandbox.make_channel(), name="Shinjuku")
    account = register(line_api, home, sandbox.make_channel("provider-2"))
    (finding,) = [one for one in account["findings"] if one["check"] == "provider"]
    assert (account["status"], finding["code"]) == ("ok", "provider_differs")
    assert is_explained(finding)
    assert "Shinjuku" in finding["detail"]
    assert "two" in finding["detail"]


def test_one_user_id_under_two_providers_proves_that_one_is_stated_wrongly(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    right = register(line_api, home, sandbox.make_channel(), name="Shinjuku")
    wrong = register(line_api, home, sandbox.make_channel(), name="Ikebukuro", provider_id="typo-1")
    user_id = make.line_user_id()
    with home.open() as session:
        for one in (right, wrong):
            account = session.get_one(LineAccount, (home.scope.brand_id, decode_id("acc", one["id"])))
            make.friend(session, account, line_user_id=user_id)
        session.commit()
    for one, other in ((right, "Ikebukuro"), (wrong, "Shinjuku")):
        status, checks = check(line_api, home, one)
        assert (status, checks["provider"]["code"]) == ("trouble", "provider_wrong")
        assert is_explained(checks["provider"])
        assert other in checks["provider"]["detail_ja"]


def test_a_login_channel_under_two_providers_proves_that_one_is_stated_wrongly(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    login = {"login_channel_id": "2000000077"}
    register(line_api, home, sandbox.make_channel(), name="Shinjuku", **login)
    account = register(line_api, home, sandbox.make_channel("provider-2"), **login)
    assert (account["status"], account["findings"][0]["code"]) == ("trouble", "provider_login")
    assert is_explained(account["findings"][0])


def test_a_login_channels_secret_is_tried(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    login_id = f"21{secrets.randbelow(10**8):08}"
    login = {"channel_id": login_id, "provider_id": "provider-1", "channel_secret": "a1" * 16}
    sandbox.call("PUT", "/login-channels", {"login_channels": [login]})
    channel = sandbox.make_channel()
    fits = {"login_channel_id": login_id, "login_channel_secret": "a1" * 16}
    store = create_store(line_api, home, "S9")
    wrong = body_of(channel, store, **{**fits, "login_channel_secret": "b2" * 16})
    answer = line_api.post("/v1/line-accounts", json=wrong, headers=home.headers)
    assert_problem(answer, 422, "invalid", "/login_channel_secret")
    account = register(line_api, home, channel, **fits)
    assert account["has_login_secret"] is True
    assert check(line_api, home, account)[1]["login"]["code"] == "login_fits"
    without = {"login_channel_secret": None}
    bare = line_api.patch(f"/v1/line-accounts/{account['id']}", json=without, headers=home.headers).json()
    assert (bare["has_login_secret"], bare["findings"][0]["code"]) == (False, "login_no_secret")


def test_another_tools_webhook_is_replaced_and_named(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel(webhook_url="https://other.example/hook"))
    moved = next(one for one in account["findings"] if one["check"] == "webhook")
    assert account["status"] == "ok"
    assert "https://other.example/hook" in moved["detail"]
    assert check(line_api, home, account)[1]["webhook"]["code"] == "webhook_set"


@pytest.mark.parametrize(("status", "code"), [(503, "test_error_status_code"), (None, "test_passed")])
def test_line_calls_the_webhook_and_what_came_of_it_is_said(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox, door: Door, status: int | None, code: str
) -> None:
    account = register(line_api, home, sandbox.make_channel())
    door.status = status
    assert check(line_api, home, account)[1]["webhook_test"]["code"] == code


@pytest.mark.parametrize(
    ("public_url", "check_name", "code"),
    [
        ("http://noren.internal", "webhook", "webhook_refused"),
        ("https://127.0.0.1:9", "webhook_test", "test_could_not_connect"),
    ],
)
def test_a_public_address_that_line_cannot_use_is_explained(
    line_settings: Settings, home: BrandHome, sandbox: RunningSandbox, public_url: str, check_name: str, code: str
) -> None:
    inside = line_settings.model_copy(update={"public_url": public_url})
    with TestClient(create_app(inside), raise_server_exceptions=False) as api:
        account = register(api, home, sandbox.make_channel())
    (finding,) = [one for one in account["findings"] if one["check"] == check_name]
    assert (account["status"], finding["code"]) == ("trouble", code)
    assert is_explained(finding)


def test_line_that_cannot_be_reached_loses_no_account_and_is_said_once(api: TestClient, home: BrandHome) -> None:
    channel = {"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"}
    account = register(api, home, channel)
    assert account["status"] == "unchecked"
    (finding,) = [one for one in account["findings"] if one["severity"] == "trouble"]
    assert finding["code"] == "unreachable"
    assert is_explained(finding)
    status, checks = check(api, home, account)
    assert status == "unchecked"
    assert "token" not in checks


def test_without_a_check_line_is_not_asked(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    channel, store = sandbox.make_channel(), create_store(line_api, home, "S1")
    body = body_of(channel, store, channel_secret="f" * 32)
    made = line_api.post("/v1/line-accounts?check=false", json=body, headers=home.headers).json()
    assert (made["status"], made["findings"], made["checked_at"]) == ("unchecked", None, None)
    assert sandbox.call("GET", f"/channels/{channel['channel_id']}")["webhook_url"] is None
    odd = line_api.post("/v1/line-accounts?check=maybe", json=body, headers=home.headers)
    assert_problem(odd, 422, "invalid", "/query/check")


def test_the_same_account_under_another_name_is_found(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    first = sandbox.make_channel()
    register(line_api, home, first, name="本店")
    second = sandbox.make_channel(bot_user_id=first["bot_user_id"])
    account = register(line_api, home, second)
    assert (account["status"], account["findings"][0]["code"]) == ("trouble", "duplicate")
    assert "本店" in account["findings"][0]["detail"]


def test_a_store_learns_nothing_of_other_stores_accounts(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    shops = Shops(home)
    with home.open() as session:
        account = session.get_one(LineAccount, (home.scope.brand_id, shops.account_a.id))
        finding = say("provider_wrong", provider="p", other="B店", other_provider="q")
        account.findings = [
            {name: getattr(finding, name) for name in finding.__slots__},
        ]
        account.status, account.status_detail = "trouble", finding.tell()
        session.commit()
    path = f"/v1/line-accounts/{account_id(shops.account_a)}"
    seen = line_api.get(path, headers=shops.key_a).json()
    assert (seen["status"], seen["status_detail"], seen["findings"]) == ("ok", None, [])
    assert line_api.get(path, headers=home.headers).json()["findings"][0]["code"] == "provider_wrong"


def test_what_was_sent_from_here_stands_while_lines_count_runs_behind(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel(quota=1000))
    with home.open() as session:
        session.execute(
            text("UPDATE quota_month SET used = 300, sent = 300 WHERE brand_id = :id"), {"id": home.scope.brand_id}
        )
        session.commit()
    assert check(line_api, home, account)[1]["quota_lag"]["code"] == "quota_lags"
    assert read(line_api, home, account)["quota"]["used"] == 300


def test_silence_is_told_when_it_lasts(line_api: TestClient, home: BrandHome, sandbox: RunningSandbox) -> None:
    account = register(line_api, home, sandbox.make_channel())
    for heard_days, age_days, code in ((None, 0, "heard_soon"), (None, 2, "never_heard"), (9, 30, "not_heard")):
        now = datetime.now(UTC)
        with home.open() as session:
            row = session.exec(select(LineAccount)).one()
            row.heard_at = None if heard_days is None else now - timedelta(days=heard_days)
            row.created_at = now - timedelta(days=age_days)
            session.commit()
        assert check(line_api, home, account)[1]["heard"]["code"] == code


@pytest.mark.parametrize(
    ("limit", "stated", "code"),
    [
        (200, None, "plan_fits"),
        (5000, "ライトプラン", "plan_fits"),
        (30_000, "Light", "plan_differs"),
        (45_000, "standard", "plan_fits"),
        (1000, "light", "plan_unknown"),
        (200, "ours", "plan_fits"),
    ],
)
def test_the_plan_is_guessed_from_the_limit(limit: int, stated: str | None, code: str) -> None:
    assert find_plan(limit, stated).code == code


def test_every_sentence_has_both_languages_and_trouble_has_a_remedy() -> None:
    for code, sentence in SENTENCES.items():
        assert JAPANESE.search(sentence.ja), code
        assert not JAPANESE.search(sentence.en), code
        assert (sentence.remedy is None) == (sentence.remedy_ja is None) == (sentence.severity == "ok"), code
        gaps = [sorted(set(re.findall(r"\{(\w+)\}", one or ""))) for one in (sentence.en, sentence.ja)]
        assert [gap.removesuffix("_ja") for gap in gaps[0]] == [gap.removesuffix("_ja") for gap in gaps[1]], code


def test_a_finding_is_one_line_whatever_line_calls_the_account() -> None:
    finding = say("bot_known", name="A\x1b[31m\n" + "長" * 500, basic_id="@a")
    assert finding.detail.isprintable()
    assert len(finding.detail) < 250
    kept = {name: getattr(finding, name) for name in finding.__slots__}
    assert read_findings([kept]) == [finding]


def test_no_transaction_is_open_while_line_is_asked(settings: Settings, home: BrandHome) -> None:
    seen: dict[str, int] = {}
    with run_answering() as told:
        told.answers["/v2/bot/info"] = (200, b'{"userId":"U1","basicId":"@a","displayName":"a"}')
        told.watch = lambda path: seen.update({path: count_open_transactions(home)})
        with TestClient(create_app(settings.model_copy(update={"line_api_url": told.url}))) as api:
            account = register(api, home, {"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"})
            check(api, home, account)
            path = f"/v1/line-accounts/{account['id']}"
            assert api.patch(path, json={"channel_secret": "e" * 32}, headers=home.headers).status_code == 200
    assert len(seen) >= 6
    assert set(seen.values()) == {0}


def count_open_transactions(home: BrandHome) -> int:
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
