"""How webhooks are signed, timed, and sent again."""

from typing import Any

import httpx
import pytest

from app.sandbox.webhook_calls import sign
from tests.app.sandbox.process import Shop, wait_for
from tests.app.sandbox.stage import CHANNEL, SECRET, Stage, text


def test_the_signature_is_the_one_that_line_would_make() -> None:
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    assert sign("8c570fa6dd201bb328f1c1eac23a96d8", body) == "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


def test_a_call_names_the_bot_and_is_signed_over_its_bytes(stage: Stage) -> None:
    stage.change_channel(bot_user_id="U" + "b" * 32)
    stage.act("taro", "follow")
    stage.shop.wait_for_events(1)
    (call,) = stage.shop.calls
    assert b'"destination":"U' + b"b" * 32 in call.body
    assert call.headers["x-line-signature"] == sign(SECRET, call.body)
    assert call.headers["user-agent"] == "LineBotWebhook/2.0"
    assert len(call.event["webhookEventId"]) == 26


def test_no_answer_in_time_is_a_timeout_and_not_sent_again_by_default(stage: Stage) -> None:
    stage.client.put("/_sandbox/settings", json={"webhook_timeout_seconds": 0.1})
    stage.shop.slow.set()
    stage.act("taro", "follow")
    (call,) = wait_for(lambda: stage.client.get("/_sandbox/webhooks").json()["items"])
    assert (call["channel"], call["status"], call["reason"]) == (CHANNEL, 0, "REQUEST_TIMEOUT")
    stage.shop.wait_for_events(1)
    stage.shop.slow.clear()
    stage.act("hanako", "message", text="次")
    stage.shop.wait_for_events(2)
    assert [call.event["type"] for call in stage.shop.calls] == ["follow", "message"]


def test_a_failed_event_is_redelivered_with_its_id_and_token_if_switched_on(stage: Stage) -> None:
    stage.change_channel(webhook_redelivery=True)
    stage.shop.statuses = [500, 503]
    stage.act("taro", "follow")
    for attempts in (1, 2):
        wait_for(lambda: len(stage.client.get("/_sandbox/webhooks").json()["items"]) == attempts)  # noqa: B023
        stage.advance(3600)
    first, second, third = stage.shop.wait_for_events(3)
    assert first["deliveryContext"] == {"isRedelivery": False}
    again = {**first, "deliveryContext": {"isRedelivery": True}}
    assert second == third == again


def test_a_webhook_address_must_be_https_or_lead_back_here(stage: Stage) -> None:
    headers = {"authorization": "Bearer token-of-the-first-channel"}

    def put(endpoint: object) -> int:
        path = "/v2/bot/channel/webhook/endpoint"
        return stage.client.put(path, json={"endpoint": endpoint}, headers=headers).status_code

    assert put("https://noren.test/line") == 200
    assert [put(bad) for bad in ("http://noren.test/line", "nonsense", "https://" + "a" * 500, None)] == [400] * 4


def test_the_webhook_test_tells_what_went_wrong(stage: Stage) -> None:
    headers = {"authorization": "Bearer token-of-the-first-channel"}

    def test(endpoint: str) -> tuple[bool, int, str]:
        path = "/v2/bot/channel/webhook/test"
        answer = stage.client.post(path, json={"endpoint": endpoint}, headers=headers).json()
        return answer["success"], answer["statusCode"], answer["reason"]

    stage.shop.statuses = [404]
    assert test(stage.shop.url) == (False, 404, "ERROR_STATUS_CODE")
    assert test("http://127.0.0.1:9/") == (False, 0, "COULD_NOT_CONNECT")
    assert test(stage.shop.url) == (True, 200, "OK")


def test_the_bytes_are_those_that_were_signed_down_to_the_order_of_members(stage: Stage) -> None:
    bot = "U00000000000000000000000000000b01"
    stage.change_channel(bot_user_id=bot)
    event = {
        "type": "follow",
        "webhookEventId": "01M7Y0QRZV5T9K2XWZ4R6N8PAB",
        "deliveryContext": {"isRedelivery": False},
        "timestamp": 1795230000123,
        "source": {"type": "user", "userId": "U00000000000000000000000000000a01"},
        "replyToken": "5f1c0e9a7b3d4f2e8c6a1d0b9e7f3a21",
        "mode": "active",
        "follow": {"isUnblocked": False},
    }
    assert post_events(stage, event).json() == {"webhook_event_ids": [event["webhookEventId"]]}
    (call,) = wait_for(lambda: stage.shop.calls[:])
    assert len(call.body) == 358
    assert call.headers["x-line-signature"] == "gP+ufVGpG/BO9DjBGNvIRMuSRAZfBY5AZKE/51xXxfw="


def post_events(stage: Stage, *elements: dict[str, Any]) -> httpx.Response:
    return stage.client.post(f"/_sandbox/channels/{CHANNEL}/events", json={"events": elements})


def settings(stage: Stage, **values: Any) -> None:
    stage.client.put("/_sandbox/settings", json=values).raise_for_status()


@pytest.mark.parametrize(
    "element",
    [
        {"type": "accountLink", "link": {"result": "failed", "nonce": "bm9uY2Utc2ltLTAwMDAwMg=="}},
        {"type": "membership", "replyToken": True, "membership": {"type": "joined", "membershipId": 4101}},
        {"type": "join", "replyToken": True, "source": {"type": "group", "groupId": "C" + "0" * 31 + "1"}},
        {"type": "memberLeft", "source": {"type": "room", "roomId": "R" + "0" * 32}, "left": {"members": []}},
        {"type": "messageEdited", "message": {"type": "text", "id": "1", "quoteToken": "q", "text": "edited"}},
        {"type": "module", "module": {"type": "attached", "botId": "U" + "b" * 32, "scopes": ["message:send"]}},
        {"type": "botSuspended"},
        {"type": "activated", "chatControl": {"expireAt": 1795230000123}},
        {"type": "delivery", "delivery": {"data": "SIMTAG-0000000001"}},
        {"type": "sandboxNovelty", "novel": None},
    ],
    ids=lambda element: element["type"],
)
def test_an_event_that_nobody_can_cause_is_made_by_hand_with_what_all_events_have(
    stage: Stage, element: dict[str, Any]
) -> None:
    post_events(stage, element)
    (event,) = stage.shop.wait_for_events(1)
    common = {"webhookEventId", "deliveryContext", "timestamp", "mode"}
    assert common <= set(event)
    assert {name: event[name] for name in element if name != "replyToken"} == {
        name: value for name, value in element.items() if name != "replyToken"
    }
    assert "replyToken" not in event, "nobody whom the provider knows could be answered"


def test_a_reply_token_made_by_hand_is_good(stage: Stage) -> None:
    source = {"type": "user", "userId": stage.hanako}
    beacon = {"hwid": "a1b2c3d4e5", "type": "stay"}
    post_events(stage, {"type": "beacon", "replyToken": True, "source": source, "beacon": beacon})
    (event,) = stage.shop.wait_for_events(1)
    answer = stage.send("reply", {"replyToken": event["replyToken"], "messages": [text("どうぞ")]})
    assert answer.status_code == 200


def test_several_peoples_events_share_a_call_if_told_to_and_each_ones_stay_in_order(stage: Stage) -> None:
    settings(stage, webhook_bundle=10)
    stage.client.put("/_sandbox/webhooks", json={"held": True})
    for number in range(3):
        for person in ("hanako", "taro"):
            stage.act(person, "message", text=str(number))
    assert stage.client.get("/_sandbox/webhooks").json()["waiting"] == 6
    assert stage.shop.calls == []
    stage.client.put("/_sandbox/webhooks", json={"held": False})
    events = stage.shop.wait_for_all(6)
    assert max(len(call.events) for call in stage.shop.calls) == 2
    for user_id in (stage.hanako, stage.taro):
        own = [event["message"]["text"] for event in events if event["source"]["userId"] == user_id]
        assert own == ["0", "1", "2"]


def test_the_header_may_be_written_otherwise(stage: Stage) -> None:
    settings(stage, webhook_header_case="title")
    stage.act("taro", "follow")
    (call,) = wait_for(lambda: stage.shop.calls[:])
    assert "X-Line-Signature" in call.written
    settings(stage, webhook_header_case="lower")
    stage.act("taro", "message", text="小文字で")
    wait_for(lambda: len(stage.shop.calls) == 2)
    assert "x-line-signature" in stage.shop.calls[1].written


def test_a_channel_on_standby_hears_all_and_may_answer_nothing(stage: Stage) -> None:
    stage.change_channel(standby=True)
    stage.act("taro", "follow")
    (event,) = stage.shop.wait_for_events(1)
    assert event["mode"] == "standby"
    assert "replyToken" not in event


def test_a_new_address_takes_its_minute_if_told_to(stage: Stage, shop: Shop) -> None:
    settings(stage, webhook_apply_seconds=60)
    other = Shop()
    headers = {"authorization": "Bearer token-of-the-first-channel"}
    path = "/v2/bot/channel/webhook/endpoint"
    assert stage.client.put(path, json={"endpoint": other.url}, headers=headers).status_code == 200
    assert stage.client.get(path, headers=headers).json()["endpoint"] == other.url
    stage.act("hanako", "message", text="まだ前の店")
    shop.wait_for_events(1)
    stage.advance(60)
    stage.act("hanako", "message", text="もう次の店")
    assert other.wait_for_events(1)[0]["message"]["text"] == "もう次の店"
    assert len(shop.calls) == 1
    other.close()


def test_a_webhook_that_fails_for_long_is_called_no_more_until_its_address_is_set_again(stage: Stage) -> None:
    settings(stage, webhook_suspend_seconds=3600)
    stage.shop.statuses = [500, 500]
    stage.act("hanako", "message", text="一")
    wait_for(lambda: stage.client.get("/_sandbox/webhooks").json()["failed"] == 1)
    stage.advance(3600)
    stage.act("hanako", "message", text="二")
    wait_for(lambda: stage.client.get("/_sandbox/webhooks").json()["suspended"] == [CHANNEL])
    assert stage.act("hanako", "message", text="三").json()["webhook_event_id"] is None
    headers = {"authorization": "Bearer token-of-the-first-channel"}
    stage.client.put("/v2/bot/channel/webhook/endpoint", json={"endpoint": stage.shop.url}, headers=headers)
    stage.act("hanako", "message", text="四")
    assert [event["message"]["text"] for event in stage.shop.wait_for_events(3)] == ["一", "二", "四"]


def test_a_new_secret_kills_the_old_one_at_once(stage: Stage) -> None:
    form = {"grant_type": "client_credentials", "client_id": CHANNEL, "client_secret": SECRET}
    token = stage.client.post("/oauth2/v3/token", data=form).json()["access_token"]
    secret = stage.client.post(f"/_sandbox/channels/{CHANNEL}/reissue-secret").json()["channel_secret"]
    assert stage.send("push", {"to": stage.hanako, "messages": [text()]}, token=token).status_code == 401
    assert stage.client.post("/oauth2/v3/token", data=form).status_code == 400
    stage.act("taro", "follow")
    (call,) = wait_for(lambda: stage.shop.calls[:])
    assert call.headers["x-line-signature"] == sign(secret, call.body) != sign(SECRET, call.body)


def test_a_probe_has_no_events(stage: Stage) -> None:
    answer = stage.client.post(f"/_sandbox/channels/{CHANNEL}/probe").json()
    assert answer == {"success": True, "status": 200, "reason": "OK", "detail": "200"}
    assert [call.events for call in stage.shop.calls] == [[]]


def test_the_manager_answers_too_where_nobody_switched_it_off(stage: Stage) -> None:
    stage.change_channel(greeting="ようこそ", auto_response="自動応答です", quota=0)
    stage.act("taro", "follow")
    stage.act("taro", "message", text="席は空いていますか")
    assert [item["messages"][0]["text"] for item in stage.inbox("taro")] == ["ようこそ", "自動応答です"]
    assert stage.client.get(f"/_sandbox/channels/{CHANNEL}").json()["used"] == 0


def test_a_burst_fires_as_many_events_as_it_says_from_so_many_friends(stage: Stage) -> None:
    people = [{"id": f"b{number}", "follows": [CHANNEL]} for number in range(4)]
    stage.client.post("/_sandbox/world", json={"people": people})
    path = f"/_sandbox/channels/{CHANNEL}/burst"
    assert stage.client.post(path, json={"events": 60, "people": 5, "per_second": 2000}).status_code == 202
    events = stage.shop.wait_for_all(60)
    assert len({event["webhookEventId"] for event in events}) == 60
    assert len({event["source"]["userId"] for event in events}) == 5
    assert {event["type"] for event in events} == {"message", "postback"}
    assert stage.client.post(path, json={"events": 1, "people": 6}).status_code == 409
