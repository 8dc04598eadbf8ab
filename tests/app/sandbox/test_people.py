"""Being a customer: following, blocking, writing, and what the shop hears of it."""

from tests.app.sandbox.process import wait_for
from tests.app.sandbox.stage import CHANNEL, OTHER_CHANNEL, PROVIDER, Stage, text


def test_a_person_made_by_name_has_an_id_in_every_provider(stage: Stage) -> None:
    answer = stage.client.post("/_sandbox/people", json={"name": "次郎"})
    assert answer.status_code == 201
    person = answer.json()
    assert list(person["line_user_ids"]) == [PROVIDER]
    assert stage.client.get(f"/_sandbox/people/{person['id']}").json()["name"] == "次郎"


def test_following_blocking_and_unblocking_each_send_their_event(stage: Stage) -> None:
    for act in ("follow", "block", "unblock"):
        assert stage.act("taro", act).status_code == 202
    events = stage.shop.wait_for_events(3)
    assert [event["type"] for event in events] == ["follow", "unfollow", "follow"]
    assert [event.get("follow") for event in events] == [{"isUnblocked": False}, None, {"isUnblocked": True}]
    assert ["replyToken" in event for event in events] == [True, False, True]
    assert {event["source"]["userId"] for event in events} == {stage.taro}


def test_acts_that_change_nothing_send_nothing(stage: Stage) -> None:
    for person, act in (("hanako", "follow"), ("hanako", "unblock"), ("taro", "block")):
        assert stage.act(person, act).json() == {"webhook_event_id": None}
    stage.act("hanako", "message", text="最後")
    (event,) = stage.shop.wait_for_events(1)
    assert event["type"] == "message"


def test_blocking_one_account_leaves_the_other(stage: Stage) -> None:
    stage.act("hanako", "follow", OTHER_CHANNEL)
    stage.act("hanako", "block")
    person = stage.client.get("/_sandbox/people/hanako").json()
    assert (person["follows"], person["blocks"]) == ([OTHER_CHANNEL], [CHANNEL])


def test_one_persons_events_arrive_in_order(stage: Stage) -> None:
    for number in range(20):
        stage.act("hanako", "message", text=str(number))
    events = stage.shop.wait_for_events(20)
    assert [event["message"]["text"] for event in events] == [str(number) for number in range(20)]
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


def test_location_beacon_and_tap_become_their_events(stage: Stage) -> None:
    stage.act("hanako", "location", latitude=35.66, longitude=139.7)
    stage.act("hanako", "beacon", hwid="a1b2c3d4e5")
    stage.act("hanako", "tap", action={"type": "postback", "data": "tab=card"})
    stage.act("hanako", "tap", action={"type": "uri", "uri": "https://noren.test"})
    location, beacon, tap = stage.shop.wait_for_events(3)
    assert location["message"]["latitude"] == 35.66
    assert beacon["beacon"] == {"hwid": "a1b2c3d4e5", "type": "enter"}
    assert tap["postback"] == {"data": "tab=card"}


def test_who_blocks_cannot_write(stage: Stage) -> None:
    stage.act("hanako", "block")
    assert stage.act("hanako", "message", text="聞こえますか").status_code == 409


def test_the_inbox_holds_pushes_and_replies_oldest_first(stage: Stage) -> None:
    stage.push("一")
    stage.act("hanako", "message", text="はい")
    (event,) = stage.shop.wait_for_events(1)
    stage.send("reply", {"replyToken": event["replyToken"], "messages": [text("二"), text("三")]})
    inbox = stage.inbox()
    assert [[message["text"] for message in item["messages"]] for item in inbox] == [["一"], ["二", "三"]]
    assert {item["channel"] for item in inbox} == {CHANNEL}


def test_a_profile_is_found_of_friends_and_writers_only(stage: Stage) -> None:
    headers = {"authorization": "Bearer token-of-the-first-channel"}

    def status(user_id: str) -> int:
        return stage.client.get(f"/v2/bot/profile/{user_id}", headers=headers).status_code

    assert (status(stage.hanako), status(stage.taro), status("U1")) == (200, 404, 400)
    stage.act("taro", "message", text="こんにちは")
    stage.act("hanako", "block")
    assert (status(stage.hanako), status(stage.taro)) == (404, 200)


def test_a_world_can_be_put_again_without_undoing_what_people_did(stage: Stage) -> None:
    stage.act("hanako", "block")
    Stage.build(stage.client, stage.shop)
    assert stage.client.get("/_sandbox/people/hanako").json()["blocks"] == [CHANNEL]
    assert len(stage.client.get("/_sandbox/people").json()["items"]) == 2


def test_twenty_thousand_people_fit_in_one_call_and_are_listed_in_pages(stage: Stage) -> None:
    people = [{"id": f"p{n}", "name": f"客 {n}", "follows": [CHANNEL]} for n in range(20_000)]
    answer = stage.client.post("/_sandbox/world", json={"people": people})
    assert answer.json()["people_added"] == 20_000
    page = stage.client.get("/_sandbox/people", params={"limit": 1000, "cursor": "20000"}).json()
    assert len(page["items"]) == 2
    assert page["next_cursor"] is None


def test_contradictions_are_409_and_strangers_404(stage: Stage) -> None:
    moved = {"channels": [{"channel_id": CHANNEL, "provider_id": "2000000009"}]}
    assert stage.client.post("/_sandbox/world", json=moved).status_code == 409
    twin = {"people": [{"id": "twin", "line_user_ids": {PROVIDER: stage.hanako}}]}
    assert stage.client.post("/_sandbox/world", json=twin).status_code == 409
    assert stage.act("nobody", "follow").status_code == 404
    assert stage.act("hanako", "follow", "nothing").status_code == 404
    assert stage.client.post("/_sandbox/people", json={}).status_code == 400
    assert stage.client.post("/_sandbox/world", content=b"{").status_code == 400


def test_a_channel_that_has_no_webhook_sends_none(stage: Stage) -> None:
    stage.change_channel(webhook_active=False)
    assert stage.act("taro", "follow").json() == {"webhook_event_id": None}
    stage.change_channel(webhook_active=True)
    stage.act("taro", "message", text="今は")
    wait_for(lambda: stage.shop.calls)
    assert [call.event["type"] for call in stage.shop.calls] == ["message"]
