"""LINE's own SDK, unmodified but for the address, takes the sandbox for LINE."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.sandbox.stage import CHANNEL, PROVIDER, RETRY_KEY, SECRET, TOKEN, Stage

# The SDK's types are half there; it is taken as it comes.
messaging: Any = importlib.import_module("linebot.v3.messaging")
oauth: Any = importlib.import_module("linebot.v3.oauth")
webhook: Any = importlib.import_module("linebot.v3.webhook")


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with messaging.ApiClient(messaging.Configuration(access_token=TOKEN)) as client:
        api = messaging.MessagingApi(client)
        api.line_base_path = str(stage.client.base_url).rstrip("/")
        yield api
        client.rest_client.pool_manager.clear()


def test_a_push_comes_back_with_ids_and_lies_in_the_inbox(line: Any, stage: Stage) -> None:
    sent = line.push_message(
        messaging.PushMessageRequest(to=stage.hanako, messages=[messaging.TextMessage(text="雨の日の一杯")])
    )
    assert sent.sent_messages[0].id.isdigit()
    assert sent.sent_messages[0].quote_token
    assert [item["messages"][0]["text"] for item in stage.inbox()] == ["雨の日の一杯"]


def test_a_multicast_reaches_friends_only(line: Any, stage: Stage) -> None:
    line.multicast(
        messaging.MulticastRequest(to=[stage.hanako, stage.taro], messages=[messaging.TextMessage(text="お知らせ")])
    )
    assert len(stage.inbox("hanako")) == 1
    assert stage.inbox("taro") == []


def test_a_retry_of_an_accepted_push_raises_409_with_the_first_request_id(line: Any, stage: Stage) -> None:
    request = messaging.PushMessageRequest(to=stage.hanako, messages=[messaging.TextMessage(text="一度だけ")])
    first = line.push_message_with_http_info(request, x_line_retry_key=RETRY_KEY)
    with pytest.raises(messaging.ApiException) as refused:
        line.push_message(request, x_line_retry_key=RETRY_KEY)
    assert refused.value.status == 409
    assert refused.value.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert len(stage.inbox()) == 1


def test_a_reply_answers_the_webhook_that_carried_its_token(line: Any, stage: Stage) -> None:
    stage.act("hanako", "message", text="予約したい")
    (event,) = stage.shop.wait_for_events(1)
    line.reply_message(
        messaging.ReplyMessageRequest(
            reply_token=event["replyToken"], messages=[messaging.TextMessage(text="承りました")]
        )
    )
    assert stage.inbox()[0]["messages"] == [{"type": "text", "text": "承りました"}]


def test_a_friends_profile_has_her_name(line: Any, stage: Stage) -> None:
    assert line.get_profile(stage.hanako).display_name == "花子"


def test_bot_info_quota_and_consumption_read_as_documented(line: Any, stage: Stage) -> None:
    stage.change_channel(quota=1000)
    line.push_message(
        messaging.PushMessageRequest(to=stage.hanako, messages=[messaging.TextMessage(text="こんにちは")])
    )
    assert line.get_bot_info().chat_mode == "bot"
    assert (line.get_message_quota().type, line.get_message_quota().value) == ("limited", 1000)
    assert line.get_message_quota_consumption().total_usage == 0
    stage.advance(60)
    assert line.get_message_quota_consumption().total_usage == 1


def test_follower_ids_come_page_by_page(line: Any, stage: Stage) -> None:
    stage.act("taro", "follow")
    first = line.get_followers(limit=1)
    second = line.get_followers(limit=1, start=first.next)
    assert [*first.user_ids, *second.user_ids] == [stage.hanako, stage.taro]
    assert second.next is None


def test_the_webhook_address_is_set_read_and_tested(line: Any, stage: Stage) -> None:
    line.set_webhook_endpoint(messaging.SetWebhookEndpointRequest(endpoint=stage.shop.url + "/new"))
    assert line.get_webhook_endpoint().endpoint == stage.shop.url + "/new"
    assert line.test_webhook_endpoint().success
    webhook.SignatureValidator(SECRET).validate(
        stage.shop.calls[0].body.decode(), stage.shop.calls[0].headers["x-line-signature"]
    )


def test_a_stateless_token_opens_the_api(stage: Stage) -> None:
    base = str(stage.client.base_url).rstrip("/")
    with oauth.ApiClient(oauth.Configuration()) as client:
        tokens = oauth.ChannelAccessToken(client)
        tokens.line_base_path = base
        token = tokens.issue_stateless_channel_token(
            grant_type="client_credentials", client_id=CHANNEL, client_secret=SECRET
        )
        client.rest_client.pool_manager.clear()
    assert token.expires_in == 900
    answer = stage.send(
        "push", {"to": stage.hanako, "messages": [{"type": "text", "text": "ok"}]}, token=token.access_token
    )
    assert answer.status_code == 200


def test_the_sdks_parser_knows_our_webhooks_by_their_signature(stage: Stage) -> None:
    stage.act("taro", "follow")
    stage.shop.wait_for_events(1)
    stage.act("taro", "message", text="席は空いていますか")
    stage.act("taro", "postback", data="coupon=1")
    stage.act("taro", "block")
    stage.shop.wait_for_events(4)
    parser = webhook.WebhookParser(SECRET)
    events = [
        event
        for call in stage.shop.calls
        for event in parser.parse(call.body.decode(), call.headers["x-line-signature"])
    ]
    assert [type(event).__name__ for event in events] == [
        "FollowEvent",
        "MessageEvent",
        "PostbackEvent",
        "UnfollowEvent",
    ]
    assert {event.source.user_id for event in events} == {stage.taro}
    assert events[1].message.text == "席は空いていますか"


def test_one_person_has_one_id_in_a_provider_and_another_elsewhere(stage: Stage) -> None:
    stage.client.post("/_sandbox/world", json={"providers": [{"id": "2000000009"}]})
    user_ids = stage.client.get("/_sandbox/people/hanako").json()["line_user_ids"]
    assert user_ids[PROVIDER] == stage.hanako
    assert user_ids["2000000009"] != stage.hanako
