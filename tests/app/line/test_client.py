"""LINE's API for one account."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.line.client import LineClient, Profile
from app.line.errors import LineRefused, LineUnavailable
from app.settings import Settings
from tests.app.line.answering import Answering, run_answering
from tests.running import RunningSandbox

SOMEBODY = "U" + "0" * 32


@pytest.fixture
def told() -> Iterator[Answering]:
    """A server in LINE's place that says what the test tells it."""
    with run_answering() as answering:
        yield answering


def _client(url: str, channel_id: str = "1656000001", secret: str = "s" * 32) -> LineClient:
    return LineClient(Settings(line_api_url=url), channel_id, secret)


def _of_sandbox(sandbox: RunningSandbox, **settings: Any) -> tuple[LineClient, dict[str, Any]]:
    channel = sandbox.make_channel(**settings)
    return _client(sandbox.url, str(channel["channel_id"]), str(channel["channel_secret"])), channel


def test_an_account_is_asked_for_its_ids_and_its_quota(sandbox: RunningSandbox) -> None:
    line, channel = _of_sandbox(sandbox, quota=1000)
    assert line.get_bot_info().user_id == channel["bot_user_id"]
    assert line.get_bot_info().basic_id == channel["basic_id"]
    assert (line.get_quota(), line.get_consumption()) == (1000, 0)


def test_an_account_without_a_limit_has_no_quota(sandbox: RunningSandbox) -> None:
    line, _ = _of_sandbox(sandbox, quota=None)
    assert line.get_quota() is None


def test_a_webhook_endpoint_is_set_and_read(sandbox: RunningSandbox) -> None:
    line, _ = _of_sandbox(sandbox, webhook_active=False)
    assert line.find_webhook_endpoint() is None
    line.set_webhook_endpoint("https://noren.example/line/webhook/acc_1")
    found = line.find_webhook_endpoint()
    assert found is not None
    assert (found.url, found.active) == ("https://noren.example/line/webhook/acc_1", False)


def test_a_friends_profile_is_found_and_a_strangers_is_not(sandbox: RunningSandbox) -> None:
    line, channel = _of_sandbox(sandbox, provider_id="provider-of-profiles")
    person = sandbox.call("POST", "/people", {"name": "花子"})
    user_id = person["line_user_ids"]["provider-of-profiles"]
    assert line.get_profile(user_id) is None
    sandbox.call("POST", f"/people/{person['id']}/follow", {"channel": channel["channel_id"]})
    assert line.get_profile(user_id) == Profile(user_id, "花子", None, "ja")


def test_a_wrong_secret_is_refused(sandbox: RunningSandbox) -> None:
    channel = sandbox.make_channel()
    with pytest.raises(LineRefused) as refused:
        _client(sandbox.url, channel["channel_id"], "wrong").get_bot_info()
    assert refused.value.status == 400


def test_a_reply_carries_the_messages_as_they_are(told: Answering) -> None:
    told.answers["/v2/bot/message/reply"] = (200, b'{"sentMessages":[]}')
    _client(told.url).reply("token-1", [{"type": "text", "text": "いらっしゃいませ"}])
    method, path, body = told.calls[-1]
    sent = json.loads(body)
    assert (method, path, sent["replyToken"]) == ("POST", "/v2/bot/message/reply", "token-1")
    assert sent["messages"][0]["text"] == "いらっしゃいませ"


def test_a_token_is_minted_once_for_many_calls(told: Answering) -> None:
    told.answers["/v2/bot/message/quota/consumption"] = (200, b'{"totalUsage":7}')
    for _ in range(3):
        assert _client(told.url).get_consumption() == 7
    assert [path for _, path, _ in told.calls].count("/oauth2/v3/token") == 1


def test_a_refused_token_is_minted_anew_once(told: Answering) -> None:
    line = _client(told.url)
    told.answers["/v2/bot/message/quota/consumption"] = (401, b'{"message":"Authentication failed"}')
    with pytest.raises(LineRefused) as refused:
        line.get_consumption()
    assert refused.value.status == 401
    assert [path for _, path, _ in told.calls].count("/oauth2/v3/token") == 2


def test_a_new_value_of_an_enumeration_breaks_nothing(told: Answering) -> None:
    told.answers["/v2/bot/info"] = (
        200,
        b'{"userId":"U1","basicId":"@a","displayName":"A","chatMode":"hologram","markAsReadMode":"never","new":{}}',
    )
    assert _client(told.url).get_bot_info().basic_id == "@a"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b'{"totalUsage":"7"}'), (200, b"\xff"),
     (500, b"\xff\xfe"), (502, b"<html>"), (301, b"")],
)  # fmt: skip
def test_an_answer_that_is_none_is_no_answer(told: Answering, status: int, body: bytes) -> None:
    told.answers["/v2/bot/message/quota/consumption"] = (status, body)
    with pytest.raises(LineUnavailable):
        _client(told.url).get_consumption()


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (200, b"{}"), (200, b'{"access_token":7}'), (503, b"")])
def test_a_token_answer_that_is_none_is_no_answer(told: Answering, status: int, body: bytes) -> None:
    told.answers["/oauth2/v3/token"] = (status, body)
    with pytest.raises(LineUnavailable):
        _client(told.url).check_credentials()


def test_line_that_does_not_listen_is_unavailable() -> None:
    with pytest.raises(LineUnavailable):
        _client("http://127.0.0.1:9").get_bot_info()


def test_the_secret_shows_in_no_error(told: Answering) -> None:
    told.answers["/oauth2/v3/token"] = (400, b'{"error":"invalid_request"}')
    with pytest.raises(LineRefused) as refused:
        _client(told.url, secret="very-secret-indeed").get_bot_info()
    assert "very-secret-indeed" not in f"{refused.value!r} {refused.value}"
