"""What happens when somebody taps: every type of action, and where LINE lets it stand."""

import re
from datetime import date
from typing import Any, Literal, NamedTuple

from app.sandbox.answers import Detail
from app.sandbox.messages.fields import (
    ACTION_URI_MAX,
    EMPTY,
    FORBIDDEN,
    MISSING,
    Branch,
    Shape,
    both,
    clusters,
    link,
    matching,
    one_of,
    text,
    uri,
)

Where = Literal[
    "template", "default_action", "image_carousel", "quick_reply", "flex_button", "flex", "flex_video", "rich_menu"
]
"""Where an action stands. `default_action` is that of a template; `flex` every flex component but button and video."""

_EVERYWHERE = ("postback", "message", "uri", "datetimepicker", "clipboard")
_QUICK_REPLY_ONLY = ("camera", "cameraRoll", "location")


class _Place(NamedTuple):
    kinds: tuple[str, ...]
    label_max: int
    label_shown: bool  # and therefore required


_PLACES: dict[Where, _Place] = {
    "template": _Place(_EVERYWHERE, 20, True),
    "default_action": _Place(_EVERYWHERE, 20, False),
    "image_carousel": _Place(_EVERYWHERE, 12, False),
    "quick_reply": _Place((*_EVERYWHERE, *_QUICK_REPLY_ONLY), 20, True),
    "flex_button": _Place(_EVERYWHERE, 40, True),
    "flex": _Place(_EVERYWHERE, 40, False),
    "flex_video": _Place(("uri",), 40, False),
    "rich_menu": _Place((*_EVERYWHERE, "richmenuswitch"), 20, False),
}
_LABELS = {place.label_max: clusters(place.label_max, least=0) for place in _PLACES.values()}
_KINDS = {where: one_of(*place.kinds) for where, place in _PLACES.items()}

_DATA = text(300, least=0)
_SAID = clusters(300, least=0)
_DATE, _TIME = r"\d{4}-\d{2}-\d{2}", r"(?:[01]\d|2[0-3]):[0-5]\d"
_FORMATS = {
    "date": (re.compile(_DATE), "a date from 1900-01-01 to 2100-12-31"),
    "time": (re.compile(_TIME), "a time from 00:00 to 23:59"),
    "datetime": (re.compile(f"{_DATE}[Tt]{_TIME}"), "a datetime from 1900-01-01T00:00 to 2100-12-31T23:59"),
}


def check_action(action: Any, path: str, where: Where) -> list[Detail]:
    """What LINE would complain of in an action that stands at `path`: nothing, or one detail for each error."""
    details: list[Detail] = []
    branches[where](action, path, details)
    return details


def _check(action: Any, path: str, details: list[Detail], where: Where) -> None:
    if not isinstance(action, dict):
        details.append({"message": "must be an object", "property": path})
        return
    kind: Any = action.get("type")
    wrong = MISSING if kind is None else _KINDS[where](kind)
    if wrong is not None:
        details.append({"message": wrong, "property": f"{path}.type"})
        return
    place, label = _PLACES[where], action.get("label")
    wrong = None if label is None else _LABELS[place.label_max](label)
    if place.label_shown and label in (None, ""):
        wrong = EMPTY
    if wrong is not None:
        details.append({"message": wrong, "property": f"{path}.label"})
    _SHAPES[kind](action, path, details)


def _check_postback(action: Any, path: str, details: list[Detail]) -> None:
    _POSTBACK(action, path, details)
    if action.get("text") is not None and action.get("displayText") is not None:
        details.append({"message": FORBIDDEN, "property": f"{path}.text"})


def _check_datetime_picker(action: Any, path: str, details: list[Detail]) -> None:
    """Bounds and first value, each in the format of the mode; the first value lies between the bounds."""
    _DATETIME_PICKER(action, path, details)
    mode = action.get("mode")
    if not isinstance(mode, str) or mode not in _FORMATS:
        return
    given = {name: action[name] for name in ("initial", "min", "max") if action.get(name) is not None}
    for name, value in given.items():
        if not _is_moment(value, mode):
            details.append({"message": f"Must be {_FORMATS[mode][1]}", "property": f"{path}.{name}"})
            return
    # The formats are of fixed width, so text compares as time does.
    least, most, first = (given[name].upper() if name in given else None for name in ("min", "max", "initial"))
    if least is not None and most is not None and least >= most:
        details.append({"message": "Must be greater than min", "property": f"{path}.max"})
    elif first is not None and not (least or first) <= first <= (most or first):
        details.append({"message": "Must be between min and max", "property": f"{path}.initial"})


def _is_moment(value: Any, mode: str) -> bool:
    if not isinstance(value, str) or not value.isascii() or not _FORMATS[mode][0].fullmatch(value):
        return False
    if mode == "time":
        return True
    try:
        return 1900 <= date.fromisoformat(value[:10]).year <= 2100
    except ValueError:
        return False


_POSTBACK = Shape(
    required={"data": _DATA},
    optional={
        "displayText": _SAID,
        "text": _SAID,
        "inputOption": one_of("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"),
        "fillInText": _SAID,
    },
)
_DATETIME_PICKER = Shape(required={"data": _DATA, "mode": one_of(*_FORMATS)})
_LABEL_ONLY = Shape()
_SHAPES: dict[str, Branch] = {
    "postback": _check_postback,
    "message": Shape(filled={"text": clusters(300)}),
    "uri": Shape(
        filled={"uri": link},
        branches={"altUri": Shape(optional={"desktop": uri("http", "https", most=ACTION_URI_MAX)})},
    ),
    "datetimepicker": _check_datetime_picker,
    "clipboard": Shape(filled={"clipboardText": text(1_000)}),
    "richmenuswitch": Shape(
        filled={"richMenuAliasId": both(text(32), matching("[a-z0-9_-]+", "invalid richMenuAliasId"))},
        required={"data": _DATA},
    ),
    "camera": _LABEL_ONLY,
    "cameraRoll": _LABEL_ONLY,
    "location": _LABEL_ONLY,
}


def _branch(where: Where) -> Branch:
    return lambda action, path, details: _check(action, path, details, where)


branches: dict[Where, Branch] = {where: _branch(where) for where in _PLACES}
"""`check_action` for the shapes of messages."""
