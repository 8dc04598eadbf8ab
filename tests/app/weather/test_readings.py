"""From blocks to one value, or to the reason why there is none."""

from datetime import UTC, date

import pytest

from app.weather import readings
from app.weather.outlook import Gap, PlaceForecast, Sky
from app.weather.readings import JAPAN, Window
from tests.app.weather.files import at

TODAY = date(2026, 11, 21)


def place(rain: dict[str, int | Gap], issued: str = "2026-11-21 11:00") -> PlaceForecast:
    """A forecast with the probability of some blocks, named by their start."""
    blocks = {at(f"2026-11-{start}:00").astimezone(UTC): value for start, value in rain.items()}
    return PlaceForecast("jma", at(issued), blocks, {TODAY: 33}, {TODAY: Sky.RAIN})


def probability(rain: dict[str, int | Gap], opens: int, closes: int, now: str = "2026-11-21 11:10") -> readings.Reading:
    """The reading over clock hours of today."""
    return readings.rain_probability(place(rain), [Window(opens * 60, closes * 60).on(TODAY, JAPAN)], at(now))


def test_probability_is_the_maximum_of_the_blocks_in_the_window() -> None:
    reading = probability({"21 12": 40, "21 18": 70, "22 00": 90}, 12, 24)
    assert (reading.value, reading.gap) == (70, None)


@pytest.mark.parametrize(("opens", "closes", "value"), [(11, 20, 80), (11, 19, 10), (17, 24, 80), (10, 14, 10)])
def test_a_block_counts_when_two_hours_of_it_lie_in_the_window(opens: int, closes: int, value: int) -> None:
    assert probability({"21 12": 10, "21 18": 80}, opens, closes).value == value


def test_a_window_past_midnight_reaches_into_the_next_date() -> None:
    assert probability({"21 18": 0, "22 00": 60}, 18, 26).value == 60


def test_a_missing_block_leaves_a_gap_beside_what_is_known() -> None:
    reading = probability({"21 12": 40}, 12, 24)
    assert (reading.value, reading.gap) == (40, "18:00-24:00: not in this issue")


def test_an_empty_block_says_so() -> None:
    reading = probability({"21 12": Gap("the file leaves it empty")}, 12, 18)
    assert (reading.value, reading.gap) == (None, "12:00-18:00: the file leaves it empty")


def test_a_block_that_is_nearly_over_is_not_missed() -> None:
    reading = probability({"21 12": 40}, 9, 18, now="2026-11-21 11:10")
    assert (reading.value, reading.gap) == (40, None)


def test_the_same_block_is_missed_while_two_hours_of_it_are_to_come() -> None:
    reading = probability({"21 12": 40}, 9, 18, now="2026-11-21 09:30")
    assert reading.gap == "06:00-12:00: not in this issue"


def test_a_block_that_a_correction_still_carries_counts_although_it_has_begun() -> None:
    assert probability({"21 06": 90, "21 12": 40}, 9, 18, now="2026-11-21 11:10").value == 90


def test_a_window_that_is_over_has_no_reading() -> None:
    reading = probability({"21 18": 40}, 11, 17, now="2026-11-21 18:10")
    assert (reading.value, reading.gap) == (None, "no 6-hour block of the window is left to forecast")


def test_openings_with_a_break_count_together() -> None:
    spans = [Window(11 * 60, 13 * 60).on(TODAY, JAPAN), Window(17 * 60, 18 * 60).on(TODAY, JAPAN)]
    reading = readings.rain_probability(place({"21 12": 50}), spans, at("2026-11-21 10:00"))
    assert reading.value == 50


def test_a_closed_day_has_no_reading() -> None:
    assert readings.rain_probability(place({"21 12": 50}), [], at("2026-11-21 10:00")).value is None


@pytest.mark.parametrize(
    ("opens", "closes", "counts"), [(660, 840, True), (660, 780, False), (1380, 1500, False), (0, 120, True)]
)
def test_a_window_around_a_boundary_may_count_no_block(opens: int, closes: int, counts: bool) -> None:
    assert Window(opens, closes).counts_a_block() is counts


def test_temperature_and_sky_are_those_of_the_business_day() -> None:
    assert readings.temperature_max(place({}), TODAY).value == 33
    assert readings.sky(place({}), TODAY).value == "rain"


def test_another_day_has_neither() -> None:
    other = date(2026, 11, 24)
    assert readings.temperature_max(place({}), other).gap == "this issue carries no daytime maximum for the day"
    assert readings.sky(place({}), other).value is None


def test_a_reading_says_where_and_when_it_comes_from() -> None:
    reading = readings.sky(place({}), TODAY)
    assert (reading.source, reading.issued_at) == ("jma", at("2026-11-21 11:00"))
