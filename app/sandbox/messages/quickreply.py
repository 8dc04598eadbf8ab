"""What any message may carry besides its content: quick replies, and another sender's name and icon."""

import re
from typing import Any

from app.sandbox.answers import Detail
from app.sandbox.messages import actions
from app.sandbox.messages.fields import Branch, Shape, array, both, media_url, one_of, text

QUICK_REPLIES_MAX = 13
_LINE = re.compile("(?<![a-z])line(?![a-z])", re.IGNORECASE)


def _no_impostor(value: str) -> str | None:
    """A name that nobody takes for the platform's own."""
    return "Must not contain LINE" if _LINE.search(value) else None


_ITEM = Shape(
    optional={"type": one_of("action"), "imageUrl": media_url},
    branches={"action": actions.branches["quick_reply"]},
    needed=("action",),
)
_QUICK_REPLY = Shape(branches={"items": array(_ITEM, 1, QUICK_REPLIES_MAX)}, needed=("items",))
_SENDER = Shape(optional={"name": both(text(20, least=0), _no_impostor), "iconUrl": media_url})
COMMON: dict[str, Branch] = {"quickReply": _QUICK_REPLY, "sender": _SENDER}


def with_common(content: Branch) -> Branch:
    """A message's own rule, and those for what any message may carry."""

    def check(message: Any, path: str, details: list[Detail]) -> None:
        content(message, path, details)
        for name, branch in COMMON.items():
            part = message.get(name)
            if part is not None:
                branch(part, f"{path}.{name}", details)

    return check
