"""Registering and changing LINE accounts: each once, whatever dies on the way, and no secret lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.admin.line_accounts import asking
from app.audit.models import AuditEntry
from app.auth import brand_key_of
from app.main import create_app
from app.settings import Settings
from tenants.ids import decode_id, is_of, uuid7_of
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import open_secret, secret_purpose
from tenants.sealing import Keyring
from tests import make
from tests.app.admin.calls import assert_problem, create_store, store_id
from tests.app.admin.test_checks import body_of, change, register
from tests.app.line.answering import run_answering
from tests.app.sandbox.process import PLAIN
from tests.conftest import MASTER_KEYS, BrandHome, new_home
from tests.running import RunningSandbox
from tests.serving import open_installation

PATH = "/v1/line-accounts"


def list_accounts(home: BrandHome) -> list[LineAccount]:
    with home.open() as session:
        return list(session.exec(select(LineAccount)).all())


def test_of_equal_requests_one_registers_and_all_get_its_answer(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel = sandbox.make_channel()
    body = body_of(channel, create_store(line_api, home, "S1"))
    keyed = {**home.headers, "Idempotency-Key": "once"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: line_api.post(PATH, json=body, headers=keyed), range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    (account,) = list_accounts(home)
    assert account.status == "ok"
    at_line = sandbox.call("GET", f"/channels/{channel['channel_id']}")["webhook_url"]
    assert at_line == answers[0].json()["webhook_url"]


def test_a_repeated_request_gets_the_first_answer_though_line_would_refuse_it_now(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel = sandbox.make_channel()
    body = body_of(channel, create_store(line_api, home, "S1"))
    keyed = {**home.headers, "Idempotency-Key": "once"}
    first = line_api.post(PATH, json=body, headers=keyed)
    change(sandbox, channel, channel_secret="e" * 32)
    again = line_api.post(PATH, json=body, headers=keyed)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = line_api.post(PATH, json={**body, "name": "別"}, headers=keyed)
    assert_problem(other, 422, "idempotency-key-reused")


def test_what_cannot_be_kept_is_refused_though_line_accepts_it(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel, store = sandbox.make_channel(), create_store(line_api, home, "S1")
    nowhere = body_of(channel, {"id": "store_01h455vb4pex5vsknk084sn02q"})
    assert_problem(line_api.post(PATH, json=nowhere, headers=home.headers), 404, "not-found")
    assert list_accounts(home) == []
    assert line_api.post(PATH, json=body_of(channel, store), headers=home.headers).status_code == 201
    taken = line_api.post(PATH, json=body_of(channel, store), headers=home.headers)
    assert_problem(taken, 409, "channel-taken")
    assert len(list_accounts(home)) == 1


def test_a_registration_stands_in_the_audit_log_with_its_account(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    account = register(line_api, home, sandbox.make_channel())
    with home.open() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == "register_line_account")).all()
    made = decode_id("acc", account["id"])
    assert [(entry.object_id, entry.status) for entry in entries] == [(made, 201)]
    assert any(row["before"] is None and row["table"] == "line_account" for row in entries[0].changes or [])


@pytest.mark.slow(seconds=25)
def test_a_request_that_dies_while_line_is_asked_can_be_repeated(
    tmp_path: Path, worker_id: str, keyring: Keyring
) -> None:
    told_to = {"NOREN_MASTER_KEYS": MASTER_KEYS}
    with run_answering() as line, open_installation(f"noren_died_{worker_id}", tmp_path, **told_to) as place:
        line.answers["/v2/bot/info"] = (200, b'{"userId":"U1","basicId":"@a","displayName":"a"}')
        place.environment["NOREN_LINE_API_URL"] = line.url
        home = new_home(place.engine, keyring)
        with home.open() as session:
            store = make.store(session)
            session.commit()
        body = body_of({"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"}, {"id": store_id(store)})
        keyed = {**home.headers, "Idempotency-Key": "once"}
        asked, held = threading.Event(), threading.Event()

        def hold(path: str) -> None:
            if path == "/v2/bot/info":
                asked.set()
                held.wait(10)

        line.watch = hold
        first = place.serve()
        lost = threading.Thread(target=_post_into_the_void, args=(first.url, body, keyed), daemon=True)
        lost.start()
        assert asked.wait(60)
        first.kill()
        held.set()
        lost.join(60)
        (kept,) = list_accounts(home)
        assert kept.status == "unchecked"
        again_settings = Settings(
            database_url=place.urls.app,
            master_keys=MASTER_KEYS,
            line_api_url=line.url,
            pool_size=4,
            rate_limit=1_000_000,
        )
        with TestClient(create_app(again_settings)) as client:
            again = client.post(PATH, json=body, headers=keyed)
            assert again.status_code == 201, again.text
            assert decode_id("acc", again.json()["id"]) == kept.id
            assert client.post(PATH, json=body, headers=keyed).json() == again.json()
        assert len(list_accounts(home)) == 1


def _post_into_the_void(url: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.post(url + PATH, json=body, headers=headers, timeout=30, trust_env=False, verify=PLAIN)


def test_an_account_knows_the_request_that_made_it() -> None:
    one = uuid7_of(b"1" * 32)
    assert (one.version, is_of(one, b"1" * 32), is_of(one, b"2" * 32)) == (7, True, False)


def test_the_former_secret_is_kept_for_a_while_when_it_is_replaced(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox, keyring: Keyring
) -> None:
    channel = sandbox.make_channel()
    account = register(line_api, home, channel)
    path = f"{PATH}/{account['id']}"

    def replace(secret: str, **more: Any) -> dict[str, Any]:
        change(sandbox, channel, channel_secret=secret)
        answer = line_api.patch(path, json={"channel_secret": secret, **more}, headers=home.headers)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read

    def left(read: dict[str, Any]) -> timedelta:
        return datetime.fromisoformat(read["previous_secret_until"]) - datetime.now(UTC)

    assert timedelta(seconds=570) < left(replace("e" * 32)) < timedelta(seconds=601)
    assert _secrets(home, keyring) == ("e" * 32, channel["channel_secret"])
    assert timedelta(hours=11) < left(replace("d" * 32, previous_secret_valid_seconds=43_200))
    assert _secrets(home, keyring) == ("d" * 32, "e" * 32)
    replace("d" * 32)
    assert _secrets(home, keyring) == ("d" * 32, "e" * 32), "the same secret again takes nothing away"
    assert replace("c" * 32, previous_secret_valid_seconds=0)["previous_secret_until"] is None
    assert _secrets(home, keyring) == ("c" * 32, None)
    for seconds in (-1, 86_401, 1.5, True):
        body = {"previous_secret_valid_seconds": seconds}
        answer = line_api.patch(path, json=body, headers=home.headers)
        assert_problem(answer, 422, "invalid", "/previous_secret_valid_seconds")


def _secrets(home: BrandHome, keyring: Keyring) -> tuple[str, str | None]:
    with home.open() as session:
        account = session.exec(select(LineAccount)).one()
        key = brand_key_of(session, keyring)
        previous = account.sealed_previous_secret
        purpose = secret_purpose(account.id)
        return open_secret(account, key), key.unseal(previous, purpose).decode() if previous is not None else None


def test_a_secret_that_no_longer_opens_can_be_entered_anew(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel = sandbox.make_channel()
    account = register(line_api, home, channel)
    with home.open() as session:
        session.exec(select(LineAccount)).one().sealed_secret = b"lost"
        session.commit()
    path = f"{PATH}/{account['id']}"
    found = line_api.post(f"{path}/check", headers=home.headers).json()
    assert (found["status"], found["checks"][0]["code"]) == ("trouble", "secret_shut")
    body = {"channel_secret": channel["channel_secret"]}
    assert line_api.patch(path, json=body, headers=home.headers).json()["status"] == "ok"


def test_test_mode_is_there_where_the_installation_names_a_host(
    api: TestClient, line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    channel, store = sandbox.make_channel(), create_store(api, home, "S1")
    body = body_of(channel, store, mode="test")
    refused = api.post(PATH, json=body, headers=home.headers)
    assert_problem(refused, 422, "invalid", "/mode")
    assert "NOREN_LINE_TEST_URL" in refused.text
    made = line_api.post(PATH, json=body, headers=home.headers).json()
    assert (made["mode"], made["status"]) == ("test", "ok")
    assert "test_mode" in [one["code"] for one in made["findings"]]
    path = f"{PATH}/{made['id']}"
    assert_problem(api.patch(path, json={"mode": "test"}, headers=home.headers), 422, "invalid", "/mode")
    with home.open() as session:
        make.friend(session, session.exec(select(LineAccount)).one())
        session.commit()
    assert_problem(line_api.patch(path, json={"mode": "live"}, headers=home.headers), 409, "channel-fixed")


def test_a_greeting_is_one_that_line_takes(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    body = body_of({"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"}, store)
    greeting = [{"type": "text", "text": 'ようこそ{{ customer.name | default: "お客様" }}、{{ store.name }}です。'}]
    made = api.post(PATH, json={**body, "greeting": greeting}, headers=home.headers).json()
    assert made["greeting"] == greeting, made
    path = f"{PATH}/{made['id']}"
    for wrong, pointer in (
        ([{"type": "text"}], "/greeting/0/text"),
        ([{"type": "text", "text": "{{ coupon.code }}"}], "/greeting"),
        ([], "/greeting"),
    ):
        answer = api.patch(path, json={"greeting": wrong}, headers=home.headers)
        assert_problem(answer, 422, "invalid", pointer)
    assert api.patch(path, json={"greeting": None}, headers=home.headers).json()["greeting"] is None


def test_after_the_first_good_check_the_friends_so_far_are_read(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox
) -> None:
    bare = register(line_api, home, sandbox.make_channel(verified=False))
    assert (bare["is_verified"], bare["backfill"]) == (False, None)
    account = register(line_api, home, sandbox.make_channel())
    assert (account["backfill"]["status"], account["backfill"]["imported"]) == ("waiting", 0)
    waiting = line_api.post(f"{PATH}/{bare['id']}/backfill", headers=home.headers)
    assert (waiting.status_code, waiting.json()["backfill"]["status"]) == (202, "waiting")
    again = line_api.post(f"{PATH}/{account['id']}/backfill", headers=home.headers).json()
    assert again["backfill"] == account["backfill"], "what is under way goes on"


def test_half_of_all_requests_may_wait_for_line_and_the_others_are_told(
    line_api: TestClient, home: BrandHome, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TURN_SECONDS", 0.01)
    account = register(line_api, home, sandbox.make_channel())
    application: Any = line_api.app
    turns = application.state.line_turns
    taken = [turns for _ in range(5) if turns.acquire(blocking=False)]
    try:
        busy = line_api.post(f"{PATH}/{account['id']}/check", headers=home.headers)
    finally:
        for turn in taken:
            turn.release()
    assert len(taken) == 5, "a pool of ten"
    assert_problem(busy, 503, "unavailable")
    assert busy.headers["retry-after"]
    assert line_api.post(f"{PATH}/{account['id']}/check", headers=home.headers).status_code == 200
