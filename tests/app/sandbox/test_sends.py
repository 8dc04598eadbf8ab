"""What LINE answers to a send, right or wrong, and whom it reaches."""

from typing import Any

import pytest

from app.sandbox.reply_tokens import ReplyTokens
from tests.app.sandbox.stage import (
    CHANNEL,
    OTHER_CHANNEL,
    OTHER_TOKEN,
    RETRY_KEY,
    UNKNOWN_USER,
    Stage,
    text,
)


def test_a_missing_or_unknown_token_is_401(stage: Stage) -> None:
    assert stage.client.post("/v2/bot/message/push", json={}).status_code == 401
    answer = stage.push(authorization="Bearer nobody")
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("Authentication failed. Confirm that the access token")


def test_every_answer_has_a_request_id_of_its_own(stage: Stage) -> None:
    answers = [stage.push(), stage.push(), stage.push(authorization="Bearer nobody"), stage.client.get("/v2/bot/info")]
    assert len({answer.headers["x-line-request-id"] for answer in answers}) == 4


def test_a_blocked_or_unacquainted_person_is_skipped_in_silence_and_costs_nothing(stage: Stage) -> None:
    stage.act("hanako", "block")
    for user_id in (stage.hanako, stage.taro):
        answer = stage.send("push", {"to": user_id, "messages": [text()]})
        assert answer.status_code == 200
        assert len(answer.json()["sentMessages"]) == 1
    assert stage.stats() == {"calls": 2, "accepted": 2, "recipients": 0, "distinct": 0, "duplicates": 0}
    assert stage.client.get(f"/_sandbox/channels/{CHANNEL}").json()["used"] == 0


def test_someone_who_wrote_without_following_can_be_pushed_to_for_a_week(stage: Stage) -> None:
    stage.act("taro", "message", text="こんにちは")
    body = {"to": stage.taro, "messages": [text()]}
    stage.send("push", body)
    assert len(stage.inbox("taro")) == 1
    stage.advance(7 * 24 * 3600)
    stage.send("push", body)
    assert len(stage.inbox("taro")) == 1


def test_a_push_to_an_unknown_id_is_refused(stage: Stage) -> None:
    answer = stage.send("push", {"to": UNKNOWN_USER, "messages": [text()]})
    assert (answer.status_code, answer.json()) == (400, {"message": "Failed to send messages"})


def test_a_malformed_id_fails_the_whole_multicast_and_says_where(stage: Stage) -> None:
    answer = stage.send("multicast", {"to": [stage.hanako, "U123"], "messages": [text()]})
    assert answer.status_code == 400
    message = "The property, to[1], in the request body is invalid (line: -, column: -)"
    assert answer.json() == {"message": message}
    assert stage.inbox() == []


def test_a_foreign_id_in_a_multicast_is_refused_or_skipped_as_set(stage: Stage) -> None:
    body = {"to": [stage.hanako, UNKNOWN_USER], "messages": [text()]}
    assert stage.send("multicast", body).status_code == 400
    stage.client.put("/_sandbox/settings", json={"foreign_multicast_ids": "skip"})
    assert stage.send("multicast", body).status_code == 200
    assert len(stage.inbox()) == 1


def test_a_multicast_takes_500_people_and_no_more(stage: Stage) -> None:
    people = [{"id": f"p{n}", "follows": [CHANNEL]} for n in range(501)]
    stage.client.post("/_sandbox/world", json={"people": people})
    found = stage.client.get("/_sandbox/people", params={"limit": 1000}).json()["items"]
    to = [person["line_user_ids"]["2000000001"] for person in found if person["id"].startswith("p")]
    assert stage.send("multicast", {"to": to[:500], "messages": [text()]}).json() == {}
    assert stage.stats()["recipients"] == 500
    answer = stage.send("multicast", {"to": to, "messages": [text()]})
    assert answer.json()["details"] == [{"message": "Size must be between 1 and 500", "property": "to"}]


@pytest.mark.parametrize(
    ("messages", "property_", "message"),
    [
        (None, "messages", "May not be empty"),
        ([], "messages", "Size must be between 1 and 5"),
        ([text()] * 6, "messages", "Size must be between 1 and 5"),
        ([{"type": "text"}], "messages[0].text", "May not be empty"),
        ([text("")], "messages[0].text", "May not be empty"),
        ([text("あ" * 5001)], "messages[0].text", "Length must be between 0 and 5000"),
        ([text("😀" * 2501)], "messages[0].text", "Length must be between 0 and 5000"),
        (
            [{"type": "image", "previewImageUrl": "https://a.test/1"}],
            "messages[0].originalContentUrl",
            "May not be empty",
        ),
        ([{"type": "flex", "altText": "x"}], "messages[0].contents", "must be specified"),
    ],
)
def test_messages_that_break_a_rule_are_named(stage: Stage, messages: Any, property_: str, message: str) -> None:
    answer = stage.send("push", {"to": stage.hanako, "messages": messages})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": message, "property": property_}],
    }


def test_all_errors_are_counted(stage: Stage) -> None:
    answer = stage.send("push", {"to": stage.hanako, "messages": [text(""), {"type": "telepathy"}]})
    assert answer.json()["message"] == "The request body has 2 error(s)"
    assert answer.json()["details"][1]["message"].startswith("Must be one of the following values: [text,")


def test_5000_utf16_units_are_allowed(stage: Stage) -> None:
    assert stage.push("😀" * 2500).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"to": nobody}', "The request body could not be parsed as JSON (line: 1, column: 8)"),
        (b"", "The request body could not be parsed as JSON (line: 1, column: 1)"),
        (b"[]", "The request body could not be parsed as JSON (line: 1, column: 1)"),
        (
            b'{"messages": ' + b"[" * 900 + b"]" * 900 + b"}",
            "The request body could not be parsed as JSON (line: 1, column: 1)",
        ),
    ],
)
def test_a_body_that_is_no_json_object_is_400(stage: Stage, body: bytes, message: str) -> None:
    headers = {"authorization": "Bearer token-of-the-first-channel", "content-type": "application/json"}
    answer = stage.client.post("/v2/bot/message/push", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_another_content_type_is_415_and_a_large_body_413(stage: Stage) -> None:
    assert stage.push(content_type="text/plain").status_code == 415
    assert stage.push("a" * 2_000_001).status_code == 413


def test_a_retry_key_is_remembered_for_a_day_per_channel_and_endpoint(stage: Stage) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    first = stage.push(x_line_retry_key=RETRY_KEY)
    again = stage.push(x_line_retry_key=RETRY_KEY)
    assert again.status_code == 409
    assert again.json() == {"message": "The retry key is already accepted", **first.json()}
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    multicast = {"to": [stage.hanako], "messages": [text()]}
    assert stage.send("multicast", multicast, x_line_retry_key=RETRY_KEY).status_code == 200
    refused = stage.send("multicast", multicast, x_line_retry_key=RETRY_KEY.upper())
    assert (refused.status_code, refused.json()) == (409, {"message": "The retry key is already accepted"})
    other = stage.send(
        "push", {"to": stage.hanako, "messages": [text()]}, token=OTHER_TOKEN, x_line_retry_key=RETRY_KEY
    )
    assert other.status_code == 200
    stage.advance(24 * 3600)
    assert stage.push(x_line_retry_key=RETRY_KEY).status_code == 200


def test_a_refused_send_does_not_use_up_its_retry_key(stage: Stage) -> None:
    assert stage.push("", x_line_retry_key=RETRY_KEY).status_code == 400
    assert stage.push("今度は", x_line_retry_key=RETRY_KEY).status_code == 200


def test_a_retry_key_elsewhere_or_malformed_is_400(stage: Stage) -> None:
    headers = {"authorization": "Bearer token-of-the-first-channel", "x-line-retry-key": RETRY_KEY}
    assert stage.client.get("/v2/bot/info", headers=headers).status_code == 400
    assert stage.send("reply", {"replyToken": "x", "messages": [text()]}, x_line_retry_key=RETRY_KEY).status_code == 400
    assert stage.push(x_line_retry_key="1").status_code == 400


def test_the_month_ends_at_the_quota_and_nothing_is_sent_in_part(stage: Stage) -> None:
    stage.act("taro", "follow")
    stage.change_channel(quota=2)
    both = {"to": [stage.hanako, stage.taro], "messages": [text()]}
    stage.push()
    answer = stage.send("multicast", both)
    assert (answer.status_code, answer.json()) == (429, {"message": "You have reached your monthly limit."})
    assert stage.push().status_code == 200
    assert stage.push().status_code == 429
    assert len(stage.inbox()) == 2
    stage.advance(32 * 24 * 3600)
    assert stage.send("multicast", both).status_code == 200


def test_a_broadcast_reaches_every_friend(stage: Stage) -> None:
    stage.act("taro", "follow")
    assert stage.send("broadcast", {"messages": [text("皆様へ")]}).status_code == 200
    assert len(stage.inbox("hanako")) == len(stage.inbox("taro")) == 1


def test_a_channel_that_sends_too_fast_is_told_so(stage: Stage) -> None:
    statuses = [stage.send("broadcast", {"messages": [text()]}).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    stage.client.put("/_sandbox/settings", json={"rate_limits": False})
    assert stage.send("broadcast", {"messages": [text()]}).status_code == 200


def test_a_reply_token_is_good_once_for_a_minute_and_in_its_channel(stage: Stage) -> None:
    for _ in range(2):
        stage.act("hanako", "message", text="もしもし")
    used, late = (event["replyToken"] for event in stage.shop.wait_for_events(2))
    invalid = (400, {"message": "Invalid reply token"})

    def reply(reply_token: str, **options: Any) -> tuple[int, Any]:
        answer = stage.send("reply", {"replyToken": reply_token, "messages": [text()]}, **options)
        return answer.status_code, answer.json()

    assert reply(used, token=OTHER_TOKEN) == invalid
    assert reply(used)[0] == 200
    assert reply(used) == invalid
    stage.advance(61)
    assert reply(late) == invalid


def test_a_thousand_names_a_month_are_counted_and_the_next_is_not(stage: Stage) -> None:
    stage.client.put("/_sandbox/settings", json={"rate_limits": False})

    def push(unit: str) -> None:
        body = {"to": stage.hanako, "messages": [text()], "customAggregationUnits": [unit]}
        assert stage.send("push", body).status_code == 200

    for number in range(1_000):
        push(f"unit_{number}")
    push("one_too_many")
    push("unit_7")
    items = stage.client.get("/_sandbox/deliveries", params={"cursor": "999", "limit": 10}).json()["items"]
    assert [item["unit"] for item in items] == ["unit_999", None, "unit_7"]
    stage.advance(32 * 24 * 3600)
    push("one_too_many")
    items = stage.client.get("/_sandbox/deliveries", params={"cursor": "1002"}).json()["items"]
    assert [item["unit"] for item in items] == ["one_too_many"]


def test_an_id_of_another_provider_is_skipped_if_so_switched(stage: Stage) -> None:
    stage.client.put("/_sandbox/settings", json={"foreign_multicast_ids": "skip"}).raise_for_status()
    answer = stage.send("multicast", {"to": [UNKNOWN_USER, stage.hanako], "messages": [text()]})
    assert answer.status_code == 200
    assert len(stage.inbox()) == 1


def test_a_reply_token_lives_again_with_a_redelivery_unless_it_was_used_or_is_old() -> None:
    tokens = ReplyTokens()
    fresh, used, old = (tokens.issue(1, 7, 0.0) for _ in range(3))
    found = tokens.find(used, 1, 30.0, 60.0)
    assert found is not None
    found.used = True
    assert tokens.find(fresh, 1, 60.0, 60.0) is None
    for token in (fresh, used):
        tokens.mark_delivered(token, 20 * 60.0)
    tokens.mark_delivered(old, 20 * 60.0 + 1)
    for _ in range(3):
        tokens.issue(1, 8, 20 * 60.0 + 59)
    assert tokens.find(fresh, 1, 20 * 60.0 + 59, 60.0) is not None
    assert tokens.find(fresh, 2, 20 * 60.0 + 59, 60.0) is None
    assert tokens.find(used, 1, 20 * 60.0 + 59, 60.0) is None
    assert tokens.find(old, 1, 20 * 60.0 + 2, 60.0) is None
