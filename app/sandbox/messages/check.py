"""The messages of one call: how many, of which types, and each by the rules of its type."""

from typing import Any, Literal

from app.sandbox.answers import Detail
from app.sandbox.messages import media
from app.sandbox.messages import text as texts
from app.sandbox.messages.fields import EMPTY, Branch, array, union
from app.sandbox.messages.flex import check_flex
from app.sandbox.messages.imagemap import check_imagemap
from app.sandbox.messages.quickreply import with_common
from app.sandbox.messages.templates import check_template

Endpoint = Literal["reply", "push", "multicast", "narrowcast", "broadcast"]

MESSAGES_MAX = 5
QUOTABLE = frozenset({"text", "textV2", "sticker", "image", "video", "template", "flex"})
"""Types whose sent messages come back with a quote token."""

_BY_TYPE: dict[str, Branch] = {
    **texts.branches,
    **media.branches,
    "imagemap": check_imagemap,
    "template": check_template,
    "flex": check_flex,
}
MESSAGE_TYPES = tuple(_BY_TYPE)

_MESSAGE = union({kind: with_common(branch) for kind, branch in _BY_TYPE.items()})
_ONE_CHAT: frozenset[Endpoint] = frozenset({"reply", "push"})


def check_messages(messages: Any, *, endpoint: Endpoint) -> list[Detail]:
    """What LINE would complain of in `messages`, sent to `endpoint`: nothing, or one detail for each error."""
    if isinstance(messages, list) and len(messages) == 1 and _is_plain_text(messages[0]):
        return []
    if messages is None:
        return [{"message": EMPTY, "property": "messages"}]
    details: list[Detail] = []
    _MESSAGES(messages, "messages", details)
    if endpoint not in _ONE_CHAT and isinstance(messages, list):
        for position, message in enumerate(messages[:MESSAGES_MAX]):
            if isinstance(message, dict):
                texts.refuse_chat_only(message, f"messages[{position}]", details)
    return details


def _is_plain_text(message: Any) -> bool:
    """Most messages, recognised fast: a text short enough whatever its characters."""
    if not isinstance(message, dict) or len(message) != 2 or message.get("type") != "text":
        return False
    words = message.get("text")
    return isinstance(words, str) and 0 < len(words) <= texts.TEXT_MAX // 2


def _check_message(message: Any, path: str, details: list[Detail]) -> None:
    if not _is_plain_text(message):
        _MESSAGE(message, path, details)


_MESSAGES = array(_check_message, 1, MESSAGES_MAX)
