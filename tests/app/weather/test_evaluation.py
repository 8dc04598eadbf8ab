"""Every reading and operator of the vocabulary: when it holds, when it does not, and when nobody knows."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.weather.conditions import parse_condition
from app.weather.evaluation import LeafVerdict, evaluate
from app.weather.logic import Truth
from app.weather.outlook import Gap, Outlook, Sky
from app.weather.readings import JAPAN, NOTHING_NOTED, Day, Notes
from tests.app.weather.outlooks import (
    NOTHING,
    NOW,
    TODAY,
    days,
    fact,
    heat,
    hour,
    hourly,
    known,
    observed,
    place,
    warned,
)

DAY = Day.of({"sat": [["10:00", "22:00"]]}, NOW, JAPAN)
YESTERDAY = TODAY - timedelta(days=1)
NOON = {"from": "12:00", "to": "15:00"}


def judge(condition: dict[str, Any], outlook: Outlook, notes: Notes = NOTHING_NOTED, **more: Any) -> LeafVerdict:
    """The verdict on one comparison at 11:10."""
    (leaf,) = evaluate(parse_condition(condition), outlook, DAY, NOW, notes=notes, **more).leaves
    return leaf


def truth(condition: dict[str, Any], outlook: Outlook, notes: Notes = NOTHING_NOTED) -> str:
    """What one comparison comes to."""
    return judge(condition, outlook, notes).truth.value


def leaf(reading: str, op: str, value: Any, window: Any = None, **more: Any) -> dict[str, Any]:
    """A comparison as JSON."""
    return {"reading": reading, "op": op, "value": value, **({"in": window} if window else {}), **more}


def every(value: float) -> dict[Any, float]:
    """The same value in every hour of the day."""
    return {hour(clock): value for clock in range(24)}


def noon(*values: float) -> dict[Any, float]:
    """Values of the hours from noon on."""
    return {hour(12 + number): value for number, value in enumerate(values)}


def kinds(*names: str) -> dict[str, Any]:
    """A forecast of the day's weather."""
    return {"forecast": place(kinds={TODAY: frozenset(names)})}


def yesterday(ratio: float = 1.0, **changes: Any) -> dict[str, Any]:
    """What was observed the day before."""
    return {"past": {YESTERDAY: fact(ratio, **changes)}}


TABLE = [
    # precipitation: the sum of the second source's hours, never from a probability
    (leaf("precipitation", ">=", 3, NOON), {"hourly": hourly(rain_mm=every(1.0))}, "true"),
    (leaf("precipitation", ">=", 4, NOON), {"hourly": hourly(rain_mm=every(1.0))}, "false"),
    (leaf("precipitation", ">=", 1, NOON), {"hourly": hourly(rain_mm={hour(12): 2.0})}, "true"),
    (leaf("precipitation", "<", 1, NOON), {"hourly": hourly(rain_mm={hour(12): 0.0})}, "unknown"),
    (leaf("precipitation", ">=", 1), {"hourly": hourly(rain_mm={})}, "unknown"),
    (leaf("precipitation", ">=", 1), {}, "unknown"),
    # raining_now: 0.5 mm in ten minutes or in the hour
    (leaf("raining_now", "=", True), {"observed": observed(rain_10_minutes_mm=0.5)}, "true"),
    (leaf("raining_now", "=", True), {"observed": observed(rain_hour_mm=0.5)}, "true"),
    (leaf("raining_now", "=", True), {"observed": observed(rain_hour_mm=0.4)}, "false"),
    (leaf("raining_now", "=", False), {"observed": observed()}, "true"),
    (leaf("raining_now", "=", True), {"observed": observed(rain_10_minutes_mm=NOTHING)}, "unknown"),
    (leaf("raining_now", "=", True), {"observed": observed(rain_10_minutes_mm=NOTHING, rain_hour_mm=2.0)}, "true"),
    # sky and weather
    (leaf("sky", "in", ["rain", "cloudy"]), {}, "true"),
    (leaf("sky", "=", "snow"), {}, "false"),
    (leaf("weather", "=", "cloudy"), {}, "true"),
    (leaf("weather", "in", ["thunder", "storm"]), kinds("rain", "thunder"), "true"),
    (leaf("weather", "=", "fog"), kinds("rain"), "false"),
    (leaf("weather", "=", "fog"), {"forecast": place(kinds={TODAY: Gap("new code")})}, "unknown"),
    (leaf("weather", "=", "cloudy"), {"forecast": place(kinds={TODAY: Gap("new code")})}, "true"),
    (leaf("weather", "=", "snow"), {"forecast": place(kinds={}, skies={})}, "unknown"),
    # temperatures
    (leaf("temperature", "<", 13), {"observed": observed()}, "true"),
    (leaf("temperature", "<", 13), {"observed": observed(temperature_c=NOTHING)}, "unknown"),
    (leaf("temperature_max", ">=", 15), {}, "true"),
    (leaf("temperature_min", "<=", 4), {}, "true"),
    (leaf("temperature_min", "<=", 3.5), {}, "false"),
    (leaf("temperature_min", "<=", 4), {"forecast": place(lows={})}, "unknown"),
    # apparent: the hottest hour against a least, the coldest against a most
    (leaf("apparent_temperature", ">=", 35, NOON), {"hourly": hourly(apparent_c=noon(20, 36, 20))}, "true"),
    (leaf("apparent_temperature", "<", 0, NOON), {"hourly": hourly(apparent_c=noon(5, -1, 5))}, "true"),
    (leaf("apparent_temperature", "<", 0, NOON), {"hourly": hourly(apparent_c={hour(12): -1})}, "true"),
    (leaf("apparent_temperature", "<", 0, NOON), {"hourly": hourly(apparent_c={hour(12): 5})}, "unknown"),
    # heat
    (leaf("wbgt", ">=", 28), {"heat": heat(at_12=27.0, at_15=31.0, at_18=26.0, at_21=24.0)}, "true"),
    (leaf("wbgt", ">=", 28), {"heat": heat(at_12=27.0, at_15=27.9, at_18=26.0, at_21=24.0)}, "false"),
    (leaf("wbgt", ">=", 28), {"heat": heat(at_12=27.0)}, "unknown"),
    (leaf("wbgt", ">=", 28), {"heat": heat()}, "unknown"),
    (leaf("heat_alert", "=", "none"), {"heat": heat()}, "true"),
    (leaf("heat_alert", ">=", "alert"), {"heat": heat(alert="special")}, "true"),
    (leaf("heat_alert", ">=", "alert"), {"heat": heat(alert=None)}, "unknown"),
    # wind: now at the station, or by the hour with a window
    (leaf("wind_speed", ">=", 3), {"observed": observed()}, "true"),
    (leaf("wind_speed", ">=", 8, NOON), {"hourly": hourly(wind_speed_ms=every(9.0))}, "true"),
    (leaf("wind_speed", ">=", 8, NOON), {"observed": observed(wind_speed_ms=20.0)}, "unknown"),
    (leaf("wind_gust", ">=", 15), {"hourly": hourly(wind_gust_ms=every(20.0))}, "true"),
    # snow
    (leaf("snowfall", ">=", 2, NOON), {"hourly": hourly(snowfall_cm=every(0.7))}, "true"),
    (leaf("snow_depth", ">=", 10), {"observed": observed(snow_depth_cm=12.0)}, "true"),
    (leaf("snow_depth", ">=", 10), {"observed": observed(snow_depth_cm=Gap("no such gauge"))}, "unknown"),
    # warnings only hold back
    (leaf("warning", "<", "warning"), {"warnings": warned("advisory")}, "true"),
    (leaf("warning", "<", "warning"), {"warnings": warned("advisory", "danger")}, "false"),
    (leaf("warning", "=", "none"), {"warnings": warned()}, "true"),
    (leaf("warning", "=", "none"), {}, "unknown"),
    # the calendar: 21 November 2026 is a Saturday
    (leaf("calendar", "=", "sat"), {}, "true"),
    (leaf("calendar", "in", ["holiday", "payday"]), {}, "false"),
    (leaf("calendar", "=", "autumn"), {}, "true"),
    # change: 15 °C today
    (leaf("temperature_max", "drops_by", 5, versus="yesterday"), yesterday(high_c=20.0), "true"),
    (leaf("temperature_max", "drops_by", 5, versus="yesterday"), yesterday(high_c=19.9), "false"),
    (leaf("temperature_max", "rises_by", 5, versus="yesterday"), yesterday(high_c=10.0), "true"),
    (leaf("temperature_max", "rises_by", 5, versus="yesterday"), yesterday(high_c=20.0), "false"),
    (leaf("temperature_max", "drops_by", 5, versus="yesterday"), yesterday(0.9, high_c=20.0), "unknown"),
    (leaf("temperature_max", "drops_by", 5, versus="yesterday"), {}, "unknown"),
    (leaf("temperature_max", "drops_by", 1, versus="normal"), {}, "true"),
    (leaf("temperature_max", "drops_by", 2, versus="normal"), {}, "false"),
    (leaf("temperature_max", "drops_by", 1, versus="normal"), {"forecast": place(normal_highs={TODAY: 0.0})}, "false"),
    (leaf("temperature_max", "drops_by", 1, versus="normal"), {"forecast": place(normal_highs={})}, "unknown"),
    # days in a row: today by the forecast, the others as observed
    (leaf("temperature_max", ">=", 15, for_days=3), {"past": days(2)}, "true"),
    (leaf("temperature_max", ">=", 15, for_days=3), {"past": {**days(2), YESTERDAY: fact(high_c=14.9)}}, "false"),
    (leaf("temperature_max", ">=", 15, for_days=3), {"past": days(1)}, "unknown"),
    (leaf("temperature_max", ">=", 15, for_days=2), yesterday(0.5, high_c=18.0), "true"),
    (leaf("temperature_max", ">=", 15, for_days=2), yesterday(0.5, high_c=9.0), "unknown"),
    (leaf("temperature_max", ">=", 20, for_days=2), {}, "false"),
    (leaf("weather", "=", "rain", for_days=2), {**kinds("rain"), **yesterday(rain_mm=1.0)}, "true"),
    (leaf("weather", "=", "rain", for_days=2), {**kinds("rain"), **yesterday(rain_mm=0.5)}, "false"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "parts", "expected"), TABLE)
def test_every_reading_and_operator(condition: dict[str, Any], parts: dict[str, Any], expected: str) -> None:
    assert truth(condition, known(**parts)) == expected


@pytest.mark.parametrize(
    ("condition", "fresh", "old"),
    [
        (leaf("raining_now", "=", False), {"observed": observed(30)}, {"observed": observed(31)}),
        (leaf("precipitation", "<", 1), {"hourly": hourly(9)}, {"hourly": hourly(9.1)}),
        (leaf("heat_alert", "=", "none"), {"heat": heat(3)}, {"heat": heat(3.1)}),
        (leaf("warning", "=", "none"), {"warnings": warned(minutes_ago=60)}, {"warnings": warned(minutes_ago=61)}),
        (leaf("raining_now", "=", False), {"observed": observed(-30)}, {"observed": observed(-31)}),
    ],
    ids=["observations", "second source", "heat", "warnings", "dated ahead"],
)
def test_each_product_is_judged_by_its_own_clock(
    condition: dict[str, Any], fresh: dict[str, Any], old: dict[str, Any]
) -> None:
    assert truth(condition, known(**fresh)) == "true"
    verdict = judge(condition, known(**old))
    assert (verdict.truth, verdict.reading.is_stale) == (Truth.UNKNOWN, True)
    assert verdict.reading.gap


def test_a_rule_may_ask_for_fresher_observations() -> None:
    raining, seen = leaf("raining_now", "=", False), known(observed=observed(20))
    assert judge(raining, seen, max_age_minutes=20).truth is Truth.TRUE
    assert judge(raining, seen, max_age_minutes=19).truth is Truth.UNKNOWN


def test_a_reading_says_its_source_and_when_it_was_issued() -> None:
    seen = observed(10)
    reading = judge(leaf("temperature", "<", 13), known(observed=seen)).reading
    assert (reading.name, reading.value, reading.source, reading.issued_at) == (
        "temperature", 12.5, "jma_amedas", seen.observed_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pollen", "expected"), [("high", "true"), ("very_high", "true"), ("medium", "false"), (None, "unknown")]
)
def test_pollen_is_what_the_brand_has_set(pollen: str | None, expected: str) -> None:
    assert truth(leaf("pollen", ">=", "high"), known(), Notes(pollen=pollen)) == expected


FIRST_SNOW = leaf("weather", "first_time_this_season", "snow")
SNOWY = place(kinds={TODAY: frozenset({"snow"})}, skies={TODAY: Sky.SNOW})
SINCE_AUGUST = (TODAY - date(2026, 8, 1)).days


def without(count: int) -> dict[date, Any]:
    """The season's history, of which so many days are missing."""
    whole = days(SINCE_AUGUST)
    return dict(list(whole.items())[count:])


@pytest.mark.parametrize(
    ("past", "notes", "expected"),
    [
        (days(SINCE_AUGUST), Notes(), "true"),
        (without(5), Notes(), "true"),
        (without(6), Notes(), "unknown"),
        ({}, Notes(), "unknown"),
        ({}, Notes(confirmed_on=TODAY), "true"),
        ({}, Notes(confirmed_on=date(2026, 8, 1)), "true"),
        ({}, Notes(confirmed_on=date(2026, 7, 31)), "unknown"),
        ({YESTERDAY: fact(0.2, snowed=True)}, Notes(confirmed_on=TODAY), "false"),
        ({date(2026, 7, 30): fact(snowed=True), **days(SINCE_AUGUST)}, Notes(), "true"),
        (days(SINCE_AUGUST, snowed=NOTHING), Notes(), "unknown"),
        (days(SINCE_AUGUST), Notes((("weather snow 2026-08-01", YESTERDAY),)), "false"),
        (days(SINCE_AUGUST), Notes((("weather snow 2026-08-01", TODAY),)), "true"),
        (days(SINCE_AUGUST), Notes((("weather snow 2025-08-01", date(2026, 1, 3)),)), "true"),
    ],
    ids=[
        "complete", "95 %", "less", "no history", "confirmed", "confirmed when it began", "confirmed for another",
        "seen on a day that was hardly observed", "another season's snow", "nobody measures snow", "it has fired",
        "it fires today", "it fired last winter",
    ],
)  # fmt: skip
def test_the_first_snow_comes_once_a_season_and_only_if_it_is_known_to_be_the_first(
    past: dict[date, Any], notes: Notes, expected: str
) -> None:
    assert truth(FIRST_SNOW, known(forecast=SNOWY, past=past), notes) == expected


def test_without_snow_today_it_is_not_the_first_whatever_went_before() -> None:
    assert truth(FIRST_SNOW, known()) == "false"


def test_the_first_day_of_thirty_degrees_is_counted_by_the_year() -> None:
    first = leaf("temperature_max", "first_time_this_season", 15)
    since_january = (TODAY - date(2026, 1, 1)).days
    assert truth(first, known(past=days(since_january, high_c=14.9))) == "true"
    assert (
        truth(first, known(past={**days(since_january, high_c=14.9), date(2026, 1, 1): fact(high_c=15.0)})) == "false"
    )


PARTS = {
    "observed": st.sampled_from([NOTHING, observed(rain_hour_mm=0.0), observed(rain_hour_mm=3.0)]),
    "hourly": st.one_of(
        st.just(NOTHING),
        st.builds(
            lambda amounts: hourly(rain_mm={hour(12 + n): mm for n, mm in enumerate(amounts) if mm is not None}),
            st.lists(st.sampled_from([None, 0.0, 2.0]), min_size=3, max_size=3),
        ),
    ),
    "warnings": st.one_of(st.just(NOTHING), st.just(warned()), st.just(warned("danger"))),
    "past": st.one_of(
        st.just({}), st.just({YESTERDAY: fact(0.4, high_c=12.0)}), st.just({YESTERDAY: fact(high_c=20.0)})
    ),
}  # fmt: skip
LEAVES = [
    leaf("raining_now", "=", True), leaf("raining_now", "=", False), leaf("precipitation", ">=", 2, NOON),
    leaf("precipitation", "<", 2, NOON), leaf("temperature_max", "drops_by", 3, versus="yesterday"),
    leaf("temperature_max", ">=", 12, for_days=2), leaf("temperature_max", "<", 12, for_days=2),
    leaf("temperature_min", "<=", 4), leaf("calendar", "=", "sat"),
]  # fmt: skip
CONDITIONS = st.recursive(
    st.sampled_from(LEAVES),
    lambda parts: (
        parts.map(lambda part: {"not": part})
        | st.lists(parts, min_size=1, max_size=3).map(lambda listed: {"all": listed})
        | st.lists(parts, min_size=1, max_size=3).map(lambda listed: {"any": listed})
    ),
    max_leaves=6,
)
FULL: dict[str, list[Any]] = {
    "observed": [observed(rain_hour_mm=0.0), observed(rain_hour_mm=3.0)],
    "hourly": [
        hourly(rain_mm={hour(12): first, hour(13): second, hour(14): third})
        for first in (0.0, 2.0)
        for second in (0.0, 2.0)
        for third in (0.0, 2.0)
    ],
    "past": [{YESTERDAY: fact(high_c=12.0)}, {YESTERDAY: fact(high_c=20.0)}],
}


def fits(part: str, little: Any, much: Any) -> bool:
    """Whether one is what the other may turn out to be."""
    if little is NOTHING or little == {}:
        return True
    if part == "hourly":
        return all(much.rain_mm[at] == mm for at, mm in little.rain_mm.items())
    if part == "past":
        before, after = little[YESTERDAY], much[YESTERDAY]
        return bool(before == after or (before.complete_ratio < 1 and after.high_c >= before.high_c))
    return bool(little == much)


@given(CONDITIONS, st.fixed_dictionaries({name: PARTS[name] for name in FULL}), st.data())
def test_filling_a_gap_never_turns_what_is_known(condition: Any, parts: dict[str, Any], data: st.DataObject) -> None:
    full = {
        name: data.draw(st.sampled_from([much for much in choices if fits(name, parts[name], much)]))
        for name, choices in FULL.items()
    }
    tree = parse_condition(condition)
    before = evaluate(tree, known(**parts), DAY, NOW).truth
    after = evaluate(tree, known(**full), DAY, NOW).truth
    assert before in (Truth.UNKNOWN, after)
    assert after is not Truth.UNKNOWN


@given(CONDITIONS, st.fixed_dictionaries(PARTS))
def test_a_condition_and_its_negation_are_never_both_true(condition: Any, parts: dict[str, Any]) -> None:
    seen = known(**parts)
    plain, negated = (evaluate(parse_condition(tree), seen, DAY, NOW).truth for tree in (condition, {"not": condition}))
    assert {plain, negated} in ({Truth.TRUE, Truth.FALSE}, {Truth.UNKNOWN})


def test_without_a_forecast_its_readings_are_unknown_and_others_are_not() -> None:
    seen = replace(known(observed=observed()), forecast=Gap("no file"))
    assert truth(leaf("temperature_max", ">=", -50), seen) == "unknown"
    assert truth(leaf("temperature", "<", 13), seen) == "true"
