"""A LINE, or something in between, that answers what LINE never would: no 500, and no account that is called good."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.admin.line_accounts.findings import say
from app.admin.line_accounts.tasks import check_account
from app.inbound.models import LineForward, LineForwardCall
from app.jobs.queue import Work
from app.main import create_app
from app.settings import Settings
from tenants.ids import decode_id
from tenants.sealing import Keyring
from tests.app.admin.calls import assert_problem
from tests.app.admin.test_checks import check, read, register
from tests.app.line.answering import Answering, run_answering
from tests.conftest import BrandHome

CHANNEL = {"channel_id": "c-1", "channel_secret": "f" * 32, "provider_id": "p-1"}
TOKEN, BOT, QUOTA = "/oauth2/v3/token", "/v2/bot/info", "/v2/bot/message/quota"
REFUSED = (400, b'{"error":"invalid_client","error_description":"invalid client_secret"}')
NOTHING = [
    (200, b"<!doctype html><title>Sign in to the hotel's network</title>"),
    (429, b'{"message":"The API rate limit has been exceeded. Try again later."}'),
]
GOOD: dict[str, Any] = {
    BOT: {"userId": "U1", "basicId": "@a", "displayName": "a", "chatMode": "bot"},
    QUOTA: {"type": "limited", "value": 200},
    "/v2/bot/message/quota/consumption": {"totalUsage": 1},
    "/v2/bot/channel/webhook/endpoint": {"endpoint": "https://else.example/", "active": True},
    "/v2/bot/channel/webhook/test": {"success": True, "statusCode": 200, "reason": "OK", "detail": "200"},
    "/v2/bot/followers/ids?limit=1": {"userIds": []},
}


@dataclass
class Odd:
    """An application and the LINE that it asks."""

    line: Answering
    api: TestClient
    settings: Settings

    def say(self, path: str, body: Any) -> None:
        """Answer this from now on."""
        self.line.answers[path] = (200, json.dumps(body).encode())

    def say_everywhere(self, answer: tuple[int, bytes]) -> None:
        """Answer this whatever is asked."""
        for path in (TOKEN, *GOOD):
            self.line.answers[path] = answer


@pytest.fixture
def odd(settings: Settings) -> Iterator[Odd]:
    with run_answering() as line:
        asking = settings.model_copy(update={"line_api_url": line.url})
        with TestClient(create_app(asking), raise_server_exceptions=False) as api:
            told = Odd(line, api, asking)
            for path, body in GOOD.items():
                told.say(path, body)
            yield told


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (BOT, {**GOOD[BOT], "displayName": "a\0b"}),
        (BOT, {**GOOD[BOT], "pictureUrl": "\0", "premiumId": "\0", "chatMode": "\0"}),
        (BOT, {**GOOD[BOT], "userId": ["U1"], "displayName": 5}),
        (BOT, []),
        (QUOTA, {"type": "limited", "value": 2**40}),
        (QUOTA, {"type": "limited", "value": "200"}),
        (QUOTA, {"type": "limited", "value": 1.5}),
        ("/v2/bot/message/quota/consumption", {"totalUsage": 2**62}),
        ("/v2/bot/channel/webhook/endpoint", {"endpoint": "\0", "active": "yes"}),
        ("/v2/bot/channel/webhook/test", {"success": "no", "statusCode": "x", "reason": "\0", "detail": {}}),
        ("/v2/bot/followers/ids?limit=1", {"userIds": [1, None]}),
    ],
)
def test_whatever_line_answers_a_check_has_an_answer(odd: Odd, home: BrandHome, path: str, body: Any) -> None:
    odd.say(path, body)
    account = register(odd.api, home, CHANNEL)
    status, _ = check(odd.api, home, account)
    assert status in ("ok", "trouble")


@pytest.mark.parametrize("answer", NOTHING)
def test_an_account_of_which_nothing_could_be_learnt_is_not_called_good(
    odd: Odd, home: BrandHome, answer: tuple[int, bytes]
) -> None:
    odd.say_everywhere(answer)
    account = register(odd.api, home, CHANNEL)
    assert (account["status"], account["bot_user_id"]) == ("unchecked", None)
    assert check(odd.api, home, account)[0] == "unchecked"


@pytest.mark.parametrize("answer", NOTHING)
def test_what_was_found_stays_where_nothing_can_be_learnt(
    odd: Odd, home: BrandHome, keyring: Keyring, answer: tuple[int, bytes]
) -> None:
    account = register(odd.api, home, CHANNEL)
    odd.say_everywhere(answer)
    work = Work(home.engine, keyring, odd.settings, datetime.now(UTC), home.scope.brand_id)
    check_account(work, decode_id("acc", account["id"]))
    assert read(odd.api, home, account) == account


def test_a_secret_that_ended_is_said_to_have_ended_each_time(odd: Odd, home: BrandHome) -> None:
    account = register(odd.api, home, CHANNEL)
    odd.line.answers[TOKEN] = REFUSED
    assert [check(odd.api, home, account)[1]["token"]["code"] for _ in range(2)] == ["secret_ended"] * 2


def test_a_new_secret_that_line_refuses_was_never_good(odd: Odd, home: BrandHome) -> None:
    account = register(odd.api, home, CHANNEL)
    odd.line.answers[TOKEN] = REFUSED
    path = f"/v1/line-accounts/{account['id']}"
    answer = odd.api.patch(path, json={"channel_secret": "e" * 32}, headers=home.headers)
    assert_problem(answer, 422, "invalid", "/channel_secret")
    assert answer.json()["errors"][0]["detail"] == say("secret_refused").tell()


def test_what_was_given_up_is_advice_while_forwarding_works_and_nothing_where_it_cannot_be_sent(
    odd: Odd, home: BrandHome
) -> None:
    account = register(odd.api, home, CHANNEL)
    account_id, now = decode_id("acc", account["id"]), datetime.now(UTC)
    with home.open() as session:
        tool = LineForward(
            line_account_id=account_id, url="https://tool.example/", active=True, created_at=now, updated_at=now
        )
        dead: dict[str, Any] = {
            "line_account_id": account_id,
            "received_at": now,
            "state": "dead",
            "due_at": now,
            "give_up_at": now,
        }
        call = LineForwardCall(**dead, body=b"{}")
        session.add_all([tool, call, LineForwardCall(**dead, body=None)])
        session.commit()
    found = check(odd.api, home, account)[1]["forward"]
    assert (found["code"], found["ok"]) == ("forward_given_up", True)
    assert "1" in found["detail"]
    with home.open() as session:
        session.delete(call)
        session.commit()
    assert "forward" not in check(odd.api, home, account)[1]
    with home.open() as session:
        session.get_one(LineForward, (home.scope.brand_id, account_id)).failing_since = now
        session.commit()
    failing = check(odd.api, home, account)[1]["forward"]
    assert failing["code"] == "forward_failing"
    since = f"{now.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M}"
    assert since in failing["detail"]
    assert f"{since}から" in failing["detail_ja"]


def test_what_a_worker_finds_out_makes_no_other_version_of_an_account(
    odd: Odd, home: BrandHome, keyring: Keyring
) -> None:
    account = register(odd.api, home, CHANNEL)
    path = f"/v1/line-accounts/{account['id']}"
    odd.say("/v2/bot/channel/webhook/endpoint", {"endpoint": account["webhook_url"], "active": True})
    check(odd.api, home, account)
    before = odd.api.get(path, headers=home.headers)
    odd.say("/v2/bot/message/quota/consumption", {"totalUsage": 2})
    check_account(
        Work(home.engine, keyring, odd.settings, datetime.now(UTC), home.scope.brand_id),
        decode_id("acc", account["id"]),
    )
    seen = {**home.headers, "If-Match": before.headers["etag"]}
    changed = odd.api.patch(path, json={"name": "新宿"}, headers=seen)
    assert (changed.status_code, before.json()["quota"]["used"], changed.json()["quota"]["used"]) == (200, 1, 2)


def test_what_was_asked_of_a_former_channel_is_not_written_down(odd: Odd, home: BrandHome) -> None:
    account = register(odd.api, home, CHANNEL)
    path = f"/v1/line-accounts/{account['id']}"

    def move(asked: str) -> None:
        """While the check goes on, somebody enters another channel, of another bot."""
        if asked == "/v2/bot/message/quota":
            odd.line.watch = lambda asked: None
            odd.say(BOT, {**GOOD[BOT], "userId": "U2"})
            changes = {"channel_id": "c-2", "channel_secret": "e" * 32}
            assert odd.api.patch(path, json=changes, headers=home.headers).status_code == 200

    odd.line.watch = move
    check(odd.api, home, account)
    assert read(odd.api, home, account)["bot_user_id"] == "U2"
    assert check(odd.api, home, account)[1]["bot"]["code"] == "bot_known"
