"""What an account may still send this month, who else uses it up, and how late LINE says so."""

import pytest

from app.sandbox.quota.state import month_after
from tests.app.sandbox.stage import CHANNEL, TOKEN, Stage, text

AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
MONTH_SECONDS = 32 * 24 * 3600


def consumption(stage: Stage) -> int:
    answer = stage.client.get("/v2/bot/message/quota/consumption", headers=AUTHORIZED)
    used: int = answer.json()["totalUsage"]
    return used


def quota(stage: Stage) -> dict[str, object]:
    told: dict[str, object] = stage.client.get("/v2/bot/message/quota", headers=AUTHORIZED).json()
    return told


def control(stage: Stage, verb: str, **body: object) -> tuple[int, dict[str, object]]:
    answer = stage.client.post(f"/_sandbox/channels/{CHANNEL}/{verb}", json=body)
    return answer.status_code, answer.json()


def test_consumption_lags_by_a_minute_unless_told_otherwise(stage: Stage) -> None:
    stage.push()
    stage.push()
    assert consumption(stage) == 0
    stage.advance(60)
    assert consumption(stage) == 2
    stage.client.put("/_sandbox/settings", json={"consumption_lag_seconds": 0}).raise_for_status()
    stage.push()
    assert consumption(stage) == 3


def test_replies_cost_nothing(stage: Stage) -> None:
    stage.change_channel(quota=0)
    stage.act("hanako", "message", text="もしもし")
    (event,) = stage.shop.wait_for_events(1)
    answer = stage.send("reply", {"replyToken": event["replyToken"], "messages": [text()]})
    assert answer.status_code == 200
    assert stage.push().status_code == 429


def test_what_the_manager_sends_counts_too(stage: Stage) -> None:
    stage.change_channel(quota=10)
    assert control(stage, "manager-send", recipients=8) == (200, {"recipients": 8, "used": 8})
    assert control(stage, "manager-send", recipients=3)[0] == 409
    assert control(stage, "manager-send", recipients=3, kind="welcomeResponse") == (200, {"recipients": 3, "used": 8})
    assert [stage.push().status_code for _ in range(3)] == [200, 200, 429]


def test_a_broadcast_from_the_manager_goes_to_all_friends(stage: Stage) -> None:
    stage.act("taro", "follow")
    assert control(stage, "manager-send")[1]["recipients"] == 2


def test_a_reservation_holds_messages_back_for_a_while(stage: Stage) -> None:
    stage.change_channel(quota=10)
    assert control(stage, "reserve", recipients=10, seconds=30) == (200, {"recipients": 10, "seconds": 30.0})
    refused = stage.push()
    assert (refused.status_code, refused.json()) == (429, {"message": "You have reached your monthly limit."})
    stage.advance(31)
    assert stage.push().status_code == 200


def test_a_larger_plan_holds_at_once_and_a_smaller_one_from_next_month(stage: Stage) -> None:
    control(stage, "plan", plan="light")
    assert quota(stage) == {"type": "limited", "value": 5_000}
    control(stage, "plan", plan="standard", additional=20_000)
    assert quota(stage) == {"type": "limited", "value": 50_000}
    assert control(stage, "plan", plan="communication")[1]["quota"] == 200
    assert quota(stage)["value"] == 50_000
    stage.advance(MONTH_SECONDS)
    assert quota(stage)["value"] == 200


def test_no_limit_is_said_as_none(stage: Stage) -> None:
    assert quota(stage) == {"type": "none"}


def test_the_month_begins_at_midnight_in_japan(stage: Stage) -> None:
    stage.change_channel(quota=1)
    stage.client.put("/_sandbox/clock", json={"now": "2030-01-31T14:59:30Z"})
    assert [stage.push().status_code for _ in range(2)] == [200, 429]
    stage.advance(30)
    assert consumption(stage) == 0
    assert stage.push().status_code == 200


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("plan", {"plan": "premium"}),
        ("plan", {"plan": "light", "additional": 10}),
        ("manager-send", {"recipients": -1}),
        ("manager-send", {"kind": "carrier pigeon"}),
        ("reserve", {"recipients": "many"}),
    ],
)
def test_what_cannot_be_meant_is_refused(stage: Stage, verb: str, body: dict[str, object]) -> None:
    assert control(stage, verb, **body)[0] == 400


def test_december_is_followed_by_january() -> None:
    assert (month_after("2026-12"), month_after("2026-11")) == ("2027-01", "2026-12")
