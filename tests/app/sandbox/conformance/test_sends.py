"""Sends, quota, units and chats: the SDK takes the sandbox for LINE, and each documented error is earned."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.sandbox.conformance.sdk import messaging, opened
from tests.app.sandbox.stage import CHANNEL, RETRY_KEY, TOKEN, UNKNOWN_USER, Stage, text

NOON = "2030-06-15T12:00:00+09:00"
DAY_SECONDS = 24 * 3600
QUOTED = [
    {"type": "text", "text": "一"},
    {"type": "location", "title": "店", "address": "渋谷", "latitude": 35.6, "longitude": 139.7},
    {"type": "sticker", "packageId": "446", "stickerId": "1988"},
    {"type": "audio", "originalContentUrl": "https://shop.test/a.m4a", "duration": 1000},
]


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(messaging, "MessagingApi", stage.client, TOKEN) as api:
        yield api


def words(*texts: str) -> list[Any]:
    return [messaging.TextMessage(text=each) for each in texts]


def post(stage: Stage, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    answer = stage.send(path, body, **headers)
    return answer.status_code, answer.json()


def test_every_way_to_send_reaches_a_friend(line: Any, stage: Stage) -> None:
    stage.act("hanako", "message", text="もしもし")
    (event,) = stage.shop.wait_for_events(1)
    replied = line.reply_message(messaging.ReplyMessageRequest(reply_token=event["replyToken"], messages=words("返信")))
    pushed = line.push_message(messaging.PushMessageRequest(to=stage.hanako, messages=words("一", "二")))
    line.multicast(messaging.MulticastRequest(to=[stage.hanako], messages=words("三")))
    line.broadcast(messaging.BroadcastRequest(messages=words("四")))
    ids = [int(sent.id) for sent in (*replied.sent_messages, *pushed.sent_messages)]
    assert ids == sorted(ids)
    assert all(len(str(each)) == 18 for each in ids)
    assert [[each["text"] for each in item["messages"]] for item in stage.inbox()] == [
        ["返信"],
        ["一", "二"],
        ["三"],
        ["四"],
    ]


def test_a_group_is_reached_whole_and_each_of_its_members_counts_once(line: Any, stage: Stage) -> None:
    body = {"name": "町内会", "people": ["hanako", "taro"], "channel": CHANNEL}
    group = stage.client.post("/_sandbox/groups", json=body).json()["id"]
    line.push_message(messaging.PushMessageRequest(to=group, messages=words("一", "二", "三", "四")))
    assert len(stage.inbox("hanako")) == len(stage.inbox("taro")) == 1
    stage.advance(60)
    assert line.get_message_quota_consumption().total_usage == 2
    assert post(stage, "multicast", {"to": [group], "messages": [text()]})[0] == 400
    stage.client.post(f"/_sandbox/groups/{group}/remove", json={}).raise_for_status()
    assert post(stage, "push", {"to": group, "messages": [text()]}) == (400, {"message": "Failed to send messages"})


def test_sent_messages_come_in_order_with_tokens_for_what_can_be_quoted(stage: Stage) -> None:
    sent = stage.send("push", {"to": stage.hanako, "messages": QUOTED}).json()["sentMessages"]
    assert ["quoteToken" in each for each in sent] == [True, False, True, False]
    assert [each["id"] for each in sent] == sorted(each["id"] for each in sent)


def test_a_retry_raises_409_with_what_was_accepted(line: Any, stage: Stage) -> None:
    push = messaging.PushMessageRequest(to=stage.hanako, messages=words("一度だけ"))
    first = line.push_message_with_http_info(push, x_line_retry_key=RETRY_KEY)
    with pytest.raises(messaging.ApiException) as refused:
        line.push_message(push, x_line_retry_key=RETRY_KEY)
    assert refused.value.status == 409
    assert refused.value.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert refused.value.headers["x-line-request-id"] != first.headers["x-line-request-id"]
    assert first.data.sent_messages[0].id in refused.value.body
    for send, request in (
        (line.multicast, messaging.MulticastRequest(to=[stage.hanako], messages=words("二"))),
        (line.broadcast, messaging.BroadcastRequest(messages=words("三"))),
    ):
        send(request, x_line_retry_key=RETRY_KEY)
        with pytest.raises(messaging.ApiException) as refused:
            send(request, x_line_retry_key=RETRY_KEY)
        assert (refused.value.status, refused.value.body) == (409, '{"message":"The retry key is already accepted"}')


def test_quota_and_consumption(line: Any, stage: Stage) -> None:
    stage.change_channel(quota=1000)
    assert (line.get_message_quota().type, line.get_message_quota().value) == ("limited", 1000)
    stage.push()
    assert line.get_message_quota_consumption().total_usage == 0
    stage.advance(60)
    assert line.get_message_quota_consumption().total_usage == 1
    stage.change_channel(quota=None)
    assert line.get_message_quota().type == "none"


def test_sent_counts_of_a_day(line: Any, stage: Stage) -> None:
    stage.client.put("/_sandbox/clock", json={"now": NOON})
    stage.push()
    line.multicast(messaging.MulticastRequest(to=[stage.hanako], messages=words("三")))
    line.broadcast(messaging.BroadcastRequest(messages=words("四")))
    assert line.get_number_of_sent_push_messages("20300615").status == "unready"
    stage.advance(DAY_SECONDS)
    for count in (
        line.get_number_of_sent_push_messages,
        line.get_number_of_sent_multicast_messages,
        line.get_number_of_sent_broadcast_messages,
    ):
        assert (count("20300615").status, count("20300615").success) == ("ready", 1)
    assert line.get_number_of_sent_reply_messages("20300615").success == 0
    with pytest.raises(messaging.ApiException) as refused:
        line.get_number_of_sent_push_messages("yesterday")
    assert refused.value.status == 400


def test_aggregation_units_of_the_month(line: Any, stage: Stage) -> None:
    for name in ("a", "b", "a", "A"):
        line.push_message(
            messaging.PushMessageRequest(to=stage.hanako, messages=words("一"), custom_aggregation_units=[name])
        )
    assert line.get_aggregation_unit_usage().num_of_custom_aggregation_units == 3
    first = line.get_aggregation_unit_name_list(limit="2")
    assert first.custom_aggregation_units == ["a", "b"]
    rest = line.get_aggregation_unit_name_list(limit="2", start=first.next)
    assert (rest.custom_aggregation_units, rest.next) == (["A"], None)
    stage.advance(DAY_SECONDS + 1)
    with pytest.raises(messaging.ApiException) as refused:
        line.get_aggregation_unit_name_list(start=first.next)
    assert (refused.value.status, refused.value.body) == (400, '{"message":"Invalid start param"}')


def test_units_begin_anew_with_the_month(line: Any, stage: Stage) -> None:
    stage.send("push", {"to": stage.hanako, "messages": [text()], "customAggregationUnits": ["a"]})
    stage.advance(32 * DAY_SECONDS)
    assert line.get_aggregation_unit_usage().num_of_custom_aggregation_units == 0


def test_the_animation_and_marks_of_reading(line: Any, stage: Stage) -> None:
    line.show_loading_animation(messaging.ShowLoadingAnimationRequest(chat_id=stage.hanako, loading_seconds=10))
    stage.act("hanako", "message", text="読んでね")
    (event,) = stage.shop.wait_for_events(1)
    line.mark_messages_as_read_by_token(
        messaging.MarkMessagesAsReadByTokenRequest(mark_as_read_token=event["message"]["markAsReadToken"])
    )
    shown = stage.client.get("/_sandbox/people/hanako/chat", params={"channel": CHANNEL}).json()
    assert shown["read_up_to"] == event["message"]["id"]
    assert shown["loading_until"]


def test_a_narrowcast_is_an_honest_501(line: Any) -> None:
    with pytest.raises(messaging.ApiException) as refused:
        line.narrowcast(messaging.NarrowcastRequest(messages=words("一")))
    assert refused.value.status == 501
    assert "The narrowcast API is not simulated" in refused.value.body


def right(stage: Stage, path: str) -> dict[str, Any]:
    """To whom a send goes that is as it should be."""
    recipients: dict[str, Any] = {"push": {"to": stage.hanako}, "multicast": {"to": [stage.hanako]}}
    found: dict[str, Any] = recipients.get(path, {})
    return found


INVALID = "The property, {}, in the request body is invalid (line: -, column: -)"
DETAILS = "The request body has {} error(s)"


@pytest.mark.parametrize(
    ("path", "changes", "message"),
    [
        ("push", {"to": UNKNOWN_USER}, "Failed to send messages"),
        ("push", {"to": "C" + "0" * 32}, "Failed to send messages"),
        ("push", {"to": "R" + "0" * 32}, "Failed to send messages"),
        ("push", {"to": "hanako"}, INVALID.format("'to'")),
        ("push", {"to": 7}, INVALID.format("'to'")),
        ("push", {"notificationDisabled": "yes"}, INVALID.format("'notificationDisabled'")),
        ("push", {"customAggregationUnits": "a"}, INVALID.format("'customAggregationUnits'")),
        ("push", {"customAggregationUnits": [1]}, INVALID.format("'customAggregationUnits[0]'")),
        ("multicast", {"to": [UNKNOWN_USER]}, INVALID.format("to[0]")),
        ("multicast", {"to": ["C" + "0" * 32]}, INVALID.format("to[0]")),
        ("multicast", {"to": "everyone"}, INVALID.format("'to'")),
        ("reply", {"replyToken": "0" * 32}, "Invalid reply token"),
        ("reply", {"replyToken": 7}, INVALID.format("'replyToken'")),
    ],
)
def test_what_is_wrong_is_said_in_lines_words(stage: Stage, path: str, changes: dict[str, Any], message: str) -> None:
    assert post(stage, path, {"messages": [text()], **right(stage, path), **changes}) == (400, {"message": message})
    assert stage.inbox() == []


@pytest.mark.parametrize(
    ("path", "changes", "property_", "message"),
    [
        ("push", {"to": None}, "to", "May not be empty"),
        ("multicast", {"to": None}, "to", "May not be empty"),
        ("multicast", {"to": []}, "to", "Size must be between 1 and 500"),
        ("multicast", {"to": [UNKNOWN_USER] * 501}, "to", "Size must be between 1 and 500"),
        ("reply", {"replyToken": ""}, "replyToken", "May not be empty"),
        ("push", {"messages": []}, "messages", "Size must be between 1 and 5"),
        ("broadcast", {"messages": [text()] * 6}, "messages", "Size must be between 1 and 5"),
        ("push", {"customAggregationUnits": ["a", "b"]}, "customAggregationUnits", "Size must be between 0 and 1"),
        (
            "push",
            {"customAggregationUnits": ["a" * 31]},
            "customAggregationUnits[0]",
            "Length must be between 1 and 30",
        ),
        ("multicast", {"customAggregationUnits": ["a-b"]}, "customAggregationUnits[0]", 'must match "[A-Za-z0-9_]+"'),
    ],
)
def test_a_broken_rule_is_named_with_its_place(
    stage: Stage, path: str, changes: dict[str, Any], property_: str, message: str
) -> None:
    assert post(stage, path, {"messages": [text()], **right(stage, path), **changes}) == (
        400,
        {"message": DETAILS.format(1), "details": [{"message": message, "property": property_}]},
    )


def test_every_error_of_a_body_is_counted(stage: Stage) -> None:
    status, body = post(stage, "push", {"messages": [text("")], "customAggregationUnits": ["a b"]})
    assert (status, body["message"]) == (400, DETAILS.format(3))
    assert [each["property"] for each in body["details"]] == ["to", "customAggregationUnits[0]", "messages[0].text"]


def test_broadcasts_and_replies_know_no_units(line: Any, stage: Stage) -> None:
    assert post(stage, "broadcast", {"messages": [text()], "customAggregationUnits": ["a", "b"]}) == (200, {})
    assert line.get_aggregation_unit_usage().num_of_custom_aggregation_units == 0


def test_who_wants_no_sound_is_kept_with_the_delivery(stage: Stage) -> None:
    stage.send("push", {"to": stage.hanako, "messages": [text()], "notificationDisabled": True})
    (item,) = stage.client.get("/_sandbox/deliveries").json()["items"]
    assert item["silent"] is True


def test_a_header_that_an_endpoint_does_not_know_is_400(stage: Stage) -> None:
    headers = {
        "authorization": f"Bearer {TOKEN}",
        "content-type": "application/json",
        "x-line-retry-key": RETRY_KEY,
    }
    for method, path in (
        ("POST", "/v2/bot/message/reply"),
        ("POST", "/v2/bot/chat/loading/start"),
        ("GET", "/v2/bot/message/quota"),
    ):
        assert stage.client.request(method, path, headers=headers).status_code == 400


def test_both_kinds_of_429_have_their_own_words(stage: Stage) -> None:
    stage.change_channel(quota=0)
    assert post(stage, "broadcast", {"messages": [text()]}) == (
        429,
        {"message": "You have reached your monthly limit."},
    )
    statuses = [post(stage, "broadcast", {"messages": [text()]}) for _ in range(60)]
    assert statuses[-1] == (429, {"message": "The API rate limit has been exceeded. Try again later."})


def test_an_unknown_path_and_a_wrong_method(stage: Stage) -> None:
    answer = stage.client.post("/v2/bot/message/telegraph", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})
