"""Actions: where each may stand, what it must say, and the rules of the date picker."""

from typing import Any, get_args

import pytest

from app.sandbox.messages.actions import Where, check_action
from tests.app.sandbox.messages.examples import ACTIONS, POSTBACK, SAY, complaints, quick_replies, spoil, template

EVERYWHERE = ["postback", "message", "uri", "datetimepicker", "clipboard"]
ALLOWED: dict[Where, list[str]] = {
    "template": EVERYWHERE,
    "default_action": EVERYWHERE,
    "image_carousel": EVERYWHERE,
    "quick_reply": [*EVERYWHERE, "camera", "cameraRoll", "location"],
    "flex_button": EVERYWHERE,
    "flex": EVERYWHERE,
    "flex_video": ["uri"],
    "rich_menu": [*EVERYWHERE, "richmenuswitch"],
}
LABELS: dict[Where, int] = {
    "template": 20,
    "default_action": 20,
    "image_carousel": 12,
    "quick_reply": 20,
    "flex_button": 40,
    "flex": 40,
    "flex_video": 40,
    "rich_menu": 20,
}


def check(action: Any, where: Where = "rich_menu") -> dict[str, str]:
    return {detail["property"]: detail["message"] for detail in check_action(action, "areas[0].action", where)}


def test_the_tables_name_every_place() -> None:
    assert set(get_args(Where)) == set(ALLOWED) == set(LABELS)


@pytest.mark.parametrize("kind", ACTIONS)
@pytest.mark.parametrize("where", ALLOWED)
def test_an_action_stands_where_it_may_and_nowhere_else(where: Where, kind: str) -> None:
    found = check(ACTIONS[kind], where)
    if kind in ALLOWED[where]:
        assert found == {}
    else:
        wanted = f"Must be one of the following values: [{', '.join(ALLOWED[where])}]"
        assert found == {"areas[0].action.type": wanted}


@pytest.mark.parametrize("where", LABELS)
def test_a_label_is_as_long_as_its_place_allows(where: Where) -> None:
    action = ACTIONS["uri"]
    assert check({**action, "label": "字" * LABELS[where]}, where) == {}
    assert check({**action, "label": "字" * (LABELS[where] + 1)}, where) == {
        "areas[0].action.label": f"Length must be between 0 and {LABELS[where]}"
    }


@pytest.mark.parametrize("where", LABELS)
@pytest.mark.parametrize("label", ["", None])
def test_a_label_that_is_shown_may_not_be_empty(where: Where, label: str | None) -> None:
    found = check({**ACTIONS["uri"], "label": label}, where)
    shown = where in ("template", "quick_reply", "flex_button")
    assert found == ({"areas[0].action.label": "May not be empty"} if shown else {})


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("postback", "data", "must be specified"),
        ("message", "text", "May not be empty"),
        ("uri", "uri", "May not be empty"),
        ("datetimepicker", "data", "must be specified"),
        ("datetimepicker", "mode", "must be specified"),
        ("clipboard", "clipboardText", "May not be empty"),
        ("richmenuswitch", "richMenuAliasId", "May not be empty"),
        ("richmenuswitch", "data", "must be specified"),
        ("message", "type", "must be specified"),
    ],
)
def test_an_action_says_what_it_does(kind: str, name: str, message: str) -> None:
    assert check({key: value for key, value in ACTIONS[kind].items() if key != name}) == {
        f"areas[0].action.{name}": message
    }


def test_a_postback_is_shown_by_one_text() -> None:
    assert check({"type": "postback", "data": "x", "text": "x" * 300}) == {}
    assert check({**POSTBACK, "text": "x"}) == {"areas[0].action.text": "Must not be specified"}


def test_a_postback_opens_one_of_four_things() -> None:
    wanted = "Must be one of the following values: [closeRichMenu, openRichMenu, openKeyboard, openVoice]"
    assert check({**POSTBACK, "inputOption": "openDoor"}) == {"areas[0].action.inputOption": wanted}


def test_a_tab_names_an_alias() -> None:
    tab = ACTIONS["richmenuswitch"]
    assert check({**tab, "richMenuAliasId": "a" * 32}) == {}
    assert check({**tab, "richMenuAliasId": "a" * 33}) == {
        "areas[0].action.richMenuAliasId": "Length must be between 0 and 32"
    }
    assert check({**tab, "richMenuAliasId": "Tab"}) == {"areas[0].action.richMenuAliasId": "invalid richMenuAliasId"}


def test_a_desktop_address_is_a_web_page() -> None:
    action = {**ACTIONS["uri"], "altUri": {"desktop": "tel:0312345678"}}
    assert check(action) == {"areas[0].action.altUri.desktop": "invalid uri scheme"}


def picker(mode: str, **values: Any) -> dict[str, Any]:
    return {"type": "datetimepicker", "label": "x", "data": "x", "mode": mode, **values}


@pytest.mark.parametrize(
    ("mode", "first", "last"),
    [
        ("date", "1900-01-01", "2100-12-31"),
        ("time", "00:00", "23:59"),
        ("datetime", "1900-01-01T00:00", "2100-12-31t23:59"),
    ],
)
def test_a_picker_reaches_from_1900_to_2100(mode: str, first: str, last: str) -> None:
    assert check(picker(mode, min=first, initial=first, max=last)) == {}
    assert check(picker(mode, min=first, initial=last, max=last)) == {}


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        ("date", "1899-12-31"),
        ("date", "2101-01-01"),
        ("date", "2026-02-29"),
        ("date", "2026-2-3"),
        ("date", "２０２６-01-01"),
        ("date", "2026-12-24T18:30"),
        ("time", "24:00"),
        ("time", "9:00"),
        ("time", "09:60"),
        ("datetime", "2026-12-24 18:30"),
        ("datetime", "2026-12-24T18:30:00"),
        ("datetime", "2101-01-01T00:00"),
        ("date", 20261224),
    ],
)
def test_a_picker_takes_only_moments_in_the_format_of_its_mode(mode: str, value: Any) -> None:
    for name in ("initial", "min", "max"):
        found = check(picker(mode, **{name: value}))
        assert list(found) == [f"areas[0].action.{name}"]
        assert found[f"areas[0].action.{name}"].startswith("Must be a")


def test_a_picker_ends_after_it_begins() -> None:
    assert check(picker("date", min="2026-01-02", max="2026-01-01")) == {
        "areas[0].action.max": "Must be greater than min"
    }
    assert check(picker("time", min="10:00", max="10:00")) == {"areas[0].action.max": "Must be greater than min"}


@pytest.mark.parametrize("initial", ["09:59", "20:01"])
def test_a_picker_starts_between_its_bounds(initial: str) -> None:
    assert check(picker("time", min="10:00", max="20:00", initial=initial)) == {
        "areas[0].action.initial": "Must be between min and max"
    }


def test_a_mode_is_one_of_three() -> None:
    assert check(picker("century")) == {
        "areas[0].action.mode": "Must be one of the following values: [date, time, datetime]"
    }


def test_a_quick_reply_has_an_action_and_only_that_type() -> None:
    message = quick_replies(SAY)
    assert complaints(spoil(message, "quickReply.items[0].action", ...)) == {
        "messages[0].quickReply.items[0].action": "must be specified"
    }
    assert complaints(spoil(message, "quickReply.items[0].type", "button")) == {
        "messages[0].quickReply.items[0].type": "Must be one of the following values: [action]"
    }
    assert complaints(spoil(message, "quickReply", {})) == {"messages[0].quickReply.items": "must be specified"}


def test_all_wrong_actions_of_a_message_are_told() -> None:
    message = template(type="confirm", text="x", actions=[{"type": "camera"}, {"type": "uri", "uri": "ftp://a.test"}])
    assert set(complaints(message)) == {
        "messages[0].template.actions[0].type",
        "messages[0].template.actions[1].label",
        "messages[0].template.actions[1].uri",
    }
