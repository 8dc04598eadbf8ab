"""Statistics as LINE gives them: of whole Japanese days, a day late, and silent about few people."""

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.sandbox.insight import engine
from app.sandbox.insight.days import day_of, parse_day
from app.sandbox.insight.demographics import SHARES
from app.sandbox.insight.state import Insight
from app.sandbox.insight.statistics import Count
from app.sandbox.ledger import AcceptedCall, Kind
from app.sandbox.state import Sandbox
from app.sandbox.world import FOLLOWS, World, put_channel, put_person, set_tie
from tests.app.sandbox.process import Shop, running_sandbox
from tests.app.sandbox.stage import CHANNEL, OTHER_TOKEN, TOKEN, Stage, text

NOON = "2030-06-15T12:00:00+09:00"
TODAY, TOMORROW, YESTERDAY = "20300615", "20300616", "20300614"
DAY_SECONDS = 24 * 3600
LINK = "https://shop.test/menu"
BUTTON = {
    "type": "template",
    "altText": "メニュー",
    "template": {"type": "buttons", "text": "今週の一皿", "actions": [{"type": "uri", "label": "見る", "uri": LINK}]},
}
VIDEO = {"type": "video", "originalContentUrl": "https://shop.test/a.mp4", "previewImageUrl": "https://shop.test/a.jpg"}


@pytest.fixture
def noon(stage: Stage) -> Stage:
    """It is noon of a day in June."""
    stage.client.put("/_sandbox/clock", json={"now": NOON}).raise_for_status()
    return stage


@pytest.fixture
def crowd(noon: Stage) -> Stage:
    """Twenty-four friends more."""
    people = [{"id": f"p{number}", "follows": [CHANNEL]} for number in range(24)]
    noon.client.post("/_sandbox/world", json={"people": people}).raise_for_status()
    return noon


def ask(stage: Stage, path: str, token: str = TOKEN, **query: str) -> httpx.Response:
    return stage.client.get(f"/v2/bot/{path}", params=query, headers={"authorization": f"Bearer {token}"})


def told(stage: Stage, path: str, **query: str) -> Any:
    answer = ask(stage, path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def broadcast(stage: Stage, *messages: dict[str, Any]) -> str:
    answer = stage.send("broadcast", {"messages": list(messages) or [text()]})
    return answer.headers["x-line-request-id"]


def act_as_crowd(stage: Stage, **ratios: float) -> dict[str, int]:
    found: dict[str, int] = stage.client.post(f"/_sandbox/channels/{CHANNEL}/crowd", json=ratios).json()
    return found


def test_sends_of_a_day_are_counted_once_it_is_over(noon: Stage) -> None:
    noon.push()
    noon.push()
    assert told(noon, "message/delivery/push", date=TODAY) == {"status": "unready"}
    noon.advance(DAY_SECONDS / 2 - 1)
    assert told(noon, "message/delivery/push", date=TODAY) == {"status": "unready"}
    noon.advance(2)
    assert told(noon, "message/delivery/push", date=TODAY) == {"status": "ready", "success": 2}
    assert told(noon, "message/delivery/multicast", date=TODAY) == {"status": "ready", "success": 0}
    assert told(noon, "message/delivery/push", date="20180330") == {"status": "out_of_service"}


def test_only_whom_a_send_reached_is_counted(noon: Stage) -> None:
    noon.send("multicast", {"to": [noon.hanako, noon.taro], "messages": [text(), text("もう一つ")]})
    noon.advance(DAY_SECONDS)
    assert told(noon, "message/delivery/multicast", date=TODAY)["success"] == 1


def test_the_manager_is_in_insight_and_not_among_api_sends(noon: Stage) -> None:
    noon.push()
    noon.client.post(f"/_sandbox/channels/{CHANNEL}/manager-send", json={"recipients": 40, "kind": "stepMessage"})
    assert told(noon, "insight/message/delivery", date=TODAY) == {"status": "unready"}
    noon.advance(DAY_SECONDS)
    assert told(noon, "insight/message/delivery", date=TODAY) == {"status": "ready", "stepMessage": 40, "apiPush": 1}
    assert told(noon, "message/delivery/push", date=TODAY)["success"] == 1
    assert told(noon, "insight/message/delivery", date="20170228") == {"status": "out_of_service"}


def test_followers_never_fall_and_blocks_do(noon: Stage) -> None:
    noon.act("taro", "follow")
    noon.act("hanako", "block")
    empty = {"followers": None, "targetedReaches": None, "blocks": None}
    assert told(noon, "insight/followers", date=TODAY) == {"status": "unready", **empty}
    noon.advance(DAY_SECONDS)
    noon.act("hanako", "unblock")
    assert told(noon, "insight/followers", date=TODAY) == {
        "status": "ready",
        "followers": 2,
        "targetedReaches": 1,
        "blocks": 1,
    }
    noon.advance(DAY_SECONDS)
    assert told(noon, "insight/followers", date=TOMORROW)["blocks"] == 0
    assert told(noon, "insight/followers", date=TODAY)["blocks"] == 1
    assert told(noon, "insight/followers", date=YESTERDAY)["followers"] == 1
    assert told(noon, "insight/followers", date="20161031")["status"] == "out_of_service"


def test_who_is_gone_is_still_a_follower_and_not_reached(noon: Stage) -> None:
    assert noon.client.post("/_sandbox/people/hanako/delete").status_code == 204
    noon.advance(DAY_SECONDS)
    assert told(noon, "insight/followers", date=TODAY) == {
        "status": "ready",
        "followers": 1,
        "targetedReaches": 0,
        "blocks": 0,
    }


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("message/delivery/push", {"date": "2030-06-15"}, "The value for the 'date' parameter is invalid"),
        ("message/delivery/reply", {}, "The value for the 'date' parameter is invalid"),
        ("insight/message/delivery", {"date": "20300631"}, "Bad Request"),
        ("insight/followers", {}, "date is required"),
        ("insight/followers", {"date": "today"}, "Bad Request"),
        ("insight/message/event", {"requestId": "1"}, "Bad Request"),
    ],
)
def test_a_question_about_no_day_is_refused_in_its_own_words(
    stage: Stage, path: str, query: dict[str, str], message: str
) -> None:
    answer = ask(stage, path, **query)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_demographics_need_twenty_friends_three_days_ago(crowd: Stage) -> None:
    for friend in range(6):
        crowd.act(f"p{friend}", "block")
    assert told(crowd, "insight/demographic") == {"available": False}
    crowd.advance(DAY_SECONDS)
    for friend in range(6):
        crowd.act(f"p{friend}", "unblock")
    crowd.advance(2 * DAY_SECONDS)
    assert told(crowd, "insight/demographic") == {"available": False}
    crowd.advance(DAY_SECONDS)
    found = told(crowd, "insight/demographic")
    assert found["available"] is True
    for name in ("genders", "ages", "areas", "appTypes", "subscriptionPeriods"):
        assert sum(tile["percentage"] for tile in found[name]) == pytest.approx(100, abs=0.6)
    periods = {tile["subscriptionPeriod"]: tile["percentage"] for tile in found["subscriptionPeriods"]}
    assert {name: share for name, share in periods.items() if share} == {"within7days": 96.0, "over365days": 4.0}


def test_what_is_stated_of_people_shows_in_the_percentages(crowd: Stage) -> None:
    for number in range(24):
        stated = crowd.client.put(f"/_sandbox/people/p{number}/demographics", json={"gender": "male", "area": "福岡"})
        assert stated.status_code == 204
    crowd.client.put("/_sandbox/people/hanako/demographics", json={"gender": "female", "area": "東京"})
    crowd.advance(4 * DAY_SECONDS)
    found = told(crowd, "insight/demographic")
    assert [tile["percentage"] for tile in found["genders"]] == [4.0, 96.0, 0.0]
    refused = crowd.client.put("/_sandbox/people/hanako/demographics", json={"gender": "cat"})
    assert refused.status_code == 400


@pytest.mark.parametrize("name", SHARES)
def test_of_a_hundred_people_each_is_something(name: str) -> None:
    assert sum(SHARES[name].values()) == 100


def test_a_broadcasts_statistics_come_the_next_day_and_say_nothing_of_few(crowd: Stage) -> None:
    request_id = broadcast(crowd, text(), BUTTON)
    event = told(crowd, "insight/message/event", requestId=request_id)
    assert (event["overview"]["delivered"], event["messages"], event["clicks"]) == (None, [], [])
    crowd.advance(10)
    assert act_as_crowd(crowd, open_ratio=1, click_ratio=0.5)["opened"] == 25
    event = told(crowd, "insight/message/event", requestId=request_id)
    assert (event["overview"]["delivered"], event["overview"]["uniqueImpression"]) == (25, None)
    crowd.advance(DAY_SECONDS)
    event = told(crowd, "insight/message/event", requestId=request_id)
    assert event["overview"] == {
        "requestId": request_id,
        "timestamp": event["overview"]["timestamp"],
        "delivered": 25,
        "uniqueImpression": 25,
        "uniqueClick": None,
        "uniqueMediaPlayed": None,
        "uniqueMediaPlayed100Percent": None,
    }
    assert [(each["seq"], each["impression"], each["mediaPlayed"]) for each in event["messages"]] == [
        (1, 25, None),
        (2, 25, None),
    ]
    assert event["clicks"] == []


def test_clicks_of_twenty_are_told_by_bubble_and_address(crowd: Stage) -> None:
    request_id = broadcast(crowd, BUTTON, text(f"こちらも {LINK}"))
    uri = {"type": "uri", "uri": LINK}
    for number in range(20):
        assert crowd.act(f"p{number}", "tap", action=uri).status_code == 202
    for _ in range(3):
        crowd.act("p0", "tap", action=uri)
    crowd.advance(DAY_SECONDS)
    event = told(crowd, "insight/message/event", requestId=request_id)
    assert event["clicks"] == [{"seq": 2, "url": LINK, "click": 23, "uniqueClick": 20, "uniqueClickOfRequest": 20}]
    assert (event["overview"]["uniqueClick"], event["overview"]["uniqueImpression"]) == (20, 20)


def test_plays_are_told_by_how_far_they_went(crowd: Stage) -> None:
    request_id = broadcast(crowd, VIDEO)
    for number in range(24):
        played = crowd.client.post(
            f"/_sandbox/people/p{number}/play", json={"channel": CHANNEL, "percent": 100 if number < 20 else 30}
        )
        assert played.json() == {"counted": True}
    crowd.advance(DAY_SECONDS)
    event = told(crowd, "insight/message/event", requestId=request_id)
    (bubble,) = event["messages"]
    assert [bubble[f"mediaPlayed{part}"] for part in ("", "25Percent", "50Percent", "100Percent")] == [24, 24, 20, 20]
    assert event["overview"]["uniqueMediaPlayed100Percent"] == 20


def test_nothing_is_counted_a_fortnight_after_the_sending(crowd: Stage) -> None:
    request_id = broadcast(crowd)
    crowd.advance(14 * DAY_SECONDS)
    act_as_crowd(crowd, open_ratio=1)
    crowd.advance(DAY_SECONDS)
    assert told(crowd, "insight/message/event", requestId=request_id)["overview"]["uniqueImpression"] is None


def test_a_desktop_measures_no_impression(crowd: Stage) -> None:
    for number in range(24):
        crowd.client.put(f"/_sandbox/people/p{number}/demographics", json={"appType": "others"})
    request_id = broadcast(crowd)
    act_as_crowd(crowd, open_ratio=1)
    crowd.advance(DAY_SECONDS)
    assert told(crowd, "insight/message/event", requestId=request_id)["messages"] == []


def test_a_push_or_anothers_broadcast_has_no_statistics_of_its_own(noon: Stage) -> None:
    pushed = noon.push().headers["x-line-request-id"]
    sent = broadcast(noon)
    assert ask(noon, "insight/message/event", requestId=pushed).status_code == 404
    assert ask(noon, "insight/message/event", OTHER_TOKEN, requestId=sent).status_code == 404
    assert ask(noon, "insight/message/event", requestId=sent).status_code == 200


def test_a_chat_that_is_opened_again_shows_its_end_again(noon: Stage) -> None:
    def bubbles() -> int:
        shown: int = noon.act("hanako", "open").json()["bubbles"]
        return shown

    assert bubbles() == 0
    noon.push()
    broadcast(noon, text(), text())
    assert [bubbles(), bubbles()] == [3, 2]
    assert noon.client.post(
        "/_sandbox/people/hanako/click", json={"channel": CHANNEL, "url": "https://no.test"}
    ).json() == {"counted": False}


def send_under_units(stage: Stage) -> None:
    for number in range(24):
        people = stage.client.get(f"/_sandbox/people/p{number}").json()
        (user_id,) = people["line_user_ids"].values()
        body = {"to": user_id, "messages": [BUTTON], "customAggregationUnits": ["rain_a"]}
        assert stage.send("push", body).status_code == 200
    stage.send("multicast", {"to": [stage.hanako], "messages": [text()], "customAggregationUnits": ["rain_a"]})
    stage.send("multicast", {"to": [stage.hanako], "messages": [text()], "customAggregationUnits": ["Rain_a"]})


def test_a_unit_joins_pushes_and_multicasts_whatever_they_say(crowd: Stage) -> None:
    send_under_units(crowd)
    act_as_crowd(crowd, open_ratio=1, click_ratio=1)
    span = {"from": TODAY, "to": TOMORROW}
    path = "insight/message/event/aggregation"
    assert told(crowd, path, customAggregationUnit="rain_a", **span)["messages"] == []
    crowd.advance(DAY_SECONDS)
    found = told(crowd, path, customAggregationUnit="rain_a", **span)
    assert found["overview"]["uniqueImpression"] == 25
    assert found["clicks"] == [{"seq": 1, "url": LINK, "click": 24, "uniqueClick": 24, "uniqueClickOfRequest": 24}]
    nothing = {"uniqueImpression": None, "uniqueClick": None, "uniqueMediaPlayed": None}
    for other in ({"customAggregationUnit": "Rain_a", **span}, {"customAggregationUnit": "rain_a", "from": TOMORROW}):
        found = told(crowd, path, **{"to": TOMORROW, **other})
        assert found["overview"].items() >= nothing.items()


@pytest.mark.parametrize(
    "query",
    [
        {"from": TODAY, "to": TODAY},
        {"customAggregationUnit": "a", "from": TODAY},
        {"customAggregationUnit": "a", "from": TODAY, "to": YESTERDAY},
        {"customAggregationUnit": "a", "from": TODAY, "to": "20300716"},
        {"customAggregationUnit": "a", "from": "June", "to": TODAY},
    ],
)
def test_a_wrong_question_about_a_unit_is_refused_with_a_body_of_nulls(stage: Stage, query: dict[str, str]) -> None:
    answer = ask(stage, "insight/message/event/aggregation", **query)
    assert answer.status_code == 400
    assert answer.json() == {"message": None, "key": None, "stacktrace": None, "code": None}


def test_statistics_survive_a_restart(tmp_path: Path, shop: Shop) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file, rate_limits=False) as client:
        before = Stage.build(client, shop)
        client.put("/_sandbox/clock", json={"now": NOON})
        people = [{"id": f"p{number}", "follows": [CHANNEL]} for number in range(24)]
        client.post("/_sandbox/world", json={"people": people}).raise_for_status()
        send_under_units(before)
        act_as_crowd(before, open_ratio=1, click_ratio=1)
        client.post(f"/_sandbox/channels/{CHANNEL}/manager-send", json={"recipients": 40})
        before.act("hanako", "block")
        before.advance(DAY_SECONDS)
        before.act("hanako", "unblock")
        questions = [
            ("insight/message/event/aggregation", {"customAggregationUnit": "rain_a", "from": TODAY, "to": TODAY}),
            ("insight/message/delivery", {"date": TODAY}),
            ("insight/followers", {"date": TODAY}),
            ("message/aggregation/list", {}),
        ]
        answers = [told(before, path, **query) for path, query in questions]
    with running_sandbox(state_file=state_file, rate_limits=False) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        client.put("/_sandbox/clock", json={"now": "2030-06-16T12:00:00+09:00"})
        assert [told(after, path, **query) for path, query in questions] == answers
        assert answers[0]["overview"]["uniqueImpression"] == 25
        assert answers[2]["blocks"] == 1


def replayed(sandbox: Sandbox) -> Insight:
    """Insight as it is made again from the changes that were noted."""
    again = Insight()
    for name, part, *change in sandbox.world.changes.pending:
        if (name, part) == ("note", "insight"):
            again.replay(*orjson.loads(orjson.dumps(change)))
    return again


def test_changes_that_are_made_again_lead_to_the_same_until_all_is_forgotten() -> None:
    sandbox = Sandbox()
    sandbox.world.changes.kept = True
    channel = put_channel(sandbox.world, CHANNEL, "2000000001", {}, "2030-06")
    person_no = put_person(sandbox.world, "hanako", None, {})
    now = sandbox.clock.now()
    messages = orjson.dumps([BUTTON])
    sandbox.ledger.append(AcceptedCall(now, now, Kind.PUSH, 0, bytes(16), None, 1, messages, [person_no]))
    assert engine.click(sandbox, channel, person_no, LINK)
    again = replayed(sandbox)
    assert again.saved() == sandbox.insight.saved()
    assert again.acts.find_last_seen(channel.no, person_no) == 0
    engine.forget(sandbox)
    assert replayed(sandbox).saved() == Insight().saved()


def test_a_day_begins_at_midnight_in_japan() -> None:
    before_midnight = 1_893_423_600 - 1  # 2029-12-31T23:59:59+09:00
    assert day_of(before_midnight) == parse_day("20291231")
    assert day_of(before_midnight + 1) == parse_day("20300101")


@pytest.mark.parametrize("written", [None, "", "2030011", "20300230", "２０３００１０１", "203001011"])
def test_what_is_no_day_is_none(written: str | None) -> None:
    assert parse_day(written) is None


def test_a_figure_is_told_from_twenty_people_on() -> None:
    count = Count()
    for _ in range(2):
        for person_no in range(19):
            count.add(person_no)
    assert (count.shown_times, count.shown_people) == (None, None)
    count.add(19)
    assert (count.shown_times, count.shown_people) == (39, 20)


def test_a_clock_that_is_turned_back_forgets_the_days_that_come_again() -> None:
    known, insight = World(), Insight()
    channel = put_channel(known, CHANNEL, "2000000001", {}, "2030-06")
    for day in (10, 11, 14):
        list(insight.close_days(known, day))
        set_tie(known, channel, put_person(known, f"day{day}", None, {}), FOLLOWS)
    list(insight.close_days(known, 20))
    assert [insight.get_closing(known, channel, day).followers for day in (9, 10, 11, 13, 14, 19)] == [1, 1, 2, 2, 3, 3]
    list(insight.close_days(known, 12))
    list(insight.close_days(known, 13))
    assert [insight.get_closing(known, channel, day).followers for day in (10, 11, 12, 14)] == [1, 2, 3, 3]
