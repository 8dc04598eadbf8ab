"""Which auto-reply answers what somebody wrote or tapped: pure, over texts brought to one form."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.auto_replies.models import AutoReply

_HIRAGANA: Final = {code: code - 0x60 for code in (*range(0x30A1, 0x30F7), 0x30FD, 0x30FE)}
_SPACES: Final = re.compile(r"\s+")
_AROUND: Final = " 。、．，.,!！?？…〜~「」『』"


def fold(text: str) -> str:
    """A text as keywords are compared: one width, small letters, hiragana for katakana, and nothing around it.

    ｱﾒ, アメ and あめ are one word, and so are Rain and ＲＡＩＮ！.
    """
    wide = unicodedata.normalize("NFKC", text).casefold().translate(_HIRAGANA)
    return _SPACES.sub(" ", wide).strip(_AROUND)


@dataclass(frozen=True)
class Waiting:
    """An auto-reply that waits for words and taps, ready to be compared."""

    auto_reply: AutoReply
    keywords: Sequence[str]
    is_contained: bool
    """Whether a keyword may stand anywhere in what she wrote."""
    postbacks: frozenset[str]

    @classmethod
    def of(cls, auto_reply: AutoReply) -> "Waiting":
        """The same, with its keywords folded."""
        trigger = auto_reply.trigger
        keywords = [folded for word in trigger.get("keywords") or () if (folded := fold(word))]
        return cls(auto_reply, keywords, trigger.get("match") == "contains", frozenset(trigger.get("postbacks") or ()))

    def is_heard(self, folded: str) -> bool:
        """Whether a folded text is what it waits for."""
        if self.is_contained:
            return any(word in folded for word in self.keywords)
        return folded in self.keywords


def find_match(
    waiting: Sequence[Waiting],
    line_account_id: UUID,
    *,
    text: str | None = None,
    postback_data: str | None = None,
    zone: ZoneInfo,
    now: datetime,
) -> AutoReply | None:
    """The first of these that answers a text or a postback at an account at this time of the day."""
    folded = fold(text) if text is not None else ""
    for one in waiting:
        auto_reply = one.auto_reply
        if auto_reply.line_account_ids is not None and line_account_id not in auto_reply.line_account_ids:
            continue
        if not is_within(auto_reply.hours, now.astimezone(zone)):
            continue
        if (folded and one.is_heard(folded)) or (postback_data is not None and postback_data in one.postbacks):
            return auto_reply
    return None


def is_within(hours: Mapping[str, Any] | None, local: datetime) -> bool:
    """Whether a moment of the brand's clock lies within hours, which may pass midnight; None is always."""
    if hours is None:
        return True
    clock, begins, ends = f"{local:%H:%M}", str(hours["from"]), str(hours["to"])
    if begins <= ends:
        return begins <= clock < ends
    return clock >= begins or clock < ends
