"""LINE's API for one account."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from app.line.client import FollowerPage, LineClient, Profile, Sent, WebhookTest
from app.line.errors import LineForbidden, LineGarbled, LineInvalid, LineRefused, LineUnavailable
from app.line.hosts import NoTestHost
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
    return LineClient(Settings(line_api_url=url, line_data_url=url), channel_id, secret)


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
    found = line.get_profile(user_id)
    assert found is not None
    assert found == Profile(user_id, "花子", found.picture_url, "ja")


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


def test_the_account_tells_its_picture_its_premium_id_and_its_mode(told: Answering) -> None:
    told.answers["/v2/bot/info"] = (
        200,
        b'{"userId":"U1","basicId":"@a","premiumId":"@ramen","displayName":"A","pictureUrl":"https://p","chatMode":"bot"}',
    )
    bot = _client(told.url).get_bot_info()
    assert (bot.premium_id, bot.picture_url, bot.chat_mode) == ("@ramen", "https://p", "bot")


def test_followers_come_in_pages(told: Answering) -> None:
    told.answers["/v2/bot/followers/ids?limit=1000"] = (200, b'{"userIds":["U1","U2"],"next":"n 1"}')
    told.answers["/v2/bot/followers/ids?start=n%201&limit=2"] = (200, b'{"userIds":[]}')
    line = _client(told.url)
    assert line.list_follower_ids() == FollowerPage(("U1", "U2"), "n 1")
    assert line.list_follower_ids("n 1", 2) == FollowerPage((), None)


def test_an_account_that_may_not_list_its_followers_is_told_from_a_failure(told: Answering) -> None:
    told.answers["/v2/bot/followers/ids?limit=1000"] = (403, b'{"message":"Access to this API is not available"}')
    with pytest.raises(LineForbidden):
        _client(told.url).list_follower_ids()


def test_a_webhook_is_tried_and_what_came_of_it_told(told: Answering) -> None:
    told.answers["/v2/bot/channel/webhook/test"] = (
        200,
        b'{"success":false,"statusCode":-1,"reason":"REQUEST_TIMEOUT","detail":"2 s","timestamp":"2026"}',
    )
    line = _client(told.url)
    assert line.test_webhook_endpoint() == WebhookTest(False, "REQUEST_TIMEOUT", -1, "2 s")
    line.test_webhook_endpoint("https://noren.example/hook")
    assert [json.loads(body) for _, path, body in told.calls if path.endswith("/test")] == [
        {}, {"endpoint": "https://noren.example/hook"},
    ]  # fmt: skip


def test_a_default_rich_menu_is_found_absent_or_another_tools(told: Answering) -> None:
    line = _client(told.url)
    path = "/v2/bot/user/all/richmenu"
    told.answers[path] = (404, b'{"message":"no default richmenu","details":[]}')
    assert line.find_default_rich_menu_id() is None
    told.answers[path] = (200, b'{"richMenuId":"richmenu-1"}')
    assert line.find_default_rich_menu_id() == "richmenu-1"
    told.answers[path] = (403, b'{"message":"the richmenu is owned by another channel","details":[]}')
    with pytest.raises(LineForbidden):
        line.find_default_rich_menu_id()


def test_messages_are_checked_without_being_sent_and_keep_what_the_sdk_does_not_know(told: Answering) -> None:
    told.answers["/v2/bot/message/validate/push"] = (
        400,
        b'{"message":"1 error(s)","details":[{"message":"May not be empty","property":"messages[0].text"}]}',
    )
    messages = [{"type": "hologram", "text": "", "new": {"a": 1}}]
    with pytest.raises(LineInvalid) as refused:
        _client(told.url).validate_messages("push", messages)
    assert refused.value.details[0].property == "messages[0].text"
    assert json.loads(told.calls[-1][2]) == {"messages": messages}


def test_a_link_token_and_the_state_of_a_video_are_read(told: Answering) -> None:
    told.answers[f"/v2/bot/user/{SOMEBODY}/linkToken"] = (200, b'{"linkToken":"NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"}')
    told.answers["/v2/bot/message/77/content/transcoding"] = (200, b'{"status":"processing"}')
    line = _client(told.url)
    assert line.issue_link_token(SOMEBODY) == "NMZTNuVrPTqlr2IF8Bnymkb7rXfYv5EY"
    assert line.get_transcoding("77") == "processing"
    told.answers["/v2/bot/message/77/content/transcoding"] = (200, b'{"status":"dreaming"}')
    with pytest.raises(LineGarbled):
        line.get_transcoding("77")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"overview":{"uniqueImpression":40,"uniqueClick":null},"clicks":[{"url":"https://a.jp/","click":30}]}',
            {
                "overview": {"uniqueImpression": 40, "uniqueClick": None},
                "clicks": [{"url": "https://a.jp/", "click": 30, "uniqueClick": None}],
            },
        ),
        (
            b'{"overview":{"uniqueImpression":"40","uniqueClick":-1},"clicks":[7,{"url":8,"click":true}]}',
            {
                "overview": {"uniqueImpression": None, "uniqueClick": None},
                "clicks": [{"url": None, "click": None, "uniqueClick": None}],
            },
        ),
        (b'{"overview":null,"clicks":[]}', None),
        (b'{"overview":{},"clicks":"none"}', None),
    ],
)
def test_statistics_of_a_unit_are_read_as_far_as_they_are_figures(
    told: Answering, body: bytes, expected: dict[str, Any] | None
) -> None:
    asked = "/v2/bot/insight/message/event/aggregation?customAggregationUnit=n_1&from=20261101&to=20261130"
    told.answers[asked] = (200, body)
    line = _client(told.url)
    if expected is None:
        with pytest.raises(LineGarbled):
            line.get_unit_statistics("n_1", date(2026, 11, 1), date(2026, 11, 30))
    else:
        assert line.get_unit_statistics("n_1", date(2026, 11, 1), date(2026, 11, 30)) == expected


def test_a_reply_tells_lines_ids(told: Answering) -> None:
    told.answers["/v2/bot/message/reply"] = (200, b'{"sentMessages":[{"id":"461","quoteToken":"q"},{"id":7},{}]}')
    assert _client(told.url).reply("token-1", [{"type": "text", "text": "a"}]) == Sent("r-1", ("461",))


def test_an_id_cannot_lead_to_another_path(told: Answering) -> None:
    assert _client(told.url).get_profile("../info?x=/#") is None
    assert told.calls[-1][1] == "/v2/bot/profile/..%2Finfo%3Fx%3D%2F%23"


def test_an_account_in_test_mode_is_asked_for_at_the_test_host_only(told: Answering) -> None:
    told.answers["/v2/bot/message/quota/consumption"] = (200, b'{"totalUsage":7}')
    told.answers["/v2/bot/message/77/content"] = (200, b"picture")
    settings = Settings(line_api_url="http://127.0.0.1:9", line_data_url="http://127.0.0.1:9", line_test_url=told.url)
    line = LineClient(settings, "1656000009", "s" * 32, mode="test")
    assert line.get_consumption() == 7
    with line.open_content("77") as content:
        assert b"".join(content.chunks()) == b"picture"
    with pytest.raises(NoTestHost):
        LineClient(Settings(), "1656000009", "s" * 32, mode="test")


def test_pictures_come_from_their_own_host(told: Answering) -> None:
    with run_answering() as data:
        data.answers["/v2/bot/message/77/content/preview"] = (200, b"small")
        line = LineClient(Settings(line_api_url=told.url, line_data_url=data.url), "1656000010", "s" * 32)
        with line.open_content("77", preview=True) as content:
            assert b"".join(content.chunks()) == b"small"
        assert [path for _, path, _ in told.calls] == ["/oauth2/v3/token"]
