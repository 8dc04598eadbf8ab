"""The components of a flex message: which properties each has, and what they may hold.

Children stand in no shape here: `flex.py` walks the tree itself, so that no depth can exhaust the stack.
"""

import re
from typing import Any

from app.sandbox.messages import actions
from app.sandbox.messages.fields import (
    BAD_PROPERTY,
    Branch,
    Check,
    Shape,
    boolean,
    integer,
    matching,
    media_url,
    one_of,
    text,
    union,
)

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,6})?"
_PIXELS, _PERCENT = f"{_NUMBER}px", f"{_NUMBER}%"
_SPACES = "none|xs|sm|md|lg|xl|xxl"
_SIZES = "xxs|xs|sm|md|lg|xl|xxl|3xl|4xl|5xl"
_RATIO = re.compile("([0-9]{1,6}):([0-9]{1,6})")

colour = matching("#(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_space = matching(f"{_SPACES}|{_PIXELS}")
_padding = matching(f"{_SPACES}|{_PIXELS}|{_PERCENT}")
_offset = matching(f"{_SPACES}|-?{_PIXELS}|-?{_PERCENT}")
_extent = matching(f"{_PIXELS}|{_PERCENT}")
_letters = matching(f"{_SIZES}|{_PIXELS}")
_share = matching(r"(?:100(?:\.0{1,6})?|[0-9]{1,2}(?:\.[0-9]{1,6})?)%")
_angle = matching(r"(?:[12]?[0-9]?[0-9]|3[0-5][0-9])(?:\.[0-9]{1,6})?deg")
_weight = one_of("regular", "bold")
_style = one_of("normal", "italic")
_decoration = one_of("none", "underline", "line-through")
_align = one_of("start", "end", "center")
_gravity = one_of("top", "bottom", "center")
_fit = one_of("shrink-to-fit")


def _ratio(value: Any) -> str | None:
    """Width to height, each up to 100,000, and at most three times as high as wide."""
    if not isinstance(value, str):
        return "must be a string"
    found = _RATIO.fullmatch(value)
    if found is None:
        return BAD_PROPERTY
    width, height = int(found[1]), int(found[2])
    return None if 1 <= width <= 100_000 and 1 <= height <= 100_000 and height <= 3 * width else BAD_PROPERTY


_any_string = text(least=0)
_PLACED: dict[str, Check] = {
    "position": one_of("relative", "absolute"),
    **dict.fromkeys(("offsetTop", "offsetBottom", "offsetStart", "offsetEnd"), _offset),
}
_CHILD: dict[str, Check] = {"type": _any_string, "margin": _space, "flex": integer(0)}
_TAP: dict[str, Branch] = {"action": actions.branches["flex"]}


def _walked(value: Any, path: str, details: Any) -> None:
    """Known here, looked at by the walk."""


_BACKGROUND = union(
    {
        "linearGradient": Shape(
            filled={"angle": _angle, "startColor": colour, "endColor": colour},
            optional={"type": _any_string, "centerColor": colour, "centerPosition": _share},
            closed=True,
        )
    }
)

COMPONENTS: dict[str, Shape] = {
    "box": Shape(
        required={"layout": one_of("horizontal", "vertical", "baseline")},
        optional={
            **_CHILD,
            **_PLACED,
            "spacing": _space,
            "backgroundColor": colour,
            "borderColor": colour,
            "borderWidth": matching(f"none|light|normal|medium|semi-bold|bold|{_PIXELS}"),
            "cornerRadius": _space,
            **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _extent),
            **dict.fromkeys(("paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"), _padding),
            "justifyContent": one_of(
                "center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"
            ),
            "alignItems": one_of("center", "flex-start", "flex-end"),
        },
        branches={**_TAP, "background": _BACKGROUND, "contents": _walked},
        needed=("contents",),
        closed=True,
    ),
    "button": Shape(
        optional={
            **_CHILD,
            **_PLACED,
            "color": colour,
            "style": one_of("primary", "secondary", "link"),
            "gravity": _gravity,
            "height": one_of("md", "sm"),
            "adjustMode": _fit,
            "scaling": boolean,
        },
        branches={"action": actions.branches["flex_button"]},
        needed=("action",),
        closed=True,
    ),
    "filler": Shape(optional={"type": _any_string, "flex": integer(0)}, closed=True),
    "spacer": Shape(optional={"type": _any_string, "size": one_of("xs", "sm", "md", "lg", "xl", "xxl")}, closed=True),
    "separator": Shape(optional={"type": _any_string, "margin": _space, "color": colour}, closed=True),
    "icon": Shape(
        filled={"url": media_url},
        optional={
            "type": _any_string,
            "margin": _space,
            **_PLACED,
            "size": _letters,
            "aspectRatio": _ratio,
            "scaling": boolean,
        },
        closed=True,
    ),
    "image": Shape(
        filled={"url": media_url},
        optional={
            **_CHILD,
            **_PLACED,
            "align": _align,
            "gravity": _gravity,
            "size": matching(f"{_SIZES}|full|{_PIXELS}|{_PERCENT}"),
            "aspectRatio": _ratio,
            "aspectMode": one_of("cover", "fit"),
            "backgroundColor": colour,
            "animated": boolean,
        },
        branches=_TAP,
        closed=True,
    ),
    "video": Shape(
        filled={"url": media_url, "previewUrl": media_url},
        optional={"type": _any_string, "aspectRatio": _ratio},
        branches={"action": actions.branches["flex_video"], "altContent": _walked},
        needed=("altContent",),
        closed=True,
    ),
    "text": Shape(
        optional={
            **_CHILD,
            **_PLACED,
            "text": text(),
            "size": _letters,
            "align": _align,
            "gravity": _gravity,
            "color": colour,
            "weight": _weight,
            "style": _style,
            "decoration": _decoration,
            "wrap": boolean,
            "lineSpacing": matching(_PIXELS),
            "maxLines": integer(0),
            "adjustMode": _fit,
            "scaling": boolean,
        },
        branches={**_TAP, "contents": _walked},
        closed=True,
    ),
    "span": Shape(
        filled={"text": text()},
        optional={
            "type": _any_string,
            "size": _letters,
            "color": colour,
            "weight": _weight,
            "style": _style,
            "decoration": _decoration,
        },
        closed=True,
    ),
}

_BLOCK_STYLE = Shape(
    optional={"backgroundColor": colour, "separator": boolean, "separatorColor": colour},
    closed=True,
)
BLOCKS = ("header", "hero", "body", "footer")
BUBBLE = Shape(
    optional={
        "type": _any_string,
        "size": one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga"),
        "direction": one_of("ltr", "rtl"),
    },
    branches={
        **_TAP,
        "styles": Shape(branches=dict.fromkeys(BLOCKS, _BLOCK_STYLE), closed=True),
        **dict.fromkeys(BLOCKS, _walked),
    },
    closed=True,
)
