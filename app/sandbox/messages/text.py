"""Texts: LINE's own emoji in place of `$`, and version 2 with its `{placeholders}` for emoji and mentions."""

import re
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages.fields import FORBIDDEN, MISSING, Branch, Shape, array, integer, matching, text, union

TEXT_MAX = 5_000
EMOJI_MAX, MENTIONS_MAX, SUBSTITUTIONS_MAX = 20, 20, 100

quote_token = text()

_KEY = re.compile("[0-9A-Za-z_]{1,20}")
# `{{` and `}}` stand for themselves, so they are read before a placeholder and before a brace without its twin.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")

_EMOJI = Shape(required={"index": integer(0)}, filled={"productId": text(), "emojiId": text()})
_TEXT = Shape(
    filled={"text": text(TEXT_MAX)},
    optional={"quoteToken": quote_token},
    branches={"emojis": array(_EMOJI, 0, EMOJI_MAX)},
)

_MENTIONEE = union({"user": Shape(filled={"userId": matching("U[0-9a-f]{32}", "invalid userId")}), "all": Shape()})
_SUBSTITUTION = union(
    {
        "mention": Shape(branches={"mentionee": _MENTIONEE}, needed=("mentionee",)),
        "emoji": Shape(filled={"productId": text(), "emojiId": text()}),
    }
)


def check_text(message: Any, path: str, details: list[Detail]) -> None:
    """A text whose emoji each stand at a `$` of their own."""
    _TEXT(message, path, details)
    words, emojis = message.get("text"), message.get("emojis")
    if not isinstance(words, str) or not isinstance(emojis, list):
        return
    free = set(_dollars(words[:TEXT_MAX]))
    for position, emoji in enumerate(emojis[:EMOJI_MAX]):
        index = emoji.get("index") if isinstance(emoji, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            continue  # The shape has said so.
        if index in free:
            free.remove(index)
        else:
            details.append({"message": "Must be the index of a $", "property": f"{path}.emojis[{position}].index"})


def _dollars(words: str) -> list[int]:
    """Where the dollar signs stand, counted in UTF-16 units."""
    found, units = [], 0
    for character in words:
        if character == "$":
            found.append(units)
        units += 2 if character > "\uffff" else 1
    return found


def check_text_v2(message: Any, path: str, details: list[Detail]) -> None:
    """A text whose placeholders are all named in `substitution`."""
    _TEXT_V2(message, path, details)
    words, substitution = message.get("text"), message.get("substitution")
    if not isinstance(words, str) or not (substitution is None or isinstance(substitution, dict)):
        return
    keys = []
    for found in _BRACES.finditer(words[:TEXT_MAX]):
        if found[0] in ("{{", "}}"):
            continue
        if found[1] is None or not _KEY.fullmatch(found[1]):
            details.append({"message": f"Invalid placeholder at {found.start()}", "property": f"{path}.text"})
            return
        keys.append(found[1])
    given = substitution or {}
    for key in dict.fromkeys(keys):
        if given.get(key) is None:
            details.append({"message": MISSING, "property": f"{path}.substitution[{key}]"})
    kinds = [given[key].get("type") for key in keys if isinstance(given.get(key), dict)]
    for kind, most in (("mention", MENTIONS_MAX), ("emoji", EMOJI_MAX)):
        if kinds.count(kind) > most:
            wrong = f"The number of {kind}s must be less than or equal to {most}"
            details.append({"message": wrong, "property": f"{path}.text"})


def _check_substitution(value: Any, path: str, details: list[Detail]) -> None:
    if not isinstance(value, dict):
        details.append({"message": "must be an object", "property": path})
        return
    if len(value) > SUBSTITUTIONS_MAX:
        details.append({"message": f"Size must be between 0 and {SUBSTITUTIONS_MAX}", "property": path})
        return
    for key, part in value.items():
        if not _KEY.fullmatch(key):
            details.append({"message": "Invalid key", "property": f"{path}[{key[:20]}]"})
        elif part is not None:
            _SUBSTITUTION(part, f"{path}[{key}]", details)


_TEXT_V2 = Shape(
    filled={"text": text(TEXT_MAX)},
    optional={"quoteToken": quote_token},
    branches={"substitution": _check_substitution},
)


def refuse_chat_only(message: Any, path: str, details: list[Detail]) -> None:
    """What needs one chat to make sense, in a message that goes to many: a quotation, a mention."""
    if message.get("quoteToken") is not None and message.get("type") in ("text", "textV2", "sticker"):
        details.append({"message": FORBIDDEN, "property": f"{path}.quoteToken"})
    substitution = message.get("substitution")
    if message.get("type") != "textV2" or not isinstance(substitution, dict):
        return
    for key, part in list(substitution.items())[:SUBSTITUTIONS_MAX]:
        if isinstance(part, dict) and part.get("type") == "mention":
            details.append({"message": FORBIDDEN, "property": f"{path}.substitution[{key[:20]}]"})


branches: dict[str, Branch] = {"text": check_text, "textV2": check_text_v2}
