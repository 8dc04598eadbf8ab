"""A webhook's address and test by LINE's SDK, each way a test can end, and every kind of event by the SDK's parser."""

import importlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import CHANNEL, SECRET, TOKEN, Stage

webhook: Any = importlib.import_module("linebot.v3.webhook")
_ENDPOINT = "/v2/bot/channel/webhook/endpoint"


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


def put(stage: Stage, body: Any) -> tuple[int, Any]:
    answer = stage.client.put(_ENDPOINT, json=body, headers={"authorization": f"Bearer {TOKEN}"})
    return answer.status_code, answer.json()


def test_the_sdk_sets_reads_and_tests_the_address(line: Any, stage: Stage) -> None:
    line.set_webhook_endpoint(messaging.SetWebhookEndpointRequest(endpoint=stage.shop.url + "/new"))
    assert line.get_webhook_endpoint().endpoint == stage.shop.url + "/new"
    assert line.get_webhook_endpoint().active
    answer = line.test_webhook_endpoint()
    assert (answer.success, answer.status_code, answer.reason, answer.detail) == (True, 200, "OK", "200")
    assert answer.timestamp.utcoffset() is not None
    (call,) = stage.shop.calls
    assert call.events == []
    webhook.SignatureValidator(SECRET).validate(call.body.decode(), call.headers["x-line-signature"])


def test_a_webhook_that_is_switched_off_is_not_active_and_can_be_tested(line: Any, stage: Stage) -> None:
    stage.change_channel(webhook_active=False)
    assert line.get_webhook_endpoint().active is False
    assert line.test_webhook_endpoint().success


@pytest.mark.parametrize(
    "endpoint", ["http://example.jp/line", "ftp://example.jp", "nonsense", "https://" + "a" * 500, "", None, 7, {}]
)
def test_an_address_that_is_none_is_refused(stage: Stage, endpoint: Any) -> None:
    assert put(stage, {"endpoint": endpoint}) == (400, {"message": "Invalid webhook endpoint URL"})


def test_a_channel_without_an_address_has_none(stage: Stage) -> None:
    stage.change_channel(webhook_url=None)
    answer = stage.client.get(_ENDPOINT, headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.json()) == (404, {"message": "Webhook endpoint not found"})


def try_out(line: Any, endpoint: str) -> tuple[bool, int, str]:
    answer = line.test_webhook_endpoint(messaging.TestWebhookEndpointRequest(endpoint=endpoint))
    return answer.success, answer.status_code, answer.reason


def test_a_test_says_that_nobody_listens(line: Any) -> None:
    assert try_out(line, "http://127.0.0.1:9/") == (False, 0, "COULD_NOT_CONNECT")


def test_a_test_says_that_the_host_is_unknown(line: Any) -> None:
    answer = line.test_webhook_endpoint(messaging.TestWebhookEndpointRequest(endpoint="https://nowhere.invalid/line"))
    assert (answer.reason, answer.detail) == ("COULD_NOT_CONNECT", "Unknown host")


def test_a_test_says_that_tls_failed(line: Any, stage: Stage) -> None:
    endpoint = stage.shop.url.replace("http://", "https://")
    answer = line.test_webhook_endpoint(messaging.TestWebhookEndpointRequest(endpoint=endpoint))
    assert answer.reason == "COULD_NOT_CONNECT"
    assert answer.detail.startswith("TLS handshake failure")


def test_a_test_says_that_no_answer_came_in_time(line: Any, stage: Stage) -> None:
    stage.client.put("/_sandbox/settings", json={"webhook_timeout_seconds": 0.2})
    stage.shop.slow.set()
    assert try_out(line, stage.shop.url) == (False, 0, "REQUEST_TIMEOUT")


@pytest.mark.parametrize("status", [301, 401, 404, 500])
def test_a_test_says_which_status_came(line: Any, stage: Stage, status: int) -> None:
    stage.shop.statuses = [status]
    assert try_out(line, stage.shop.url) == (False, status, "ERROR_STATUS_CODE")


def test_a_test_says_that_it_does_not_know_what_came(line: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.sendall(b"no HTTP at all\r\n\r\n")
            connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        assert try_out(line, f"http://127.0.0.1:{listener.getsockname()[1]}/") == (False, 0, "UNCLASSIFIED")


def test_the_address_is_tested_sixty_times_an_hour(stage: Stage) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    statuses = [stage.client.post("/v2/bot/channel/webhook/test", headers=headers).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


ACTS: list[tuple[str, dict[str, Any], str, str | None]] = [
    (
        "message",
        {"text": "こんにちは $", "emojis": [{"index": 6, "length": 1, "productId": "p", "emojiId": "1"}]},
        "MessageEvent",
        "TextMessageContent",
    ),
    ("message", {"text": "引用", "quotedMessageId": "1"}, "MessageEvent", "TextMessageContent"),
    ("sticker", {"keywords": ["happy"]}, "MessageEvent", "StickerMessageContent"),
    ("image", {}, "MessageEvent", "ImageMessageContent"),
    ("video", {"bytes": 10}, "MessageEvent", "VideoMessageContent"),
    ("audio", {"bytes": 10}, "MessageEvent", "AudioMessageContent"),
    ("file", {"bytes": 10}, "MessageEvent", "FileMessageContent"),
    ("location", {"latitude": 35.66, "longitude": 139.7, "title": "渋谷"}, "MessageEvent", "LocationMessageContent"),
    ("unsend", {"message_id": "1"}, "UnsendEvent", None),
    ("video-watched", {"tracking_id": "spring-01"}, "VideoPlayCompleteEvent", None),
    ("postback", {"data": "a=1", "params": {"datetime": "2026-12-24T18:30"}}, "PostbackEvent", None),
    ("beacon", {"type": "enter"}, "BeaconEvent", None),
    ("block", {}, "UnfollowEvent", None),
]


@pytest.mark.parametrize(
    ("act", "body", "event", "message"), ACTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_sdk_reads_what_people_do(
    stage: Stage, act: str, body: dict[str, Any], event: str, message: str | None
) -> None:
    assert stage.act("hanako", act, **body).status_code == 202
    (read,) = parsed(stage)
    assert type(read).__name__ == event
    assert read.source.user_id == stage.hanako
    assert message is None or type(read.message).__name__ == message


def parsed(stage: Stage) -> list[Any]:
    """The events of the one call that came, as the SDK reads them, signature and all."""
    (call,) = wait_for(lambda: stage.shop.calls[:])
    events: list[Any] = webhook.WebhookParser(SECRET).parse(call.body.decode(), call.headers["x-line-signature"])
    return events


GROUP = {"type": "group", "groupId": "C" + "0" * 31 + "1", "userId": "U" + "a" * 32}
MEMBERS = {"members": [{"type": "user", "userId": "U" + "a" * 32}]}
EDITED = {"type": "text", "id": "642012345678901300", "quoteToken": "q", "text": "edited"}
ATTACHED = {"type": "attached", "botId": "U" + "b" * 32, "scopes": ["message:send"]}
JOINED = {"type": "joined", "membershipId": 4101}
ELEMENTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "messageEdited", "replyToken": "r", "message": EDITED}, "MessageEditedEvent"),
    ({"type": "accountLink", "replyToken": "r", "link": {"result": "ok", "nonce": "bm9uY2U="}}, "AccountLinkEvent"),
    ({"type": "membership", "replyToken": "r", "membership": JOINED}, "MembershipEvent"),
    ({"type": "join", "replyToken": "r"}, "JoinEvent"),
    ({"type": "leave"}, "LeaveEvent"),
    ({"type": "memberJoined", "replyToken": "r", "joined": MEMBERS}, "MemberJoinedEvent"),
    ({"type": "memberLeft", "left": MEMBERS}, "MemberLeftEvent"),
    ({"type": "module", "module": ATTACHED}, "ModuleEvent"),
    ({"type": "activated", "chatControl": {"expireAt": 1795230000123}}, "ActivatedEvent"),
    ({"type": "deactivated"}, "DeactivatedEvent"),
    ({"type": "botSuspended"}, "BotSuspendedEvent"),
    ({"type": "botResumed"}, "BotResumedEvent"),
    ({"type": "delivery", "delivery": {"data": "SIMTAG-0000000001"}}, "PnpDeliveryCompletionEvent"),
    ({"type": "sandboxNovelty"}, "UnknownEvent"),
]


@pytest.mark.parametrize(("element", "name"), ELEMENTS, ids=[name for _, name in ELEMENTS])
def test_the_sdk_reads_what_is_made_by_hand(stage: Stage, element: dict[str, Any], name: str) -> None:
    event = {"source": GROUP, **element}
    stage.client.post(f"/_sandbox/channels/{CHANNEL}/events", json={"event": event}).raise_for_status()
    (read,) = parsed(stage)
    assert type(read).__name__ == name
