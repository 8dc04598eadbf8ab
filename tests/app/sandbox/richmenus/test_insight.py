"""What LINE tells of a menu: a day late, by Japanese day, and nearly nothing while few have tapped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from tests.app.sandbox.conformance.sdk import insight, opened
from tests.app.sandbox.menus import UNKNOWN_MENU, call, create, postback, put_default
from tests.app.sandbox.process import Shop, running_sandbox
from tests.app.sandbox.stage import CHANNEL, TOKEN, Stage

JST = timezone(timedelta(hours=9))
NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def menu_id(stage: Stage) -> str:
    return prepare(stage)


@pytest.fixture
def line(stage: Stage) -> Iterator[Any]:
    with opened(insight, "Insight", stage.client, TOKEN) as api:
        yield api


def prepare(stage: Stage) -> str:
    """A menu of two areas, and forty friends, at noon in Japan."""
    stage.client.put("/_sandbox/clock", json={"now": NOON.isoformat()})
    people = [{"id": f"person-{number}", "follows": [CHANNEL]} for number in range(40)]
    stage.client.post("/_sandbox/world", json={"people": people}).raise_for_status()
    menu_id = create(stage, {"type": "uri", "uri": "https://example.com/"}, postback())
    put_default(stage, menu_id)
    return menu_id


def tapped(stage: Stage, count: int, area: int = 0, first: int = 0) -> None:
    for number in range(first, first + count):
        assert stage.act(f"person-{number}", "tap-menu", area=area).status_code == 202


def day(days: int = 0) -> str:
    return (NOON + timedelta(days=days)).astimezone(JST).strftime("%Y%m%d")


def ask(stage: Stage, menu_id: str, kind: str = "summary", first: str = day(), last: str = day()) -> httpx.Response:
    return call(stage, "GET", f"/v2/bot/insight/richmenu/{menu_id}/{kind}", params={"from": first, "to": last})


def test_the_sdk_reads_totals_and_days(line: Any, stage: Stage, menu_id: str) -> None:
    tapped(stage, 20)
    tapped(stage, 5, area=1)
    stage.act("person-0", "see-menu")
    stage.act("person-0", "see-menu")
    stage.advance(24 * 3600)
    tapped(stage, 3, area=1)
    stage.advance(24 * 3600)
    total = line.get_rich_menu_insight_summary(menu_id, day(-3), day(9))
    assert (total.metrics_from, total.metrics_to) == (day(), day(1))
    assert (total.impression.metrics.count, total.impression.metrics.unique_users) == (2, 1)
    assert [(each.metrics.count, each.metrics.unique_users) for each in total.clicks] == [(20, 20), (8, 5)]
    assert [each.bounds.x for each in total.clicks] == [0, 600]
    daily = line.get_rich_menu_insight_daily(menu_id, day(), day(1))
    second = daily.clicks[1].metrics
    assert [(each.var_date, each.count, each.unique_users) for each in second] == [(day(), 5, 5), (day(1), 3, 3)]
    assert [each.count for each in daily.impression.metrics] == [2, 0]


def test_fewer_than_twenty_people_tell_nothing(stage: Stage, menu_id: str) -> None:
    tapped(stage, 19)
    tapped(stage, 19, area=1)
    stage.advance(24 * 3600)
    for kind in ("summary", "daily"):
        assert ask(stage, menu_id, kind).json() == {"richMenuId": menu_id}
    tapped(stage, 1, area=1, first=19)
    stage.advance(24 * 3600)
    assert "clicks" in ask(stage, menu_id, last=day(1)).json()


def test_today_is_not_told_before_tomorrow(stage: Stage, menu_id: str) -> None:
    tapped(stage, 20)
    assert ask(stage, menu_id).json() == {"richMenuId": menu_id}
    stage.advance(12 * 3600)
    assert ask(stage, menu_id).json()["metricsTo"] == day()


@pytest.mark.parametrize(
    ("kind", "first", "last", "message"),
    [
        ("summary", "2026-11-1", day(), "Bad Request"),
        ("summary", "20261131", day(), "Bad Request"),
        ("daily", day(), "", "Bad Request"),
        ("summary", day(), day(-1), "Parameter to must be the same date as, or after parameter from."),
        ("summary", day(-397), day(), "Date range exceeds. Max range is 396 days."),
        ("daily", day(-100), day(), "Date range exceeds. Max range is 99 days."),
        ("summary", "20231120", "20231121", "Parameter from must be the same date as, or after 2023-11-21."),
    ],
)
def test_a_range_that_line_does_not_take(
    stage: Stage, menu_id: str, kind: str, first: str, last: str, message: str
) -> None:
    answer = ask(stage, menu_id, kind, first, last)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_the_longest_ranges_and_the_earliest_day_are_taken(stage: Stage, menu_id: str) -> None:
    for kind, first, last in (
        ("summary", day(-396), day()),
        ("daily", day(-99), day()),
        ("summary", "20231121", "20231121"),
    ):
        assert ask(stage, menu_id, kind, first, last).json() == {"richMenuId": menu_id}


def test_an_unknown_menu_is_not_found(stage: Stage) -> None:
    answer = ask(stage, UNKNOWN_MENU)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})


def test_counts_survive_a_restart_and_end_with_a_reset(tmp_path: Any, shop: Shop) -> None:
    state_file = tmp_path / "sandbox.json"
    with running_sandbox(state_file=state_file) as client:
        before = Stage.build(client, shop)
        menu_id = prepare(before)
        tapped(before, 20)
    with running_sandbox(state_file=state_file) as client:
        after = Stage(client, shop, before.hanako, before.taro)
        client.put("/_sandbox/clock", json={"now": (NOON + timedelta(days=1)).isoformat()})
        assert ask(after, menu_id).json()["clicks"][0]["metrics"] == {"count": 20, "uniqueUsers": 20}
        client.post("/_sandbox/reset")
        client.put("/_sandbox/clock", json={"now": (NOON + timedelta(days=1)).isoformat()})
        assert ask(after, menu_id).json() == {"richMenuId": menu_id}
