"""Insight by the SDK: its models read every answer, and what they leave out is null."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.sandbox.conformance.sdk import insight, opened
from tests.app.sandbox.stage import CHANNEL, TOKEN, Stage

NOON = "2030-06-15T12:00:00+09:00"
TODAY = "20300615"
DAY_SECONDS = 24 * 3600
LINK = "https://shop.test/menu"
BUTTON = {
    "type": "template",
    "altText": "メニュー",
    "template": {"type": "buttons", "text": "今週の一皿", "actions": [{"type": "uri", "label": "見る", "uri": LINK}]},
}


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    """Insight at noon of a day in June, for an account with twenty-five friends."""
    stage.client.put("/_sandbox/clock", json={"now": NOON}).raise_for_status()
    people = [{"id": f"p{number}", "follows": [CHANNEL]} for number in range(24)]
    stage.client.post("/_sandbox/world", json={"people": people}).raise_for_status()
    with opened(insight, "Insight", stage.client, TOKEN) as api:
        yield api


def act(stage: Stage) -> None:
    ratios = {"open_ratio": 1, "click_ratio": 1}
    stage.client.post(f"/_sandbox/channels/{CHANNEL}/crowd", json=ratios).raise_for_status()


def test_deliveries_of_a_day(line: Any, stage: Stage) -> None:
    stage.push()
    stage.client.post(f"/_sandbox/channels/{CHANNEL}/manager-send", json={}).raise_for_status()
    assert line.get_number_of_message_deliveries(TODAY).status == "unready"
    stage.advance(DAY_SECONDS)
    found = line.get_number_of_message_deliveries(TODAY)
    assert (found.status, found.api_push, found.broadcast, found.api_broadcast) == ("ready", 1, 25, None)


def test_followers_of_a_day(line: Any, stage: Stage) -> None:
    stage.act("hanako", "block")
    assert line.get_number_of_followers(TODAY).followers is None
    stage.advance(DAY_SECONDS)
    found = line.get_number_of_followers(TODAY)
    assert (found.followers, found.targeted_reaches, found.blocks) == (25, 24, 1)


def test_demographics(line: Any, stage: Stage) -> None:
    assert line.get_friends_demographics().available is False
    stage.advance(4 * DAY_SECONDS)
    found = line.get_friends_demographics()
    assert found.available is True
    assert {tile.gender for tile in found.genders} == {"female", "male", "unknown"}
    assert {tile.app_type for tile in found.app_types} == {"ios", "android", "others"}
    assert len(found.ages) == 14
    assert found.subscription_periods[0].subscription_period == "within7days"


def test_statistics_of_a_broadcast(line: Any, stage: Stage) -> None:
    answer = stage.send("broadcast", {"messages": [BUTTON]})
    request_id = answer.headers["x-line-request-id"]
    assert line.get_message_event(request_id).overview.delivered is None
    act(stage)
    stage.advance(DAY_SECONDS)
    found = line.get_message_event(request_id)
    assert (found.overview.request_id, found.overview.delivered) == (request_id, 25)
    assert (found.overview.unique_impression, found.overview.unique_click) == (25, 25)
    assert (found.messages[0].impression, found.messages[0].media_played) == (25, None)
    assert (found.clicks[0].url, found.clicks[0].unique_click_of_request) == (LINK, 25)


def test_statistics_of_a_unit(line: Any, stage: Stage) -> None:
    people = stage.client.get("/_sandbox/people", params={"limit": 100}).json()["items"]
    to = [next(iter(each["line_user_ids"].values())) for each in people]
    body = {"to": to, "messages": [BUTTON], "customAggregationUnits": ["spring"]}
    assert stage.send("multicast", body).status_code == 200
    act(stage)
    stage.advance(DAY_SECONDS)
    found = line.get_statistics_per_unit("spring", TODAY, TODAY)
    assert (found.overview.unique_impression, found.clicks[0].click) == (25, 25)
    unknown = line.get_statistics_per_unit("autumn", TODAY, TODAY)
    assert (unknown.overview.unique_impression, unknown.messages, unknown.clicks) == (None, [], [])


def test_a_span_that_runs_backwards_is_refused_with_nulls(line: Any) -> None:
    with pytest.raises(insight.ApiException) as refused:
        line.get_statistics_per_unit("spring", TODAY, "20300614")
    assert refused.value.status == 400
    assert refused.value.body == '{"message":null,"key":null,"stacktrace":null,"code":null}'


def test_sixty_questions_an_hour_are_the_most(line: Any) -> None:
    for _ in range(60):
        line.get_friends_demographics()
    with pytest.raises(insight.ApiException) as refused:
        line.get_friends_demographics()
    assert refused.value.status == 429
