"""Which auto-reply answers what somebody wrote or tapped."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.auto_replies.matching import Waiting, find_match, fold
from app.auto_replies.models import AutoReply
from tenants.ids import uuid7

TOKYO = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)
HERE = uuid7()


def waiting(**changes: Any) -> AutoReply:
    named: dict[str, Any] = {name: changes.pop(name) for name in ("keywords", "match", "postbacks") if name in changes}
    trigger: dict[str, Any] = {"keywords": ["雨"], **named}
    return AutoReply(brand_id=uuid7(), name="x", messages=[], trigger=trigger, **changes)


def find(*auto_replies: AutoReply, said: str | None = None, at: datetime = NOON, **more: Any) -> AutoReply | None:
    ready = [Waiting.of(one) for one in auto_replies]
    return find_match(ready, more.pop("here", HERE), text=said, zone=TOKYO, now=at, **more)


@pytest.mark.parametrize("said", ["雨", " 雨 ", "雨！", "「雨」", "雨。\n"])
def test_a_keyword_is_all_that_she_wrote(said: str) -> None:
    assert find(waiting(), said=said) is not None


@pytest.mark.parametrize("said", ["雨ですね", "大雨", "", "！", "傘"])
def test_other_words_are_not_answered(said: str) -> None:
    assert find(waiting(), said=said) is None


@pytest.mark.parametrize(
    ("one", "other"), [("アメ", "あめ"), ("ｱﾒ", "あめ"), ("ＲＡＩＮ", "rain"), ("ヴィーガン", "ゔぃーがん")]
)
def test_kana_width_and_capitals_make_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert find(waiting(keywords=[one]), said=other) is not None


def test_a_keyword_may_stand_anywhere_where_it_is_so_wanted() -> None:
    assert find(waiting(match="contains"), said="今日の雨クーポンはありますか") is not None


def test_a_keyword_of_nothing_but_signs_answers_nobody() -> None:
    assert find(waiting(keywords=["！"], match="contains"), said="こんにちは！") is None


def test_a_postback_is_compared_exactly() -> None:
    auto_reply = waiting(keywords=[], postbacks=["action=rain"])
    assert find(auto_reply, postback_data="action=rain") is auto_reply
    assert find(auto_reply, postback_data="action=Rain") is None
    assert find(auto_reply, said="action=rain") is None


def test_the_first_that_matches_answers() -> None:
    first, second = waiting(), waiting(match="contains")
    assert find(first, second, said="雨") is first
    assert find(first, second, said="大雨") is second


def test_it_answers_at_its_accounts_only() -> None:
    elsewhere: list[UUID] = [uuid7()]
    assert find(waiting(line_account_ids=elsewhere), said="雨") is None
    assert find(waiting(line_account_ids=[*elsewhere, HERE]), said="雨") is not None


@pytest.mark.parametrize(
    ("hours", "utc_hour", "answers"),
    [
        (("11:00", "14:00"), 2, True),
        (("11:00", "14:00"), 5, False),
        (("22:00", "02:00"), 13, True),
        (("22:00", "02:00"), 16, True),
        (("22:00", "02:00"), 17, False),
    ],
)
def test_it_answers_within_its_hours_by_the_clock_of_the_brand(
    hours: tuple[str, str], utc_hour: int, answers: bool
) -> None:
    auto_reply = waiting(hours={"from": hours[0], "to": hours[1]})
    found = find(auto_reply, said="雨", at=NOON.replace(hour=utc_hour))
    assert (found is not None) is answers
