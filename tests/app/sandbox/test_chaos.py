"""Webhooks as they come on a bad day: nothing is lost, and the same seed makes the same day."""

from typing import Any

import pytest

from app.sandbox.chaos import NEVER_SEEN, MalformedChaos, parse
from app.sandbox.webhook_calls import sign
from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import SECRET, Stage, text


def put_chaos(stage: Stage, **chaos: Any) -> None:
    assert stage.client.put("/_sandbox/chaos", json=chaos).status_code == 204


def event(number: int) -> dict[str, Any]:
    ulid = f"01M7Y0QRZV5T9K2XWZ4R{number:06d}"
    source = {"type": "user", "userId": "U" + "a" * 32}
    return {"type": "message", "webhookEventId": ulid, "source": source, "replyToken": "r", "mode": "active"}


RATIOS = (
    "duplicates_ratio",
    "disorder_ratio",
    "unknown_events_ratio",
    "missing_user_ratio",
    "standby_ratio",
    "wrong_signature_ratio",
)


def test_the_same_seed_disturbs_the_same_events() -> None:
    def day(seed: int) -> list[Any]:
        chaos = parse({**dict.fromkeys(RATIOS, 0.3), "seed": seed})
        return [chaos.disturb(event(number)) for number in range(100)]

    assert day(7) == day(7)
    assert day(7) != day(8)


def test_without_chaos_an_event_stays_as_it_is() -> None:
    (parcel,) = parse({}).disturb(event(1))
    assert (parcel.event, parcel.late, parcel.forged) == (event(1), False, False)


@pytest.mark.parametrize(
    "mistake", [{"ratio": 1}, {"standby_ratio": 2}, {"burst": -1}, {"bundle": True}, {"seed": "x"}]
)
def test_chaos_that_cannot_be_meant_is_refused(mistake: dict[str, Any]) -> None:
    with pytest.raises(MalformedChaos):
        parse(mistake)


def test_a_duplicate_is_the_same_event_without_a_mark(stage: Stage) -> None:
    put_chaos(stage, duplicates_ratio=1)
    stage.act("taro", "follow")
    first, second = stage.shop.wait_for_events(2)
    assert first == second
    assert first["deliveryContext"] == {"isRedelivery": False}


def test_in_disorder_a_later_event_overtakes(stage: Stage) -> None:
    put_chaos(stage, disorder_ratio=1)
    stage.act("hanako", "message", text="先")
    stage.act("hanako", "message", text="後")
    events = stage.shop.wait_for_events(2)
    assert [event["message"]["text"] for event in events] == ["後", "先"]


def test_an_unknown_event_follows_one_with_unknown_members(stage: Stage) -> None:
    put_chaos(stage, unknown_events_ratio=1)
    stage.act("taro", "follow")
    known, unknown = stage.shop.wait_for_events(2)
    assert known["type"] == "follow"
    assert "sandboxMember" in known
    assert unknown["type"] == NEVER_SEEN
    assert unknown["webhookEventId"] != known["webhookEventId"]


def test_a_person_without_consent_has_no_id(stage: Stage) -> None:
    put_chaos(stage, missing_user_ratio=1)
    stage.act("taro", "follow")
    (event,) = stage.shop.wait_for_events(1)
    assert event["source"] == {"type": "user"}


def test_standby_comes_now_and_then(stage: Stage) -> None:
    put_chaos(stage, standby_ratio=1)
    stage.act("taro", "follow")
    (event,) = stage.shop.wait_for_events(1)
    assert event["mode"] == "standby"
    assert "replyToken" not in event


def test_a_wrong_signature_comes_before_the_right_one(stage: Stage) -> None:
    put_chaos(stage, wrong_signature_ratio=1)
    stage.act("taro", "follow")
    stage.shop.wait_for_events(2)
    forged, right = stage.shop.calls
    assert forged.body == right.body
    assert [call.headers["x-line-signature"] == sign(SECRET, call.body) for call in (forged, right)] == [False, True]


def test_a_broadcast_brings_a_burst_back(stage: Stage) -> None:
    put_chaos(stage, burst=30, bundle=5, seed=3)
    stage.act("taro", "follow")
    stage.shop.wait_for_all(1)
    stage.send("broadcast", {"messages": [text("大売り出し")]})
    events = stage.shop.wait_for_all(31)
    assert {event["source"]["userId"] for event in events} == {stage.hanako, stage.taro}


def test_all_of_it_at_once_loses_nothing(stage: Stage) -> None:
    put_chaos(stage, **dict.fromkeys(RATIOS, 0.3), bundle=7, seed=11)
    stage.change_channel(webhook_redelivery=True)
    stage.client.put("/_sandbox/settings", json={"redelivery_seconds": [1, 1, 1, 1]})
    stage.shop.statuses = [500] * 10
    sent = set()
    for number in range(60):
        for person in ("hanako", "taro"):
            sent.add(stage.act(person, "message", text=str(number)).json()["webhook_event_id"])
    assert len(sent) == 120

    def is_over() -> bool:
        stage.advance(1)
        now = stage.client.get("/_sandbox/webhooks").json()
        return now["waiting"] == now["to_redeliver"] == 0 and sent <= {e["webhookEventId"] for e in good_events(stage)}

    wait_for(is_over)


def good_events(stage: Stage) -> list[dict[str, Any]]:
    """Those whose signature is right."""
    calls = [call for call in list(stage.shop.calls) if call.headers["x-line-signature"] == sign(SECRET, call.body)]
    return [event for call in calls for event in call.events]
