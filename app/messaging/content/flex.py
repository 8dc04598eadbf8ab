"""Flex messages: bubbles, carousels of them, and the components inside."""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.messaging.content import actions
from app.messaging.content.fields import (
    Look,
    Rule,
    array,
    below,
    boolean,
    by_type,
    integer,
    matching,
    media_url,
    members,
    one_of,
    text,
)

BUBBLE_MAX_BYTES: Final = 30_000
CAROUSEL_MAX_BYTES: Final = 50_000
MOST_BUBBLES: Final = 12
MOST_ANIMATED: Final = 10
_DEEPEST: Final = 60
"""Components in one another. LINE names no number; nobody nests so deep, and the walk below must end."""
_SIZES_WITH_VIDEO = (None, "kilo", "mega", "giga")
_BLOCKS = ("header", "hero", "body", "footer")

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"
_PIXELS, _PERCENT = f"{_NUMBER}px", f"{_NUMBER}%"
_STEPS, _LETTERS = "none|xs|sm|md|lg|xl|xxl", "xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl"
_COLOUR = matching("#(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})", "a colour such as #06c755 or #06c75580")
_SPACE = matching(f"{_STEPS}|{_PIXELS}", f"one of {_STEPS.replace('|', ', ')}, or pixels such as 12px")
_PADDING = matching(f"{_STEPS}|{_PIXELS}|{_PERCENT}", "a step such as md, or a size such as 12px or 5%")
_OFFSET = matching(f"{_STEPS}|-?{_PIXELS}|-?{_PERCENT}", "a step such as md, or an offset such as -12px or 5%")
_EXTENT = matching(f"{_PIXELS}|{_PERCENT}", "a size such as 12px or 50%")
_FONT = matching(f"{_LETTERS}|{_PIXELS}", f"one of {_LETTERS.replace('|', ', ')}, or pixels such as 14px")
_WIDTH = matching(f"{_LETTERS}|full|{_PIXELS}|{_PERCENT}", f"one of {_LETTERS.replace('|', ', ')}, full, 120px or 50%")
_SIDES = re.compile("([1-9][0-9]{0,5}):([1-9][0-9]{0,5})")
_ALIGN, _GRAVITY = one_of("start", "end", "center"), one_of("top", "bottom", "center")
_FIT = one_of("shrink-to-fit")
_PLACED: Final = {
    "position": one_of("relative", "absolute"),
    **dict.fromkeys(("offsetTop", "offsetBottom", "offsetStart", "offsetEnd"), _OFFSET),
}
_CHILD: Final = {"margin": _SPACE, "flex": integer(0)}
_FACE: Final = {
    "size": _FONT,
    "color": _COLOUR,
    "weight": one_of("regular", "bold"),
    "style": one_of("normal", "italic"),
    "decoration": one_of("none", "underline", "line-through"),
}


def _check_ratio(value: Any, pointer: str, look: Look) -> None:
    sides = _SIDES.fullmatch(value) if isinstance(value, str) else None
    if sides is None or max(int(sides[1]), int(sides[2])) > 100_000 or int(sides[2]) > 3 * int(sides[1]):
        look.refuse(pointer, "Must be a ratio such as 20:13, at most three times as high as wide.")


def _walked(value: Any, pointer: str, look: Look) -> None:
    """Known here, and looked at by the walk."""


_GRADIENT = by_type(
    {
        "linearGradient": members(
            {
                "angle": matching(r"(?:[0-2]?[0-9]?[0-9]|3[0-5][0-9])(?:\.[0-9]{1,6})?deg", "an angle such as 90deg"),
                "startColor": _COLOUR,
                "endColor": _COLOUR,
            },
            {"centerColor": _COLOUR, "centerPosition": matching(_PERCENT, "a share such as 50%")},
            closed=True,
        )
    }
)
_COMPONENTS: Final[dict[str, Rule]] = {
    "box": members(
        {"layout": one_of("horizontal", "vertical", "baseline"), "contents": _walked},
        {
            **_CHILD,
            **_PLACED,
            "spacing": _SPACE,
            "backgroundColor": _COLOUR,
            "borderColor": _COLOUR,
            "borderWidth": matching(f"none|light|normal|medium|semi-bold|bold|{_PIXELS}", "a border such as light"),
            "cornerRadius": _SPACE,
            **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _EXTENT),
            **dict.fromkeys(("paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"), _PADDING),
            "justifyContent": one_of(
                "center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"
            ),
            "alignItems": one_of("center", "flex-start", "flex-end"),
            "action": actions.in_flex,
            "background": _GRADIENT,
        },
        closed=True,
    ),
    "button": members(
        {"action": actions.in_flex_button},
        {
            **_CHILD,
            **_PLACED,
            "color": _COLOUR,
            "style": one_of("primary", "secondary", "link"),
            "gravity": _GRAVITY,
            "height": one_of("md", "sm"),
            "adjustMode": _FIT,
            "scaling": boolean,
        },
        closed=True,
    ),
    "filler": members({}, {"flex": integer(0)}, closed=True),
    "spacer": members({}, {"size": one_of("xs", "sm", "md", "lg", "xl", "xxl")}, closed=True),
    "separator": members({}, {"margin": _SPACE, "color": _COLOUR}, closed=True),
    "icon": members(
        {"url": media_url},
        {"margin": _SPACE, **_PLACED, "size": _FONT, "aspectRatio": _check_ratio, "scaling": boolean},
        closed=True,
    ),
    "image": members(
        {"url": media_url},
        {
            **_CHILD,
            **_PLACED,
            "align": _ALIGN,
            "gravity": _GRAVITY,
            "size": _WIDTH,
            "aspectRatio": _check_ratio,
            "aspectMode": one_of("cover", "fit"),
            "backgroundColor": _COLOUR,
            "animated": boolean,
            "action": actions.in_flex,
        },
        closed=True,
    ),
    "video": members(
        {"url": media_url, "previewUrl": media_url, "altContent": _walked},
        {"aspectRatio": _check_ratio, "action": actions.in_flex_video},
        closed=True,
    ),
    "text": members(
        {},
        {
            "text": text(),
            **_CHILD,
            **_PLACED,
            **_FACE,
            "align": _ALIGN,
            "gravity": _GRAVITY,
            "wrap": boolean,
            "lineSpacing": matching(_PIXELS, "pixels such as 4px"),
            "maxLines": integer(0),
            "adjustMode": _FIT,
            "scaling": boolean,
            "action": actions.in_flex,
            "contents": _walked,
        },
        closed=True,
    ),
    "span": members({"text": text()}, _FACE, closed=True),
}
_IN_A_BOX = ("box", "button", "image", "text", "separator", "filler", "spacer")
_IN_A_LINE = ("icon", "text", "filler", "spacer")

_STYLE = members({}, {"backgroundColor": _COLOUR, "separator": boolean, "separatorColor": _COLOUR}, closed=True)
_OUTSIDE = members(
    {},
    {
        "size": one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga"),
        "direction": one_of("ltr", "rtl"),
        "action": actions.in_flex,
        "styles": members({}, dict.fromkeys(_BLOCKS, _STYLE), closed=True),
        **dict.fromkeys(_BLOCKS, _walked),
    },
    closed=True,
)


def _check_bubble(bubble: Any, pointer: str, look: Look) -> None:
    _refuse_animations(_look_at_bubble(bubble, pointer, look, may_hold_video=True), pointer, look)


def _look_at_bubble(bubble: Any, pointer: str, look: Look, *, may_hold_video: bool) -> int:
    """Look at a bubble; how many of its images are animated."""
    if not _fits(bubble, BUBBLE_MAX_BYTES, pointer, look):
        return 0
    _OUTSIDE(bubble, pointer, look)
    if all(bubble.get(name) is None for name in _BLOCKS):
        look.refuse(pointer, "A bubble needs a header, a hero, a body or a footer.")
    hero = ("box", "image", "video") if may_hold_video and _may_be_moving(bubble) else ("box", "image")
    animated = 0
    for name in _BLOCKS:
        if bubble.get(name) is not None:
            allowed = hero if name == "hero" else ("box",)
            animated += _look_at_component(bubble[name], below(pointer, name), look, allowed, 0)
    return animated


def _may_be_moving(bubble: Mapping[str, Any]) -> bool:
    """Whether a bubble is of a size that may have a video as its hero."""
    return any(bubble.get("size") == size for size in _SIZES_WITH_VIDEO)


def _look_at_component(value: Any, pointer: str, look: Look, allowed: tuple[str, ...], depth: int) -> int:
    if depth > _DEEPEST:
        look.refuse(pointer, f"Components may stand in one another {_DEEPEST} deep.")
        return 0
    by_type({kind: _COMPONENTS[kind] for kind in allowed})(value, pointer, look)
    if not isinstance(value, Mapping) or not any(value.get("type") == one for one in allowed):
        return 0
    kind, contents = value["type"], value.get("contents")
    animated = int(value.get("animated") is True)
    if kind == "video" and value.get("altContent") is not None:
        inside = _look_at_component(
            value["altContent"], below(pointer, "altContent"), look, ("box", "image"), depth + 1
        )
        return animated + inside
    if kind == "text" and not contents and value.get("text") is None:
        look.refuse(below(pointer, "text"), "Must be a text that is not empty.")
    if kind not in ("box", "text") or contents is None:
        return animated
    if not isinstance(contents, list):
        look.refuse(below(pointer, "contents"), "Must be a list.")
        return animated
    within = ("span",) if kind == "text" else _IN_A_LINE if value.get("layout") == "baseline" else _IN_A_BOX
    for index, one in enumerate(contents):
        animated += _look_at_component(one, below(below(pointer, "contents"), index), look, within, depth + 1)
    return animated


def _check_carousel(carousel: Any, pointer: str, look: Look) -> None:
    if not _fits(carousel, CAROUSEL_MAX_BYTES, pointer, look):
        return
    sizes: list[Any] = []
    animated = 0

    def check_one(bubble: Any, at: str, look: Look) -> None:
        nonlocal animated
        animated += _look_at_bubble(bubble, at, look, may_hold_video=False)
        sizes.append(bubble.get("size") or "mega")
        if sizes[-1] != sizes[0]:
            look.refuse(below(at, "size"), "All bubbles of a carousel are of one size.")

    bubbles = array(by_type({"bubble": check_one}), 1, MOST_BUBBLES)
    members({"contents": bubbles}, closed=True)(carousel, pointer, look)
    _refuse_animations(animated, pointer, look)


def _refuse_animations(animated: int, pointer: str, look: Look) -> None:
    if animated > MOST_ANIMATED:
        look.refuse(pointer, f"LINE takes at most {MOST_ANIMATED} animated images in a message.")


def _fits(container: Any, most: int, pointer: str, look: Look) -> bool:
    try:
        size = len(orjson.dumps(container))
    except TypeError:  # deeper than JSON is written
        size = most + 1
    if size > most:
        look.refuse(pointer, f"LINE takes at most {most:,} bytes of JSON here; these are more.")
    return size <= most


check_flex: Rule = members(
    {"altText": text(1500), "contents": by_type({"bubble": _check_bubble, "carousel": _check_carousel})}
)
