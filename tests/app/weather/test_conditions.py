"""What may stand in a condition, and where an error is said to be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.trees import AllOf, AnyOf, Not
from app.weather.conditions import Leaf, needs_of, parse_condition, parse_window
from app.weather.readings import Window
from tenants.problems import Invalid

RAIN = {"reading": "precipitation_probability", "op": ">=", "value": 60}
HEAT = {"reading": "temperature_max", "op": ">=", "value": 33}


def errors(document: object) -> dict[str, str]:
    """The errors of a condition by pointer."""
    with pytest.raises(Invalid) as caught:
        parse_condition(document)
    return {error["pointer"]: error["detail"] for error in caught.value.errors}


def test_a_comparison_with_a_window() -> None:
    parsed = parse_condition({**RAIN, "in": {"from": "11:00", "to": "26:00"}})
    assert parsed == Leaf("precipitation_probability", ">=", (60,), Window(660, 1560))


def test_all_any_and_not_nest() -> None:
    rain, heat = (
        Leaf("precipitation_probability", ">=", (60,), None),
        Leaf("temperature_max", ">=", (33,), None),
    )
    assert parse_condition({"any": [RAIN, {"all": [HEAT, {"not": RAIN}]}]}) == AnyOf((rain, AllOf((heat, Not(rain)))))


def test_sky_is_compared_with_names() -> None:
    assert parse_condition({"reading": "sky", "op": "in", "value": ["rain", "snow"]}) == Leaf(
        "sky", "in", ("rain", "snow"), None
    )


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (None, "/condition"),
        ([], "/condition"),
        ({}, "/condition"),
        ({"all": [RAIN], "any": [HEAT]}, "/condition"),
        ({"all": []}, "/condition/all"),
        ({"any": RAIN}, "/condition/any"),
        ({"not": [RAIN]}, "/condition/not"),
        ({"all": [RAIN, {"reading": "moon", "op": "=", "value": 1}]}, "/condition/all/1/reading"),
        ({"all": [RAIN], "note": 1}, "/condition/note"),
        ({**RAIN, "a/b": 1}, "/condition/a~1b"),
        ({**RAIN, "reading": ["x"]}, "/condition/reading"),
        ({**RAIN, "op": "~"}, "/condition/op"),
        ({**RAIN, "op": None}, "/condition/op"),
        ({**RAIN, "value": "60"}, "/condition/value"),
        ({**RAIN, "value": True}, "/condition/value"),
        ({**RAIN, "value": float("nan")}, "/condition/value"),
        ({**RAIN, "value": 10**400}, "/condition/value"),
        ({**RAIN, "value": 101}, "/condition/value"),
        ({**RAIN, "op": "in", "value": [50, "x"]}, "/condition/value/1"),
        ({**RAIN, "op": "in", "value": []}, "/condition/value"),
        ({**HEAT, "value": 60}, "/condition/value"),
        ({**RAIN, "in": "11:00"}, "/condition/in"),
        ({**RAIN, "in": {"from": "25:99", "to": "26:00"}}, "/condition/in/from"),
        ({**RAIN, "in": {"from": "11:00", "to": "31:00"}}, "/condition/in/to"),
        ({**RAIN, "in": {"from": "17:00", "to": "11:00"}}, "/condition/in/to"),
        ({**RAIN, "in": {"from": "11:00", "to": "13:00"}}, "/condition/in"),
        ({**HEAT, "in": {"from": "11:00", "to": "17:00"}}, "/condition/in"),
        ({"reading": "sky", "op": ">=", "value": "rain"}, "/condition/op"),
        ({"reading": "sky", "op": "=", "value": "Rain"}, "/condition/value"),
    ],
)
def test_an_error_is_pointed_at(document: object, pointer: str) -> None:
    assert list(errors(document)) == [pointer]


@pytest.mark.parametrize(
    "document",
    [
        {"reading": "precipitation", "op": ">=", "value": 1.5, "in": {"from": "12:00", "to": "13:00"}},
        {"reading": "raining_now", "op": "=", "value": True},
        {"reading": "weather", "op": "in", "value": ["thunder", "fog", "heavy", "storm", "rain", "snow"]},
        {"reading": "temperature", "op": "<", "value": 5},
        {"reading": "temperature_min", "op": "<=", "value": -0.5},
        {"reading": "apparent_temperature", "op": ">", "value": 35},
        {"reading": "wbgt", "op": ">=", "value": 28},
        {"reading": "heat_alert", "op": ">=", "value": "alert"},
        {"reading": "wind_speed", "op": ">=", "value": 10, "in": {"from": "12:00", "to": "13:00"}},
        {"reading": "wind_gust", "op": ">=", "value": 20},
        {"reading": "snowfall", "op": ">=", "value": 3},
        {"reading": "snow_depth", "op": ">=", "value": 10},
        {"reading": "warning", "op": "<", "value": "warning"},
        {"reading": "pollen", "op": ">=", "value": "high"},
        {"reading": "calendar", "op": "in", "value": ["payday", "golden_week"]},
        {"reading": "temperature_max", "op": "drops_by", "value": 5, "versus": "yesterday"},
        {"reading": "temperature_max", "op": "rises_by", "value": 0.5, "versus": "normal"},
        {"reading": "temperature_max", "op": ">=", "value": 33, "for_days": 2},
        {"reading": "weather", "op": "=", "value": "rain", "for_days": 3},
        {"reading": "weather", "op": "first_time_this_season", "value": "snow"},
        {"reading": "temperature_max", "op": "first_time_this_season", "value": 30},
    ],
)
def test_every_reading_and_operator_of_the_vocabulary_is_taken(document: dict[str, Any]) -> None:
    parsed = parse_condition(document)
    assert isinstance(parsed, Leaf)
    assert (parsed.reading, parsed.op) == (document["reading"], document["op"])


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"reading": "raining_now", "op": "=", "value": 1}, "/condition/value"),
        ({"reading": "raining_now", "op": ">=", "value": True}, "/condition/op"),
        ({"reading": "calendar", "op": "<", "value": "mon"}, "/condition/op"),
        ({"reading": "calendar", "op": "=", "value": "someday"}, "/condition/value"),
        ({"reading": "temperature", "op": ">=", "value": 5, "in": {"from": "12:00", "to": "13:00"}}, "/condition/in"),
        ({"reading": "wind_gust", "op": ">=", "value": 5, "in": {"from": "13:00", "to": "12:00"}}, "/condition/in/to"),
        ({**HEAT, "op": "drops_by", "value": 5}, "/condition/versus"),
        ({**HEAT, "op": "drops_by", "value": 0, "versus": "normal"}, "/condition/value"),
        ({**HEAT, "op": "drops_by", "value": 5, "versus": "tomorrow"}, "/condition/versus"),
        ({**HEAT, "versus": "yesterday"}, "/condition/versus"),
        ({**RAIN, "op": "drops_by", "value": 5, "versus": "normal"}, "/condition/op"),
        ({**HEAT, "for_days": 0}, "/condition/for_days"),
        ({**HEAT, "for_days": True}, "/condition/for_days"),
        ({**HEAT, "for_days": 31}, "/condition/for_days"),
        ({**RAIN, "for_days": 2}, "/condition/for_days"),
        ({"reading": "weather", "op": "=", "value": "thunder", "for_days": 2}, "/condition/for_days"),
        ({"reading": "wbgt", "op": "first_time_this_season", "value": 28}, "/condition/op"),
        ({"reading": "weather", "op": "first_time_this_season", "value": ["snow"]}, "/condition/value"),
    ],
)
def test_what_a_reading_does_not_take_is_pointed_at(document: object, pointer: str) -> None:
    assert list(errors(document)) == [pointer]


WARNED = {"reading": "warning", "op": ">=", "value": "warning"}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (WARNED, "/condition"),
        ({"any": [RAIN, WARNED]}, "/condition/any/1"),
        ({"all": [RAIN, {"not": {"not": WARNED}}]}, "/condition/all/1/not/not"),
        ({"reading": "warning", "op": "=", "value": "advisory"}, "/condition"),
        ({"reading": "warning", "op": "in", "value": ["none", "emergency"]}, "/condition"),
        ({"not": {"reading": "warning", "op": "=", "value": "none"}}, "/condition/not"),
        ({"not": {"reading": "warning", "op": "<", "value": "danger"}}, "/condition/not"),
    ],
)
def test_nothing_may_fire_because_of_a_warning(document: object, pointer: str) -> None:
    found = errors(document)
    assert list(found) == [pointer]
    assert "only hold a rule back" in found[pointer]


@pytest.mark.parametrize(
    "document",
    [
        {"all": [RAIN, {"not": WARNED}]},
        {"reading": "warning", "op": "=", "value": "none"},
        {"reading": "warning", "op": "in", "value": ["none", "advisory"]},
        {"reading": "warning", "op": "<=", "value": "advisory"},
        {"not": {"reading": "warning", "op": ">", "value": "none"}},
    ],
)
def test_a_warning_may_hold_a_rule_back(document: object) -> None:
    parse_condition(document)


def test_a_warning_may_turn_a_rule_off_and_not_keep_it_on() -> None:
    parse_condition(WARNED, turns_off=True)
    with pytest.raises(Invalid):
        parse_condition({"not": WARNED}, turns_off=True)


def test_a_condition_says_what_it_has_to_be_read_from() -> None:
    tree = parse_condition(
        {"any": [RAIN, {"not": {"reading": "wind_speed", "op": ">", "value": 9}}, {**HEAT, "for_days": 2}]}
    )
    assert needs_of(tree, None) == {"observed", "past"}
    in_hours = {"reading": "wind_speed", "op": ">", "value": 9, "in": {"from": "12:00", "to": "13:00"}}
    assert needs_of(parse_condition(in_hours)) == {"hourly"}


def test_every_error_is_reported_at_once() -> None:
    assert set(errors({"any": [{**RAIN, "value": -1}, {**HEAT, "op": "?"}, RAIN]})) == {
        "/condition/any/0/value",
        "/condition/any/1/op",
    }


def nested(depth: int) -> dict[str, Any]:
    """A comparison inside so many levels of `not` that it stands at this depth."""
    node: dict[str, Any] = RAIN
    for _ in range(depth - 1):
        node = {"not": node}
    return node


def test_branches_nest_eight_deep() -> None:
    parse_condition(nested(9))
    assert list(errors(nested(10))) == ["/condition" + "/not" * 8]


def test_a_hundred_comparisons_are_enough() -> None:
    parse_condition({"all": [{"any": [RAIN] * 50}, {"any": [RAIN] * 50}]})
    assert list(errors({"all": [{"any": [RAIN] * 50}, {"any": [RAIN] * 51}]})) == ["/condition"]


def test_a_deeply_nested_document_does_not_exhaust_the_stack() -> None:
    assert errors(nested(100_000))


def test_a_window_alone() -> None:
    assert parse_window({"from": "11:00", "to": "17:00"}) == Window(660, 1020)
    with pytest.raises(Invalid):
        parse_window({"from": "11:00"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([">=", "in", 60]),
    lambda parts: (
        st.lists(parts, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "reading", "op", "value", "in", "x"]), parts, max_size=5
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_any_json_is_a_condition_or_invalid_with_pointers(document: Any) -> None:
    try:
        parse_condition(document)
    except Invalid as invalid:
        found = [error["pointer"] for error in invalid.errors]
    else:
        return
    assert found == [pointer for pointer in found if pointer.startswith("/condition")] != []
