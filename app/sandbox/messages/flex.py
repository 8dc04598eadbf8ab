"""Flex messages: bubbles and carousels of them, and the walk through their components."""

from typing import Any

import orjson

from app.sandbox.answers import Detail
from app.sandbox.messages.fields import EMPTY, MISSING, Branch, Check, Shape, array, one_of, text, union
from app.sandbox.messages.flex_components import BLOCKS, BUBBLE, COMPONENTS

ALT_TEXT_MAX, BUBBLES_MAX, ANIMATED_MAX = 1_500, 12, 10
BUBBLE_MAX_BYTES, CAROUSEL_MAX_BYTES = 30_000, 50_000
_DEFAULT_SIZE = "mega"
_SIZES_WITH_VIDEO = ("kilo", "mega", "giga")

_Step = tuple[Any, str, Check]
"""A component, its path, and the check of its type: what may stand there."""

_IN_A_BOX = one_of("box", "button", "image", "text", "separator", "filler", "spacer")
_IN_A_LINE = one_of("icon", "text", "filler", "spacer")
_IN_A_TEXT = one_of("span")
_ALONE = one_of("box")
_WITHOUT_VIDEO = one_of("box", "image")
_HERO = one_of("box", "image", "video")


def _check_bubble(bubble: Any, path: str, details: list[Detail]) -> None:
    if not _fits(bubble, BUBBLE_MAX_BYTES, path, details):
        return
    _check_outside(bubble, path, details)
    size = bubble.get("size")
    _walk(_blocks(bubble, path, _HERO if size is None or size in _SIZES_WITH_VIDEO else _WITHOUT_VIDEO), path, details)


def _check_carousel(carousel: Any, path: str, details: list[Detail]) -> None:
    if not _fits(carousel, CAROUSEL_MAX_BYTES, path, details):
        return
    _CAROUSEL(carousel, path, details)
    listed = carousel.get("contents")
    if not isinstance(listed, list):
        return
    bubbles = [
        (bubble, f"{path}.contents[{position}]")
        for position, bubble in enumerate(listed[:BUBBLES_MAX])
        if isinstance(bubble, dict) and bubble.get("type") == "bubble"
    ]
    for bubble, at in bubbles[1:]:
        if (bubble.get("size") or _DEFAULT_SIZE) != (bubbles[0][0].get("size") or _DEFAULT_SIZE):
            details.append({"message": "All bubbles must have the same size", "property": f"{at}.size"})
    _walk([step for bubble, at in bubbles for step in _blocks(bubble, at, _WITHOUT_VIDEO)], path, details)


def _check_bubble_of_many(bubble: Any, path: str, details: list[Detail]) -> None:
    """A carousel's bubble by itself; its components wait for the walk through all."""
    if _fits(bubble, BUBBLE_MAX_BYTES, path, details):
        _check_outside(bubble, path, details)


def _check_outside(bubble: Any, path: str, details: list[Detail]) -> None:
    BUBBLE(bubble, path, details)
    if all(bubble.get(name) is None for name in BLOCKS):
        details.append({"message": "At least one block must be specified", "property": path})


def _fits(container: Any, most: int, path: str, details: list[Detail]) -> bool:
    """Whether the JSON of a container is within its limit. What is larger is refused whole, so it costs no more."""
    try:
        size = len(orjson.dumps(container))
    except orjson.JSONEncodeError:  # Deeper than JSON is written.
        size = most + 1
    if size > most:
        details.append({"message": f"The JSON must be less than or equal to {most} bytes", "property": path})
    return size <= most


def _blocks(bubble: dict[str, Any], path: str, hero: Check) -> list[_Step]:
    return [
        (bubble[name], f"{path}.{name}", hero if name == "hero" else _ALONE)
        for name in BLOCKS
        if bubble.get(name) is not None
    ]


def _walk(blocks: list[_Step], path: str, details: list[Detail]) -> None:
    """Every component below, in reading order. It keeps its own stack, so that depth costs memory and nothing else."""
    animated = 0
    steps = blocks[::-1]
    while steps:
        component, at, allowed = steps.pop()
        if not isinstance(component, dict):
            details.append({"message": "must be an object", "property": at})
            continue
        kind: Any = component.get("type")
        wrong = MISSING if kind is None else allowed(kind)
        if wrong is not None:
            details.append({"message": wrong, "property": f"{at}.type"})
            continue
        COMPONENTS[kind](component, at, details)
        animated += component.get("animated") is True
        steps += reversed(_children(component, at, details))
    if animated > ANIMATED_MAX:
        wrong = f"The number of animated images must be less than or equal to {ANIMATED_MAX}"
        details.append({"message": wrong, "property": path})


def _children(component: dict[str, Any], path: str, details: list[Detail]) -> list[_Step]:
    kind, contents = component["type"], component.get("contents")
    if kind == "video":
        alternative = component.get("altContent")
        return [] if alternative is None else [(alternative, f"{path}.altContent", _WITHOUT_VIDEO)]
    if kind == "text":
        if not contents and component.get("text") is None:
            details.append({"message": EMPTY, "property": f"{path}.text"})
        allowed = _IN_A_TEXT
    elif kind == "box":
        allowed = _IN_A_LINE if component.get("layout") == "baseline" else _IN_A_BOX
    else:
        return []
    if contents is None:
        return []
    if not isinstance(contents, list):
        details.append({"message": "must be an array", "property": f"{path}.contents"})
        return []
    return [(child, f"{path}.contents[{position}]", allowed) for position, child in enumerate(contents)]


_CAROUSEL = Shape(
    optional={"type": one_of("carousel")},
    branches={"contents": array(union({"bubble": _check_bubble_of_many}), 1, BUBBLES_MAX)},
    needed=("contents",),
    closed=True,
)
_CONTAINER = union({"bubble": _check_bubble, "carousel": _check_carousel})
check_flex: Branch = Shape(
    filled={"altText": text(ALT_TEXT_MAX)}, branches={"contents": _CONTAINER}, needed=("contents",)
)
