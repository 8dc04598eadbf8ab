"""What a rule concludes: three-valued logic, freshness, hours, hysteresis, cooldown."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trees import AllOf, AnyOf, Not
from app.weather.conditions import Condition, Leaf, parse_condition
from app.weather.evaluation import compare, evaluate
from app.weather.freshness import expected_issue, staleness
from app.weather.jma import parse_forecast
from app.weather.logic import Truth, all_of, any_of, negate
from app.weather.outlook import Gap, Outlook, PlaceForecast
from app.weather.readings import JAPAN, Day, Reading
from app.weather.rules import Decision, Reason, Rule, State, decide
from tests.app.weather.files import TOKYO, TOKYO_STATION, at, forecast

TODAY = date(2026, 11, 21)
NOW = at("2026-11-21 11:10")
LUNCH = {"from": "11:00", "to": "17:00"}
RAINY = parse_condition({"reading": "precipitation_probability", "in": LUNCH, "op": ">=", "value": 60})
DRY = parse_condition({"reading": "precipitation_probability", "in": LUNCH, "op": "<", "value": 40})
RULE = Rule(RAINY)
truths = st.sampled_from(list(Truth))


def place(issued: str = "2026-11-21 11:00", **values: list[str]) -> PlaceForecast:
    """What a made file says about Tokyo."""
    return parse_forecast(forecast(issued, **values)).at(TOKYO, TOKYO_STATION)


def rain(probability: int, issued: str = "2026-11-21 11:00") -> PlaceForecast:
    """The 11:00 issue with this probability from 12:00 to 18:00."""
    return place(issued, rain=[str(probability), "0", "0", "0", "0", "0"])


def day(hours: dict[str, Any] | None = None, now: datetime = NOW) -> Day:
    """The business day of a store with these hours."""
    return Day.of(hours, now, JAPAN)


def conclude(
    forecast_of_place: PlaceForecast | Gap,
    rule: Rule = RULE,
    hours: dict[str, Any] | None = None,
    state: State | None = None,
    now: datetime = NOW,
) -> Decision:
    """A decision at 11:10."""
    return decide(rule, Outlook(forecast_of_place), day(hours, now), state or State(), now)


@given(truths, truths)
def test_and_and_or_are_each_others_mirror(a: Truth, b: Truth) -> None:
    assert negate(all_of([a, b])) == any_of([negate(a), negate(b)])
    assert negate(any_of([a, b])) == all_of([negate(a), negate(b)])


@given(st.lists(truths, min_size=1), st.randoms())
def test_order_and_repetition_do_not_matter(values: list[Truth], random: Any) -> None:
    shuffled = values * 2
    random.shuffle(shuffled)
    assert all_of(shuffled) == all_of(values)
    assert any_of(shuffled) == any_of(values)


@given(truths, truths, truths)
def test_each_distributes_over_the_other(a: Truth, b: Truth, c: Truth) -> None:
    assert all_of([a, any_of([b, c])]) == any_of([all_of([a, b]), all_of([a, c])])
    assert any_of([a, all_of([b, c])]) == all_of([any_of([a, b]), any_of([a, c])])


@given(st.lists(truths, min_size=1))
def test_knowing_more_never_turns_a_known_outcome(values: list[Truth]) -> None:
    for known in (Truth.TRUE, Truth.FALSE):
        filled = [known if value is Truth.UNKNOWN else value for value in values]
        for combine in (all_of, any_of):
            assert combine(values) in (Truth.UNKNOWN, combine(filled))


@given(truths)
def test_unknown_stays_unknown_and_two_negations_cancel(a: Truth) -> None:
    assert negate(negate(a)) == a
    assert negate(Truth.UNKNOWN) is Truth.UNKNOWN


@pytest.mark.parametrize(
    ("op", "value", "truth"),
    [(">=", 60, "true"), (">=", 80, "unknown"), ("<", 60, "false"), ("<", 80, "unknown"), ("=", 60, "false"),
     ("=", 80, "unknown"), (">", 100, "false"), ("<=", 100, "true")],
)  # fmt: skip
def test_a_partial_maximum_decides_only_what_it_can(op: str, value: int, truth: str) -> None:
    reading = Reading("precipitation_probability", 70, "18:00-24:00: not in this issue", "jma", NOW)
    assert compare(Leaf("precipitation_probability", op, (value,), None), reading) == truth


@pytest.mark.parametrize(
    ("op", "values", "holds"),
    [("=", (60,), True), ("in", (50, 60), True), ("in", (50,), False), ("<", (60,), False),
     ("<=", (60,), True), (">", (60,), False), (">=", (60.5,), False), (">=", (59.5,), True)],
)  # fmt: skip
def test_operators_compare_numbers(op: str, values: tuple[float, ...], holds: bool) -> None:
    reading = Reading("precipitation_probability", 60, None, "jma", NOW)
    assert compare(Leaf("precipitation_probability", op, values, None), reading) == str(holds).lower()


def test_every_comparison_is_recorded_even_if_the_first_decides() -> None:
    heat = parse_condition({"reading": "temperature_max", "op": ">=", "value": 33})
    verdict = evaluate(AnyOf((RAINY, Not(heat))), Outlook(rain(90)), day(), NOW)
    assert verdict.truth is Truth.TRUE
    assert [(leaf.truth, leaf.reading.value) for leaf in verdict.leaves] == [
        (Truth.TRUE, 90),
        (Truth.FALSE, 15),
    ]


def test_not_of_an_unknown_reading_does_not_hold() -> None:
    assert evaluate(Not(RAINY), Outlook(place(rain=[""] * 6)), day(), NOW).truth is Truth.UNKNOWN


conditions = st.recursive(
    st.builds(
        lambda reading, op, value: Leaf(reading, op, (value,), None),
        st.sampled_from(["precipitation_probability", "temperature_max"]),
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        st.integers(0, 50),
    ),
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(AllOf, st.lists(parts, min_size=1, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, min_size=1, max_size=3).map(tuple))
    ),
)


@given(conditions)
def test_no_condition_holds_without_a_forecast(condition: Condition) -> None:
    assert evaluate(condition, Outlook(Gap("no forecast")), day(), NOW).truth is Truth.UNKNOWN


@given(conditions, st.lists(st.sampled_from(["", "0", "30", "60", "100"]), min_size=6, max_size=6))
def test_negating_a_condition_negates_its_outcome(condition: Condition, pops: list[str]) -> None:
    seen = place(rain=pops)
    plain, negated = (evaluate(tree, Outlook(seen), day(), NOW).truth for tree in (condition, Not(condition)))
    assert negated == negate(plain)


@pytest.mark.parametrize(
    ("now", "issue"),
    [("21 04:00", "20 17:00"), ("21 05:29", "20 17:00"), ("21 05:30", "21 05:00"), ("21 11:10", "21 05:00"),
     ("21 11:30", "21 11:00"), ("21 17:31", "21 17:00"), ("22 00:10", "21 17:00")],
)  # fmt: skip
def test_the_issue_that_must_be_out(now: str, issue: str) -> None:
    assert expected_issue(at(f"2026-11-{now}")) == at(f"2026-11-{issue}")


@pytest.mark.parametrize(
    ("issued", "now", "fresh"),
    [
        ("21 05:00", "21 11:29", True),
        ("21 05:00", "21 11:30", False),
        ("21 08:00", "21 11:10", True),
        ("20 17:00", "21 05:29", True),
        ("20 17:00", "21 05:30", False),
        ("21 17:00", "21 16:45", True),
        ("21 17:00", "21 16:30", True),
        ("21 17:00", "21 16:29", False),
        ("20 11:00", "21 11:10", False),
    ],
)
def test_how_long_an_issue_may_be_used(issued: str, now: str, fresh: bool) -> None:
    assert (staleness(at(f"2026-11-{issued}"), at(f"2026-11-{now}")) is None) is fresh


def test_a_rule_may_ask_for_fresher_data() -> None:
    assert staleness(at("2026-11-21 05:00"), NOW, max_age_minutes=371) is None
    assert staleness(at("2026-11-21 05:00"), NOW, max_age_minutes=369) is not None


def test_a_rule_fires_when_its_condition_holds() -> None:
    decision = conclude(rain(60))
    assert (decision.reason, decision.fired, decision.on, decision.business_on) == (
        Reason.FIRED,
        True,
        True,
        TODAY,
    )
    assert decision.leaves[0].reading.value == 60


def test_a_rule_is_silent_when_it_does_not() -> None:
    decision = conclude(rain(50))
    assert (decision.reason, decision.fired, decision.on) == (Reason.CONDITION_FALSE, False, False)


@pytest.mark.parametrize("issued", ["2026-11-20 17:00", "2026-11-19 11:00", "2026-11-21 17:00"])
def test_a_stale_or_future_issue_never_fires(issued: str) -> None:
    wet = place(issued, rain=["100"] * (5 if "17:00" in issued else 6))
    decision = conclude(wet)
    assert (decision.reason, decision.on) == (Reason.STALE, False)
    assert "2026-11" in decision.detail


def test_an_empty_string_never_fires_and_says_why() -> None:
    decision = conclude(place(rain=["", "90", "90", "90", "90", "90"]))
    assert decision.reason is Reason.UNKNOWN_DATA
    assert decision.detail == "Missing precipitation_probability: 12:00-18:00: the file leaves it empty."


def test_a_dry_condition_does_not_take_an_empty_string_for_dry() -> None:
    assert conclude(place(rain=[""] * 6), Rule(DRY)).reason is Reason.UNKNOWN_DATA


def test_no_forecast_is_unknown_with_its_reason() -> None:
    decision = conclude(Gap("The file of office 130000 is malformed: it is not JSON."))
    assert (decision.reason, decision.detail) == (
        Reason.UNKNOWN_DATA,
        "The file of office 130000 is malformed: it is not JSON.",
    )


def test_heat_after_the_evening_issue_is_unknown() -> None:
    heat = Rule(parse_condition({"reading": "temperature_max", "op": ">=", "value": 0}))
    assert conclude(place("2026-11-21 17:00"), heat, now=at("2026-11-21 17:40")).reason is Reason.UNKNOWN_DATA


def test_a_rules_window_serves_comparisons_that_name_none() -> None:
    anytime = parse_condition({"reading": "precipitation_probability", "op": ">=", "value": 60})
    evening = place(rain=["0", "80", "0", "0", "0", "0"])
    lunch, dinner = parse_condition_window("11:00", "17:00"), parse_condition_window("18:00", "24:00")
    assert conclude(evening, Rule(anytime, window=lunch)).reason is Reason.CONDITION_FALSE
    assert conclude(evening, Rule(anytime, window=dinner)).reason is Reason.FIRED


def parse_condition_window(opens: str, closes: str) -> Any:
    """A window from two clock times."""
    return parse_condition(
        {"reading": "precipitation_probability", "in": {"from": opens, "to": closes}, "op": "=", "value": 0}
    ).window  # type: ignore[union-attr]


def test_without_a_window_the_opening_hours_are_asked() -> None:
    anytime = Rule(parse_condition({"reading": "precipitation_probability", "op": ">=", "value": 60}))
    evening = place(rain=["0", "80", "0", "0", "0", "0"])
    assert conclude(evening, anytime, {"sat": [["10:00", "17:00"]]}).reason is Reason.CONDITION_FALSE
    assert conclude(evening, anytime, {"sat": [["10:00", "22:00"]]}).reason is Reason.FIRED


@pytest.mark.parametrize(
    ("hours", "reason"),
    [
        ({"fri": [["10:00", "22:00"]]}, Reason.CLOSED),
        ({"sat": [["10:00", "13:09"]]}, Reason.CLOSED),
        ({"sat": [["10:00", "13:10"]]}, Reason.FIRED),
        ({"sat": [["10:00", "12:00"], ["17:00", "18:10"]]}, Reason.FIRED),
        ({"exceptions": [{"on": "2026-11-21", "hours": []}]}, Reason.CLOSED),
        ({"sat": [], "exceptions": [{"on": "2026-11-21", "hours": [["17:00", "26:00"]]}]}, Reason.FIRED),
    ],
)
def test_a_store_without_two_opening_hours_left_is_closed(hours: dict[str, Any], reason: Reason) -> None:
    assert conclude(rain(90), hours=hours).reason is reason


def test_after_midnight_a_late_store_is_still_in_the_day_before() -> None:
    late = {"sat": [["17:00", "29:00"]]}
    decision = conclude(place("2026-11-21 17:00"), hours=late, now=at("2026-11-22 01:00"))
    assert decision.business_on == TODAY


def test_a_blackout_date_is_closed() -> None:
    assert conclude(rain(90), replace(RULE, blackout_on=frozenset({TODAY}))).reason is Reason.CLOSED


def test_a_rule_fires_once_in_a_business_day() -> None:
    assert conclude(rain(90), state=State(TODAY, on=True)).reason is Reason.ALREADY_FIRED


@pytest.mark.parametrize(("days_ago", "reason"), [(1, Reason.COOLDOWN), (2, Reason.COOLDOWN), (3, Reason.FIRED)])
def test_with_a_cooldown_of_three_days_a_rule_fires_every_third_day(days_ago: int, reason: Reason) -> None:
    state = State(TODAY - timedelta(days=days_ago))
    assert conclude(rain(90), replace(RULE, cooldown_days=3), state=state).reason is reason


def test_a_rule_that_is_on_stays_on_until_its_off_condition_holds() -> None:
    rule = replace(RULE, off_condition=DRY)
    assert conclude(rain(50), rule, state=State(on=True)).reason is Reason.FIRED
    assert conclude(rain(50), rule, state=State(on=False)).reason is Reason.CONDITION_FALSE
    assert conclude(rain(30), rule, state=State(on=True)).on is False


def test_a_cooled_down_rule_remembers_that_it_is_on() -> None:
    decision = conclude(rain(90), replace(RULE, cooldown_days=3), state=State(TODAY - timedelta(days=1)))
    assert (decision.reason, decision.on) == (Reason.COOLDOWN, True)


def test_without_an_off_condition_a_rule_goes_off_with_its_condition() -> None:
    assert conclude(rain(50), state=State(on=True)).on is False


def test_unknown_data_leaves_the_state_as_it_was() -> None:
    assert conclude(place(rain=[""] * 6), state=State(on=True)).on is True


@given(st.integers(0, 30 * 24 * 60), conditions)
def test_an_issue_fires_only_from_half_an_hour_before_it_to_half_an_hour_after_the_next(
    minutes: int, condition: Condition
) -> None:
    now = at("2026-11-01 00:00") + timedelta(minutes=minutes)
    wet = place(rain=["100"] * 6, temps=["40"] * 4)
    if conclude(wet, Rule(condition), now=now).fired:
        assert at("2026-11-21 10:30") <= now < at("2026-11-21 17:30")
