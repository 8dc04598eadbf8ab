"""From when until when a copy may be used."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.coupons.validity import find_span

JAPAN = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 21, 2, 10, tzinfo=UTC)
TODAY = date(2026, 11, 21)
LUNCH_AND_NIGHT = {"sat": [["11:00", "15:00"], ["17:00", "26:00"]]}
UNTIL_TEN = {"sat": [["11:00", "22:00"]]}
NOT_ON_SATURDAY = {"fri": [["11:00", "22:00"]]}


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of 2026 by Japan's clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=JAPAN)


def span(validity: dict[str, Any], hours: Any = ()) -> tuple[datetime, datetime]:
    found = find_span(validity, issued_at=NOW, business_on=TODAY, hours=hours, zone=JAPAN)
    return found.starts_at, found.expires_at


def test_dates_are_whole_days_in_the_brand_s_zone() -> None:
    assert span({"from": "2026-11-20", "to": "2026-11-30"}) == (at(11, 20, 0), at(12, 1, 0))


def test_instants_are_taken_as_they_stand() -> None:
    assert span({"from": "2026-11-20T09:30:00Z", "to": "2026-11-30"}) == (at(11, 20, 18, 30), at(12, 1, 0))


def test_hours_after_issue_begin_at_once() -> None:
    assert span({"hours_after_issue": 3}) == (NOW, datetime(2026, 11, 21, 5, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "closing"),
    [
        ([UNTIL_TEN], at(11, 21, 22)),
        ([LUNCH_AND_NIGHT], at(11, 22, 2)),
        ([UNTIL_TEN, LUNCH_AND_NIGHT, NOT_ON_SATURDAY], at(11, 22, 2)),
        ([None], at(11, 22, 0)),
        ([NOT_ON_SATURDAY], at(11, 22, 0)),
        ([], at(11, 22, 0)),
    ],
)
def test_a_weather_day_lasts_from_midnight_to_the_last_closing(hours: Any, closing: datetime) -> None:
    assert span({"weather_day": True}, hours) == (at(11, 21, 0), closing)
