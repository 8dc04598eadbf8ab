"""LINE's rules for message objects, as far as this cut goes: types, required fields, lengths, sizes.

Deeper rules (flex trees, actions, URLs that load) come with a later issue. Lengths count UTF-16 units.
"""

from collections.abc import Callable
from typing import Any

import orjson

from app.sandbox.answers import Detail

MESSAGE_TYPES = (
    "text",
    "textV2",
    "sticker",
    "image",
    "video",
    "audio",
    "location",
    "imagemap",
    "template",
    "flex",
    "coupon",
)
QUOTABLE = frozenset({"text", "textV2", "sticker", "image", "video", "template", "flex"})
"""Types whose sent messages come back with a quote token."""

_TEXT_MAX = 5_000
_BUBBLE_MAX_BYTES, _CAROUSEL_MAX_BYTES, _BUBBLES_MAX = 30_000, 50_000, 12

Check = Callable[[Any], str | None]
"""Says what is wrong with a value that is there, in LINE's words, or None."""


def length(most: int, least: int = 1) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if not value:
            return "May not be empty"
        units = len(value) if value.isascii() else len(value.encode("utf-16-le")) // 2
        return None if least <= units <= most else f"Length must be between 0 and {most}"

    return check


def url(value: Any) -> str | None:
    wrong = length(2_000)(value)
    return wrong or (None if value.startswith("https://") else "invalid uri")


def number(value: Any) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "must be a number"


def one_of(*values: str) -> Check:
    return lambda value: None if value in values else f"Must be one of the following values: [{', '.join(values)}]"


def _object(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def _list(value: Any) -> str | None:
    return None if isinstance(value, list) else "must be an array"


REQUIRED: dict[str, dict[str, Check]] = {
    "text": {"text": length(_TEXT_MAX)},
    "textV2": {"text": length(_TEXT_MAX)},
    "sticker": {"packageId": length(20), "stickerId": length(20)},
    "image": {"originalContentUrl": url, "previewImageUrl": url},
    "video": {"originalContentUrl": url, "previewImageUrl": url},
    "audio": {"originalContentUrl": url, "duration": number},
    "location": {"title": length(100), "address": length(100), "latitude": number, "longitude": number},
    "imagemap": {"baseUrl": url, "altText": length(1_500), "baseSize": _object, "actions": _list},
    "template": {"altText": length(1_500), "template": _object},
    "flex": {"altText": length(1_500), "contents": _object},
    "coupon": {"couponId": length(100)},
}


def check_messages(messages: Any) -> list[Detail]:
    """What LINE would complain of in `messages`: nothing, or one detail for each error."""
    if messages is None:
        return [{"message": "May not be empty", "property": "messages"}]
    if not isinstance(messages, list):
        return [{"message": "must be an array", "property": "messages"}]
    if not 1 <= len(messages) <= 5:
        return [{"message": "Size must be between 1 and 5", "property": "messages"}]
    details: list[Detail] = []
    for position, message in enumerate(messages):
        if not _is_plain_text(message):
            details += _check_message(message, f"messages[{position}]")
    return details


def _is_plain_text(message: Any) -> bool:
    """Most messages, recognised fast: a text short enough whatever its characters."""
    if not isinstance(message, dict) or len(message) != 2 or message.get("type") != "text":
        return False
    text = message.get("text")
    return isinstance(text, str) and 0 < len(text) <= _TEXT_MAX // 2


def _check_message(message: Any, path: str) -> list[Detail]:
    if not isinstance(message, dict):
        return [{"message": "must be an object", "property": path}]
    kind = message.get("type")
    if kind is None:
        return [{"message": "must be specified", "property": f"{path}.type"}]
    wrong_type = one_of(*MESSAGE_TYPES)(kind)
    if wrong_type:
        return [{"message": wrong_type, "property": f"{path}.type"}]
    details: list[Detail] = []
    for name, check in REQUIRED[kind].items():
        value = message.get(name)
        wrong = check(value) if value is not None else _missing(check)
        if wrong:
            details.append({"message": wrong, "property": f"{path}.{name}"})
    details += _check_contents(message, path)
    return details + _check_common(message, path)


def _missing(check: Check) -> str:
    return "must be specified" if check in (number, _object, _list) else "May not be empty"


def _check_contents(message: dict[str, Any], path: str) -> list[Detail]:
    """The first level of templates and flex containers."""
    template, flex = message.get("template"), message.get("contents")
    if message["type"] == "template" and isinstance(template, dict):
        wrong = one_of("buttons", "confirm", "carousel", "image_carousel")(template.get("type"))
        return [{"message": wrong, "property": f"{path}.template.type"}] if wrong else []
    if message["type"] != "flex" or not isinstance(flex, dict):
        return []
    wrong = one_of("bubble", "carousel")(flex.get("type"))
    if wrong:
        return [{"message": wrong, "property": f"{path}.contents.type"}]
    details: list[Detail] = []
    bubbles = flex.get("contents")
    if flex["type"] == "carousel" and not (isinstance(bubbles, list) and 1 <= len(bubbles) <= _BUBBLES_MAX):
        details.append(
            {"message": f"Size must be between 1 and {_BUBBLES_MAX}", "property": f"{path}.contents.contents"}
        )
    most = _BUBBLE_MAX_BYTES if flex["type"] == "bubble" else _CAROUSEL_MAX_BYTES
    if len(orjson.dumps(flex)) > most:
        details.append({"message": f"The size must be less than {most} bytes", "property": f"{path}.contents"})
    return details


def _check_common(message: dict[str, Any], path: str) -> list[Detail]:
    details: list[Detail] = []
    quick_reply, sender = message.get("quickReply"), message.get("sender")
    if quick_reply is not None:
        items = quick_reply.get("items") if isinstance(quick_reply, dict) else None
        if not (isinstance(items, list) and 1 <= len(items) <= 13):
            details.append({"message": "Size must be between 1 and 13", "property": f"{path}.quickReply.items"})
    if isinstance(sender, dict) and sender.get("name") is not None:
        wrong = length(20)(sender["name"])
        if wrong:
            details.append({"message": wrong, "property": f"{path}.sender.name"})
    return details
