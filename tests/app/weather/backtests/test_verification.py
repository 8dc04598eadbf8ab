"""What fell in the window, and what firings came to by it."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.weather.archive.reading import StationDay
from app.weather.backtests.verification import (
    Contingency,
    is_wet,
    longest_run,
    measured_rain,
    speaks_of_rain,
    window_of,
)
from app.weather.conditions import parse_condition, parse_window
from app.weather.readings import Day
from app.weather.rules import Rule

ON = date(2023, 6, 1)
JAPAN = ZoneInfo("Asia/Tokyo")
AFTERNOON = parse_window({"from": "12:00", "to": "18:00"})


def day(rain: dict[int, float | None]) -> StationDay:
    """A day on which nothing fell but in these hours, each named by its end."""
    return StationDay([rain.get(hour, 0.0) for hour in range(1, 25)], [None] * 24)


def fell(rain: dict[int, float | None], window: tuple[str, str] = ("12:00", "18:00")) -> tuple[float, int] | None:
    hours = parse_window({"from": window[0], "to": window[1]})
    return measured_rain({ON: day(rain), ON + timedelta(days=1): day({1: 4.0})}, Day(ON, (), JAPAN), hours)


def test_the_hours_of_the_window_count_and_no_others() -> None:
    assert fell({12: 9.0, 13: 0.5, 18: 1.0, 19: 9.0}) == (1.5, 0)


def test_an_hour_counts_if_half_of_it_lies_in_the_window() -> None:
    assert fell({12: 1.0, 18: 2.0}, ("11:30", "17:20")) == (1.0, 0)


def test_a_window_past_midnight_reaches_into_the_next_date() -> None:
    assert fell({24: 1.0}, ("22:00", "26:00")) == (5.0, 0)


def test_a_missing_hour_leaves_a_dry_day_unknown_and_a_wet_one_wet() -> None:
    assert is_wet(fell({13: None, 14: 0.5}), 0.5) is True
    assert is_wet(fell({13: None, 14: 0.5}), 1.0) is None
    assert is_wet(fell({14: 0.5}), 1.0) is False
    assert is_wet(measured_rain({}, Day(ON, (), JAPAN), AFTERNOON), 0.5) is None


def test_a_closed_day_has_no_window_to_measure() -> None:
    assert measured_rain({ON: day({})}, Day(ON, (), JAPAN), None) is None


def test_precision_detection_and_an_interval_over_whole_days() -> None:
    counted = Contingency()
    for number in range(10):
        # Four stores a day that share their weather: seven days are wet, three are dry.
        for _ in range(4):
            counted.add(ON + timedelta(days=number), fired=True, wet=number < 7)
    counted.add(ON, fired=False, wet=True)
    counted.add(ON, fired=False, wet=False)
    assert (counted.fired, counted.days, counted.misses, counted.correct_negatives) == (40, 10, 1, 1)
    assert counted.precision == 0.7
    assert counted.detection == pytest.approx(28 / 29)
    low, high = counted.interval() or (0.0, 0.0)
    # As wide as ten observations are, and not forty: 0.7 ± 1.96 × sqrt(0.7 × 0.3 / 9).
    assert (low, high) == pytest.approx((0.4006, 0.9994), abs=0.0005)


def test_without_firings_there_is_no_precision() -> None:
    counted = Contingency()
    counted.add(ON, fired=False, wet=False)
    assert (counted.precision, counted.interval(), counted.detection) == (None, None, None)


def test_the_longest_run_is_of_dates_in_a_row() -> None:
    dates = [ON, ON, ON + timedelta(days=1), ON + timedelta(days=3)]
    assert (longest_run(dates), longest_run([])) == (2, 0)


def test_a_rule_is_about_the_hours_that_it_names() -> None:
    leaf = {"reading": "precipitation_probability", "op": ">=", "value": 60}
    two = {"any": [leaf | {"in": {"from": "06:00", "to": "12:00"}}, leaf | {"in": {"from": "18:00", "to": "24:00"}}]}
    assert window_of(Rule(parse_condition(leaf))) is None
    assert window_of(Rule(parse_condition(two), window=AFTERNOON)) == AFTERNOON
    found = window_of(Rule(parse_condition(two)))
    assert found is not None
    assert (found.opens, found.closes) == (360, 1440)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"reading": "temperature_max", "op": ">=", "value": 33}, False),
        ({"reading": "sky", "op": "=", "value": "rain"}, True),
        ({"reading": "sky", "op": "=", "value": "clear"}, False),
        ({"not": {"reading": "raining_now", "op": "=", "value": True}}, True),
    ],
)
def test_only_a_rule_on_rain_is_held_against_a_gauge(condition: dict[str, object], expected: bool) -> None:
    assert speaks_of_rain(Rule(parse_condition(condition))) is expected
