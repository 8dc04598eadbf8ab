"""Opening hours: what may be stored, and the business days it makes."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.stores.opening_hours import (
    WEEKDAYS,
    business_day,
    find_minutes,
    instant,
    intervals,
    list_errors,
    time_left,
)

ZONE = ZoneInfo("Asia/Tokyo")
SATURDAY, SUNDAY = date(2026, 11, 21), date(2026, 11, 22)
IZAKAYA = {"fri": [["17:00", "29:00"]], "sat": [["11:00", "14:00"], ["17:00", "26:00"]]}


def at(text: str) -> datetime:
    """A Japanese wall clock time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("clock", "minutes"), [("00:00", 0), ("11:30", 690), ("24:00", 1440), ("26:00", 1560), ("30:00", 1800)]
)
def test_clock_times_run_to_thirty_oclock(clock: str, minutes: int) -> None:
    assert find_minutes(clock) == minutes


@pytest.mark.parametrize(
    "clock", ["30:01", "31:00", "9:00", "09:60", "-1:00", "１１:００", "11:00\n", "", None, 11, ["11:00"]]
)
def test_other_things_are_no_clock_time(clock: object) -> None:
    assert find_minutes(clock) is None


def test_a_store_that_states_no_hours_is_always_open() -> None:
    whole_day = [(at("2026-11-21 00:00"), at("2026-11-22 00:00"))]
    assert intervals(None, SATURDAY, ZONE) == intervals({}, SATURDAY, ZONE) == whole_day


def test_a_weekday_that_is_not_named_is_closed_once_another_is() -> None:
    assert intervals(IZAKAYA, SUNDAY, ZONE) == []


def test_openings_are_utc_and_pass_midnight() -> None:
    assert intervals(IZAKAYA, SATURDAY, ZONE) == [
        (at("2026-11-21 11:00"), at("2026-11-21 14:00")),
        (at("2026-11-21 17:00"), at("2026-11-22 02:00")),
    ]
    assert intervals(IZAKAYA, SATURDAY, ZONE)[0][0].utcoffset() == timedelta()


def test_an_exception_replaces_its_date() -> None:
    hours = {
        **IZAKAYA,
        "exceptions": [
            {"on": "2026-11-21", "hours": []},
            {"on": "2026-11-22", "hours": [["10:00", "12:00"]]},
        ],
    }
    assert intervals(hours, SATURDAY, ZONE) == []
    assert intervals(hours, SUNDAY, ZONE) == [(at("2026-11-22 10:00"), at("2026-11-22 12:00"))]


def test_exceptions_alone_leave_the_other_days_open() -> None:
    hours = {"exceptions": [{"on": "2026-12-31", "hours": []}]}
    assert intervals(hours, date(2026, 12, 31), ZONE) == []
    assert len(intervals(hours, SATURDAY, ZONE)) == 1


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-21 00:30", date(2026, 11, 20)),
        ("2026-11-21 04:59", date(2026, 11, 20)),
        ("2026-11-21 05:00", SATURDAY),
        ("2026-11-21 15:00", SATURDAY),
        ("2026-11-22 01:59", SATURDAY),
        ("2026-11-22 02:00", SUNDAY),
    ],
)
def test_the_hours_after_midnight_belong_to_the_day_before_until_closing(now: str, day: date) -> None:
    assert business_day(IZAKAYA, at(now), ZONE) == day


def test_a_store_open_until_24_oclock_changes_its_day_at_midnight() -> None:
    hours = {weekday: [["10:00", "24:00"]] for weekday in WEEKDAYS}
    assert business_day(hours, at("2026-11-21 23:59"), ZONE) == SATURDAY
    assert business_day(hours, at("2026-11-22 00:00"), ZONE) == SUNDAY


@pytest.mark.parametrize(
    ("now", "hours_left"),
    [("21 09:00", 12), ("21 12:00", 11), ("21 15:00", 9), ("22 01:30", 0.5), ("22 03:00", 0)],
)
def test_time_left_does_not_count_the_break(now: str, hours_left: float) -> None:
    left = time_left(intervals(IZAKAYA, SATURDAY, ZONE), at(f"2026-11-{now}"))
    assert left == timedelta(hours=hours_left)


def test_a_clock_time_past_midnight_is_on_the_next_date() -> None:
    assert instant(SATURDAY, 26 * 60, ZONE) == at("2026-11-22 02:00")


@pytest.mark.parametrize(
    ("hours", "pointer"),
    [
        ([], "/opening_hours"),
        ({"monday": []}, "/opening_hours/monday"),
        ({"a/b": []}, "/opening_hours/a~1b"),
        ({"mon": {}}, "/opening_hours/mon"),
        ({"mon": [["11:00"]]}, "/opening_hours/mon/0"),
        ({"mon": [["24:00", "26:00"]]}, "/opening_hours/mon/0/0"),
        ({"mon": [["11:00", "31:00"]]}, "/opening_hours/mon/0/1"),
        ({"mon": [["18:00", "02:00"]]}, "/opening_hours/mon/0/1"),
        ({"mon": [["11:00", "15:00"], ["14:00", "18:00"]]}, "/opening_hours/mon/1/0"),
        ({"mon": [["00:00", "01:00"]] * 7}, "/opening_hours/mon"),
        ({"exceptions": {}}, "/opening_hours/exceptions"),
        ({"exceptions": [{"on": "2026-12-31"}]}, "/opening_hours/exceptions/0"),
        ({"exceptions": [{"on": "2026-02-30", "hours": []}]}, "/opening_hours/exceptions/0/on"),
        ({"exceptions": [{"on": "20261231", "hours": []}]}, "/opening_hours/exceptions/0/on"),
        ({"exceptions": [{"on": "2026-12-31", "hours": []}] * 2}, "/opening_hours/exceptions/1/on"),
        (
            {"exceptions": [{"on": "2026-12-31", "hours": [["1", "2"]]}]},
            "/opening_hours/exceptions/0/hours/0/0",
        ),
    ],
)
def test_an_error_is_pointed_at(hours: object, pointer: str) -> None:
    assert [error["pointer"] for error in list_errors(hours, "/opening_hours")] == [pointer]


@pytest.mark.parametrize("hours", [None, {}, IZAKAYA, {"exceptions": []}])
def test_hours_in_order_have_no_errors(hours: object) -> None:
    assert list_errors(hours) == []


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["11:00", "26:00", "2026-12-31"]),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.sampled_from([*WEEKDAYS, "exceptions", "on", "hours", "x"]), parts, max_size=4)
    ),
)


@given(JSON, st.integers(0, 700 * 24 * 60))
def test_hours_without_errors_always_make_a_business_day(hours: Any, minutes: int) -> None:
    if list_errors(hours):
        return
    now = at("2026-01-01 00:00") + timedelta(minutes=minutes)
    day = business_day(hours, now, ZONE)
    assert day in (now.date(), now.date() - timedelta(days=1))
    assert all(opens_at < closes_at for opens_at, closes_at in intervals(hours, day, ZONE))
