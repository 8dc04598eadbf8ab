"""Texts: LINE's own emoji in place of `$`, and version 2 with its `{placeholders}`."""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.messaging.content.fields import Look, array, below, by_type, count_units, integer, members, text

TEXT_MAX: Final = 5000
MOST_EMOJI: Final = 20
_EMOJI: Final = {"productId": text(), "emojiId": text()}
_TEXT = members({"text": text(TEXT_MAX)}, {"emojis": array(members({"index": integer(0), **_EMOJI}), 0, MOST_EMOJI)})


def check_text(message: Any, pointer: str, look: Look) -> None:
    """A text whose emoji each stand at a `$` of their own."""
    _TEXT(message, pointer, look)
    words, emojis = message.get("text"), message.get("emojis")
    if not isinstance(words, str) or not isinstance(emojis, list):
        return
    free = {count_units(words[: found.start()]) for found in re.finditer(r"\$", words[:TEXT_MAX])}
    for number, emoji in enumerate(emojis[:MOST_EMOJI]):
        index = emoji.get("index") if isinstance(emoji, Mapping) else None
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            continue  # has been said
        if index not in free:
            at = below(below(below(pointer, "emojis"), number), "index")
            look.refuse(at, "Must be where a $ of the text stands, counted in UTF-16 units, each once.")
        free.discard(index)


_KEY = re.compile("[0-9A-Za-z_]{1,20}")
# Doubled braces stand for themselves, so they are read before a placeholder and before one without its twin.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_SUBSTITUTE = by_type({"emoji": members(_EMOJI)})


def _check_substitution(value: Any, pointer: str, look: Look) -> None:
    if not isinstance(value, Mapping):
        look.refuse(pointer, "Must be an object.")
        return
    if len(value) > 100:
        look.refuse(pointer, "LINE takes at most 100 substitutions.")
    for key, one in list(value.items())[:100]:
        if not _KEY.fullmatch(key):
            look.refuse(below(pointer, key), "Keys are up to 20 letters, digits and _.")
        elif isinstance(one, Mapping) and one.get("type") == "mention":
            look.refuse(below(pointer, key), "A mention is good in a group only.")
        elif one is not None:
            _SUBSTITUTE(one, below(pointer, key), look)


_TEXT_V2 = members({"text": text(TEXT_MAX, form="braces")}, {"substitution": _check_substitution})


def check_text_v2(message: Any, pointer: str, look: Look) -> None:
    """A text whose placeholders are all named in `substitution`."""
    _TEXT_V2(message, pointer, look)
    words, given = message.get("text"), message.get("substitution") or {}
    if not isinstance(words, str) or not isinstance(given, Mapping):
        return
    emoji = 0
    for found in _BRACES.finditer(words[:TEXT_MAX]):
        if found[0] in ("{{", "}}"):
            continue
        if found[1] is None or not _KEY.fullmatch(found[1]):
            detail = "A brace stands alone: write a placeholder as {name}, of up to 20 letters, digits and _."
            look.refuse(below(pointer, "text"), detail)
            return
        if given.get(found[1]) is None:
            at = below(below(pointer, "substitution"), found[1])
            look.refuse(at, "The text names it, so it must say what stands there.")
        emoji += 1
    if emoji > MOST_EMOJI:
        look.refuse(below(pointer, "text"), f"LINE takes at most {MOST_EMOJI} emoji in a text.")
