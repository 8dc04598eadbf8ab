"""Flex messages: which component stands where, and what its properties may hold."""

import importlib
from typing import Any

import pytest

from app.sandbox.messages.flex_components import BUBBLE, COMPONENTS
from tests.app.sandbox.messages.examples import (
    BOX,
    BUTTON,
    ICON,
    IMAGE,
    MESSAGES,
    SAY,
    SPAN,
    STILL_BUBBLE,
    TEXT,
    bubble,
    complaints,
    flex,
    spoil,
)
from tests.app.sandbox.messages.examples import (
    BUBBLE as FULL_BUBBLE,
)

models: Any = importlib.import_module("linebot.v3.messaging.models")

VIDEO: Any = FULL_BUBBLE["hero"]
SEPARATOR, FILLER, SPACER = {"type": "separator"}, {"type": "filler"}, {"type": "spacer"}
EMPTY_BOX = {"type": "box", "layout": "horizontal", "contents": []}
PARTS: dict[str, dict[str, Any]] = {
    "box": EMPTY_BOX,
    "button": BUTTON,
    "image": IMAGE,
    "text": TEXT,
    "separator": SEPARATOR,
    "filler": FILLER,
    "spacer": SPACER,
    "icon": ICON,
    "span": SPAN,
    "video": VIDEO,
}
FIRST = "messages[0].contents.body.contents[0]"


def one_of(*values: str) -> str:
    return f"Must be one of the following values: [{', '.join(values)}]"


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("layout", ["vertical", "horizontal", "baseline"])
def test_a_box_holds_what_its_layout_allows(layout: str, kind: str) -> None:
    if layout == "baseline":
        allowed = ["icon", "text", "filler", "spacer"]
    else:
        allowed = ["box", "button", "image", "text", "separator", "filler", "spacer"]
    found = complaints(bubble(PARTS[kind], layout=layout))
    assert found == ({} if kind in allowed else {f"{FIRST}.type": one_of(*allowed)})


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("block", ["header", "hero", "body", "footer"])
def test_a_block_is_a_box_and_the_hero_perhaps_a_picture_or_video(block: str, kind: str) -> None:
    allowed = ["box", "image", "video"] if block == "hero" else ["box"]
    found = complaints(flex({"type": "bubble", block: PARTS[kind]}))
    assert found == ({} if kind in allowed else {f"messages[0].contents.{block}.type": one_of(*allowed)})


def test_a_bubble_has_a_block() -> None:
    assert complaints(flex({"type": "bubble"})) == {"messages[0].contents": "At least one block must be specified"}


@pytest.mark.parametrize("size", ["nano", "micro", "deca", "hecto", "kilo", "mega", "giga", None])
def test_a_video_needs_a_bubble_of_some_width(size: str | None) -> None:
    found = complaints(spoil(MESSAGES["flex"], "contents.size", size))
    wide = size in ("kilo", "mega", "giga", None)
    assert found == ({} if wide else {"messages[0].contents.hero.type": one_of("box", "image")})


def test_a_video_stands_in_no_carousel() -> None:
    message = flex({"type": "carousel", "contents": [STILL_BUBBLE, FULL_BUBBLE]})
    assert complaints(message) == {"messages[0].contents.contents[1].hero.type": one_of("box", "image")}


def test_a_video_has_a_substitute_that_is_no_video() -> None:
    assert complaints(spoil(MESSAGES["flex"], "contents.hero.altContent", ...)) == {
        "messages[0].contents.hero.altContent": "must be specified"
    }
    assert complaints(spoil(MESSAGES["flex"], "contents.hero.altContent", VIDEO)) == {
        "messages[0].contents.hero.altContent.type": one_of("box", "image")
    }


def test_a_video_leads_only_to_an_address() -> None:
    assert complaints(spoil(MESSAGES["flex"], "contents.hero.action", SAY)) == {
        "messages[0].contents.hero.action.type": one_of("uri")
    }


def test_a_carousel_holds_bubbles_of_one_size() -> None:
    body = {"type": "bubble", "body": EMPTY_BOX}
    assert complaints(flex({"type": "carousel", "contents": [body, {**body, "size": "mega"}]})) == {}
    assert complaints(flex({"type": "carousel", "contents": [body, {**body, "size": "kilo"}]})) == {
        "messages[0].contents.contents[1].size": "All bubbles must have the same size"
    }


def test_a_carousel_holds_no_carousel() -> None:
    message = flex({"type": "carousel", "contents": [MESSAGES["flex_carousel"]["contents"]]})
    assert complaints(message) == {"messages[0].contents.contents[0].type": one_of("bubble")}


def test_a_container_is_a_bubble_or_a_carousel() -> None:
    assert complaints(flex(EMPTY_BOX)) == {"messages[0].contents.type": one_of("bubble", "carousel")}
    assert complaints(flex({})) == {"messages[0].contents.type": "must be specified"}


@pytest.mark.parametrize("text", [{}, {"text": ""}, {"contents": []}])
def test_a_text_says_something(text: dict[str, Any]) -> None:
    assert complaints(bubble({"type": "text", **text})) == {f"{FIRST}.text": "May not be empty"}


def test_only_spans_stand_in_a_text() -> None:
    assert complaints(bubble({"type": "text", "contents": [SPAN, TEXT]})) == {
        f"{FIRST}.contents[1].type": one_of("span")
    }


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("box", "layout", "must be specified"),
        ("box", "contents", "must be specified"),
        ("button", "action", "must be specified"),
        ("image", "url", "May not be empty"),
    ],
)
def test_a_component_has_what_it_needs(kind: str, name: str, message: str) -> None:
    part = {key: value for key, value in PARTS[kind].items() if key != name}
    assert complaints(bubble(part)) == {f"{FIRST}.{name}": message}


def test_a_button_has_a_label() -> None:
    assert complaints(bubble({"type": "button", "action": {"type": "uri", "uri": "https://a.test"}})) == {
        f"{FIRST}.action.label": "May not be empty"
    }


SPACES = ["none", "xs", "sm", "md", "lg", "xl", "xxl"]
LETTERS = ["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl"]
PIXELS = ["0px", "7px", "12.5px"]
PERCENT = ["0%", "50%", "33.3%"]
COLOURS = ["#000000", "#FfFfFf", "#12345678"]
NO_COLOURS = ["red", "#fff", "000000", "#00000g", "#1234567", "rgb(0,0,0)"]
RATIOS = ["1:1", "20:13", "100000:1", "1:3", "33334:100000"]
NO_RATIOS = ["1:4", "0:1", "1:0", "100001:1", "1.5:1", "16/9", "1"]
RULES: list[tuple[dict[str, Any], str, list[Any], list[Any]]] = [
    *((BOX, name, [*SPACES, *PIXELS], ["-1px", "5%", "3xl", "px", "5"]) for name in ("spacing", "margin")),
    *(
        (BOX, f"padding{side}", [*SPACES, *PIXELS, *PERCENT], ["-1px", "3xl", "5em"])
        for side in ("All", "Top", "Bottom", "Start", "End")
    ),
    *(
        (BOX, f"offset{side}", [*SPACES, *PIXELS, *PERCENT, "-7px", "-50%"], ["3xl", "--1px"])
        for side in ("Top", "Bottom", "Start", "End")
    ),
    *(
        (BOX, name, [*PIXELS, *PERCENT], ["md", "-1px", "auto"])
        for name in ("width", "maxWidth", "height", "maxHeight")
    ),
    (BOX, "borderWidth", ["none", "light", "normal", "medium", "semi-bold", "bold", *PIXELS], ["md", "5%"]),
    (BOX, "cornerRadius", [*SPACES, *PIXELS], ["3xl", "5%"]),
    (BOX, "backgroundColor", COLOURS, NO_COLOURS),
    (BOX, "borderColor", COLOURS, NO_COLOURS),
    (IMAGE, "backgroundColor", COLOURS, NO_COLOURS),
    (TEXT, "color", COLOURS, NO_COLOURS),
    (BUTTON, "color", COLOURS, NO_COLOURS),
    (SEPARATOR, "color", COLOURS, NO_COLOURS),
    (TEXT, "size", [*LETTERS, *PIXELS], ["full", "50%", "6xl"]),
    (IMAGE, "size", [*LETTERS, "full", *PIXELS, *PERCENT], ["6xl", "-1px"]),
    (IMAGE, "aspectRatio", RATIOS, NO_RATIOS),
    (TEXT, "lineSpacing", PIXELS, ["md", "5", "-1px"]),
]


@pytest.mark.parametrize(("part", "name", "allowed", "refused"), RULES)
def test_measures_and_colours_have_their_forms(
    part: dict[str, Any], name: str, allowed: list[str], refused: list[str]
) -> None:
    part = {"contents": [], **part} if part["type"] == "box" else part
    for value in allowed:
        assert complaints(bubble({**part, name: value})) == {}, value
    for value in refused:
        assert complaints(bubble({**part, name: value})) == {f"{FIRST}.{name}": "invalid property"}, value


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("angle", ["0deg", "90deg", "359.9deg"], ["360deg", "-1deg", "90", "90rad"]),
        ("startColor", COLOURS, NO_COLOURS),
        ("endColor", COLOURS, NO_COLOURS),
        ("centerColor", COLOURS, NO_COLOURS),
        ("centerPosition", ["0%", "99.9%", "100%"], ["100.1%", "101%", "-1%", "50"]),
    ],
)
def test_a_gradient_has_its_forms(name: str, allowed: list[str], refused: list[str]) -> None:
    for value in allowed:
        assert complaints(spoil(MESSAGES["flex"], f"contents.body.background.{name}", value)) == {}, value
    for value in refused:
        found = complaints(spoil(MESSAGES["flex"], f"contents.body.background.{name}", value))
        assert found == {f"messages[0].contents.body.background.{name}": "invalid property"}, value


ENUMERATIONS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({**BOX, "contents": []}, "layout", ["horizontal", "vertical", "baseline"]),
    ({**BOX, "contents": []}, "position", ["relative", "absolute"]),
    (
        {**BOX, "contents": []},
        "justifyContent",
        ["center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"],
    ),
    ({**BOX, "contents": []}, "alignItems", ["center", "flex-start", "flex-end"]),
    (BUTTON, "style", ["primary", "secondary", "link"]),
    (BUTTON, "height", ["md", "sm"]),
    (BUTTON, "gravity", ["top", "bottom", "center"]),
    (IMAGE, "align", ["start", "end", "center"]),
    (IMAGE, "aspectMode", ["cover", "fit"]),
    (TEXT, "weight", ["regular", "bold"]),
    (TEXT, "style", ["normal", "italic"]),
    (TEXT, "decoration", ["none", "underline", "line-through"]),
    (TEXT, "adjustMode", ["shrink-to-fit"]),
    (SPACER, "size", ["xs", "sm", "md", "lg", "xl", "xxl"]),
]


@pytest.mark.parametrize(("part", "name", "values"), ENUMERATIONS)
def test_enumerations_name_their_values(part: dict[str, Any], name: str, values: list[str]) -> None:
    for value in values:
        assert complaints(bubble({**part, name: value})) == {}
    assert complaints(bubble({**part, name: "sideways"})) == {f"{FIRST}.{name}": one_of(*values)}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("size", "tera", one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga")),
        ("direction", "ttb", one_of("ltr", "rtl")),
        ("styles.header.backgroundColor", "white", "invalid property"),
        ("styles.body.separatorColor", "black", "invalid property"),
        ("styles.body.separator", "yes", "must be a boolean"),
        ("action.type", "camera", one_of("postback", "message", "uri", "datetimepicker", "clipboard")),
        ("hero.aspectRatio", "1:4", "invalid property"),
        ("body.background.type", "radialGradient", one_of("linearGradient")),
        ("body.contents[0].maxLines", 1.5, "must be an integer"),
        ("body.contents[0].wrap", "true", "must be a boolean"),
        ("body.contents[0].action.text", "", "May not be empty"),
        ("body.contents[1].contents[0].weight", "heavy", one_of("regular", "bold")),
        ("body.contents[1].contents[0].size", "full", "invalid property"),
        ("body.contents[1].contents[0].color", "red", "invalid property"),
        ("body.contents[3].contents[0].size", "full", "invalid property"),
        ("body.contents[3].contents[0].scaling", 1, "must be a boolean"),
        ("body.contents[3].contents[2].flex", -1, "Must be greater than or equal to 0"),
        ("footer.contents[0].scaling", "no", "must be a boolean"),
        ("footer.contents", {}, "must be an array"),
    ],
)
def test_a_wrong_value_is_named_by_its_way_through_the_tree(path: str, value: Any, message: str) -> None:
    assert complaints(spoil(MESSAGES["flex"], f"contents.{path}", value)).get(f"messages[0].contents.{path}") == message


def test_an_icon_is_at_most_three_times_as_high_as_wide() -> None:
    assert complaints(bubble({**ICON, "aspectRatio": "1:3"}, layout="baseline")) == {}
    assert complaints(bubble({**ICON, "aspectRatio": "1:4"}, layout="baseline")) == {
        f"{FIRST}.aspectRatio": "invalid property"
    }


def test_a_property_that_flex_does_not_know_is_refused() -> None:
    assert complaints(bubble({**TEXT, "colour": "#ffffff"})) == {f"{FIRST}.colour": "unknown field"}
    assert complaints(spoil(MESSAGES["flex"], "contents.styles.type", "x")) == {
        "messages[0].contents.styles.type": "unknown field"
    }


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("FlexBubble", BUBBLE),
        *((f"Flex{kind.capitalize()}", COMPONENTS[kind]) for kind in COMPONENTS if kind != "spacer"),
    ],
)
def test_every_property_of_the_sdks_model_is_known(model: str, shape: Any) -> None:
    names = [field.alias for field in getattr(models, model).__fields__.values()]
    details: list[Any] = []
    shape(dict.fromkeys(names, False), "x", details)
    assert not [detail for detail in details if detail["message"] == "unknown field"]


def test_every_error_of_a_tree_is_told_in_reading_order() -> None:
    message = bubble(
        {
            "type": "box",
            "layout": "baseline",
            "contents": [{"type": "icon"}, {"type": "text", "text": "x", "flex": -1}],
        },
        {"type": "text"},
        {"type": "telepathy"},
        "words",
    )
    assert list(complaints(message)) == [
        f"{FIRST}.contents[0].url",
        f"{FIRST}.contents[1].flex",
        "messages[0].contents.body.contents[1].text",
        "messages[0].contents.body.contents[2].type",
        "messages[0].contents.body.contents[3]",
    ]
