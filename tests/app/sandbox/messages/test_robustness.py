"""No message, however made, makes the check fail; every valid one passes it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.sandbox.messages import MESSAGE_TYPES, Endpoint, check_messages
from tests.app.sandbox.messages.examples import JSON, MESSAGES, bubble, complaints, flex, fresh

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "box", "bubble", "text", "uri", "md", "$", "{", "https://a.test", *MESSAGE_TYPES])
)
NAMES = st.text(max_size=5) | st.sampled_from(["type", "contents", "text", "action", "label", "substitution", "emojis"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=15
)
ENDPOINTS: st.SearchStrategy[Endpoint] = st.sampled_from(["reply", "push", "multicast", "narrowcast", "broadcast"])
QUICK = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow], database=None)


def assert_details(details: Any) -> None:
    assert isinstance(details, list)
    for detail in details:
        assert detail.keys() == {"message", "property"}
        assert detail["message"]
        assert detail["property"].startswith("messages")


def paths_of(node: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a message, its own included."""
    steps: list[Any] = list(node) if isinstance(node, dict) else [*range(len(node))] if isinstance(node, list) else []
    return [so_far, *(path for step in steps for path in paths_of(node[step], (*so_far, step)))]


PLACES = [(name, path) for name, message in MESSAGES.items() for path in paths_of(message) if path]


@QUICK
@given(messages=ANYTHING, endpoint=ENDPOINTS)
def test_any_json_gets_a_list_of_details(messages: Any, endpoint: Endpoint) -> None:
    assert_details(check_messages(messages, endpoint=endpoint))


@QUICK
@given(place=st.sampled_from(PLACES), value=ANYTHING, endpoint=ENDPOINTS)
def test_anything_anywhere_in_a_valid_message_gets_a_list_of_details(
    place: tuple[str, tuple[Any, ...]], value: Any, endpoint: Endpoint
) -> None:
    name, (*way, last) = place
    message = fresh(MESSAGES[name])
    node = message
    for step in way:
        node = node[step]
    node[last] = value
    assert_details(check_messages([message], endpoint=endpoint))


@pytest.mark.parametrize("wrong", [[], {}, 0, -1, 1.5, True, "", "\ud800", [[]], {"type": []}, None])
def test_each_value_of_each_valid_message_may_be_of_a_wrong_type(wrong: Any) -> None:
    for name, (*way, last) in PLACES:
        node: Any = MESSAGES[name]
        for step in way:
            node = node[step]
        kept = node[last]
        node[last] = wrong
        try:
            assert_details(check_messages([MESSAGES[name]], endpoint="push"))
        finally:
            node[last] = kept


@pytest.mark.parametrize("name", MESSAGES)
def test_a_valid_message_passes(name: str) -> None:
    assert complaints(MESSAGES[name]) == {}


@pytest.mark.parametrize("endpoint", ["multicast", "narrowcast", "broadcast"])
@pytest.mark.parametrize("name", [name for name in MESSAGES if name not in ("text", "textV2", "sticker")])
def test_a_valid_message_passes_wherever_it_goes(name: str, endpoint: Endpoint) -> None:
    assert complaints(MESSAGES[name], endpoint=endpoint) == {}


def test_boxes_nest_as_deep_as_their_bubble_is_large() -> None:
    assert complaints(bubble(nested(100))) == {}


@pytest.mark.parametrize("depth", [200, 20_000])
def test_a_bubble_that_nests_without_end_is_refused_and_no_more(depth: int) -> None:
    found = complaints(
        bubble(nested(depth)), flex({"type": "carousel", "contents": [bubble(nested(depth))["contents"]]})
    )
    assert set(found) == {"messages[0].contents", "messages[1].contents"}


def test_a_list_in_a_list_without_end_is_refused_and_no_more() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert_details(check_messages(deep, endpoint="push"))
    for name in ("text", "buttons", "imagemap"):
        message = {**MESSAGES[name], "sender": deep, "quickReply": {"items": deep}, "actions": deep, "emojis": deep}
        assert complaints(message)


def nested(depth: int) -> JSON:
    """A box in a box in a box."""
    inner: JSON = {"type": "text", "text": "x"}
    for _ in range(depth):
        inner = {"type": "box", "layout": "vertical", "contents": [inner]}
    return inner
