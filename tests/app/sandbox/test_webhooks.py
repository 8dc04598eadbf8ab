"""How webhooks are signed, timed, and sent again."""

from app.sandbox.webhooks import sign
from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import CHANNEL, SECRET, Stage


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
