"""What happens when somebody taps: every kind of action, and where LINE lets it stand."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from app.messaging.content.fields import LINK_MAX, Look, Rule, address, below, by_type, link, members, one_of, text

_SAID: Final = text(300, "characters", least=0)
_DATA: Final = text(300, least=0)
_DATE, _TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENTS: Final = {
    "date": (re.compile(_DATE), "a date from 1900-01-01 to 2100-12-31"),
    "time": (re.compile(_TIME), "a time from 00:00 to 23:59"),
    "datetime": (re.compile(f"{_DATE}[Tt]{_TIME}"), "a date and time such as 2026-11-21T11:10"),
}


def _is_moment(value: Any, mode: str) -> bool:
    if not isinstance(value, str) or not _MOMENTS[mode][0].fullmatch(value):
        return False
    if mode == "time":
        return True
    try:
        return 1900 <= date.fromisoformat(value[:10]).year <= 2100
    except ValueError:
        return False


_PICKER = members({"data": _DATA, "mode": one_of(*_MOMENTS)})


def _check_picker(action: Any, pointer: str, look: Look) -> None:
    """Bounds and first value in the form of the mode, the first value between the bounds."""
    _PICKER(action, pointer, look)
    mode = action.get("mode")
    if not isinstance(mode, str) or mode not in _MOMENTS:
        return
    given = {name: action[name] for name in ("initial", "min", "max") if action.get(name) is not None}
    for name, value in given.items():
        if not _is_moment(value, mode):
            look.refuse(below(pointer, name), f"Must be {_MOMENTS[mode][1]}.")
            return
    # Of fixed width, so texts compare as times do.
    least, most, first = (given[name].upper() if name in given else None for name in ("min", "max", "initial"))
    if least is not None and most is not None and least >= most:
        look.refuse(below(pointer, "max"), "Must be later than min.")
    elif first is not None and not (least or first) <= first <= (most or first):
        look.refuse(below(pointer, "initial"), "Must lie between min and max.")


_POSTBACK = members(
    {"data": _DATA},
    {
        "displayText": _SAID,
        "text": _SAID,
        "inputOption": one_of("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"),
        "fillInText": _SAID,
    },
)


def _check_postback(action: Any, pointer: str, look: Look) -> None:
    _POSTBACK(action, pointer, look)
    if action.get("text") is not None and action.get("displayText") is not None:
        look.refuse(below(pointer, "text"), "Give displayText or text, not both.")


_ANYWHERE: Final[Mapping[str, Rule]] = {
    "postback": _check_postback,
    "message": members({"text": text(300, "characters")}),
    "uri": members({"uri": link}, {"altUri": members({}, {"desktop": address("http", "https", most=LINK_MAX)})}),
    "datetimepicker": _check_picker,
    "clipboard": members({"clipboardText": text(1000)}),
}
_NOTHING = members({})
_IN_QUICK_REPLIES: Final = {**_ANYWHERE, "camera": _NOTHING, "cameraRoll": _NOTHING, "location": _NOTHING}


def _standing(rules: Mapping[str, Rule], label_most: int, *, shows_label: bool) -> Rule:
    labelled = (
        members({"label": text(label_most, "characters")})
        if shows_label
        else members({}, {"label": text(label_most, "characters", least=0)})
    )

    def check(action: Any, pointer: str, look: Look) -> None:
        by_kind(action, pointer, look)
        if isinstance(action, Mapping) and isinstance(action.get("type"), str) and action["type"] in rules:
            labelled(action, pointer, look)

    by_kind = by_type(rules)
    return check


in_template: Final = _standing(_ANYWHERE, 20, shows_label=True)
on_whole_template: Final = _standing(_ANYWHERE, 20, shows_label=False)
in_image_carousel: Final = _standing(_ANYWHERE, 12, shows_label=False)
in_quick_reply: Final = _standing(_IN_QUICK_REPLIES, 20, shows_label=True)
in_flex_button: Final = _standing(_ANYWHERE, 40, shows_label=True)
in_flex: Final = _standing(_ANYWHERE, 40, shows_label=False)
in_flex_video: Final = _standing({"uri": _ANYWHERE["uri"]}, 40, shows_label=False)
