"""Rewriting: the addresses in messages become ours, at the launch; what is still open in them is filled in as they go.

A frozen message holds `PLACE/r/<code><MARK>`: `open_at` sets the host in, once for a content, and `stamp` the reader.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

PLACE: Final = "https://noren.invalid"
"""Stands for the host under which we are reached; only who sends knows it."""
MARK: Final = "0tag0tag0tag0tag0tag0tag00"
"""Stands for the reader's tag. No tag holds a 0."""
_MARK_BYTES: Final = MARK.encode()

MOST_TEXT_UNITS: Final = 5000
ROOM: Final = 250
"""UTF-16 units that one of our addresses takes at most, public URL and all."""
MOST_URL: Final = 1000
"""LINE's limit of an address."""

Shorten = Callable[[str], str]

_LEFT_ALONE: Final = ("line.me", "lin.ee", "line.naver.jp")
"""LINE opens these by itself: a LIFF page, an account's profile. By way of us they would open in a browser."""
_IN_TEXT: Final = re.compile(r"https://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_ENDS_NO_URL: Final = ".,;:!?'\"])"
_WRITTEN: Final = re.compile(r"https://[\x21-\x7e]+")
_BROWSER: Final = "openExternalBrowser"
"""LINE reads this of the address that is tapped, so ours must carry it."""


def rewrite(messages: Sequence[Mapping[str, Any]], shorten: Shorten) -> list[dict[str, Any]]:
    """These messages with each address that can be tracked replaced by what `shorten` answers for it.

    Those are https addresses in what is tapped (`uri`, `linkUri` of actions) and in texts, without variables.
    """
    return [_rewrite_message(message, shorten) for message in messages]


def _rewrite_message(message: Mapping[str, Any], shorten: Shorten) -> dict[str, Any]:
    changed: dict[str, Any] = {name: _rewrite(value, shorten) for name, value in message.items()}
    if message.get("type") in ("text", "textV2") and isinstance(message.get("text"), str):
        changed["text"] = _rewrite_text(message["text"], shorten)
    return changed


def _rewrite(value: Any, shorten: Shorten) -> Any:
    if isinstance(value, Mapping):
        is_action = value.get("type") == "uri"
        return {
            name: shorten(item)
            if (name == "linkUri" or (is_action and name == "uri")) and is_trackable(item)
            else _rewrite(item, shorten)
            for name, item in value.items()
        }
    return [_rewrite(item, shorten) for item in value] if isinstance(value, list) else value


def _rewrite_text(text: str, shorten: Shorten) -> str:
    found = [match.group().rstrip(_ENDS_NO_URL) for match in _IN_TEXT.finditer(text)]
    if _count_units(text) + sum(max(0, ROOM - len(url)) for url in found) > MOST_TEXT_UNITS:
        return text

    def replace(match: re.Match[str]) -> str:
        url = match.group().rstrip(_ENDS_NO_URL)
        # A variable right behind it is a part of it.
        if text.startswith("{", match.start() + len(url)) or not is_trackable(url):
            return match.group()
        return shorten(url) + match.group()[len(url) :]

    return _IN_TEXT.sub(replace, text)


def _count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def is_trackable(url: Any) -> bool:
    """Whether we may lead on to this address: https, of a host that is not LINE's, the same for everybody."""
    if not isinstance(url, str) or len(url) > MOST_URL or not _WRITTEN.fullmatch(url) or "{" in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if "." not in host or "@" in parts.netloc or "\\" in url:
        return False
    return not any(host == one or host.endswith(f".{one}") for one in _LEFT_ALONE)


def write_address(code: str, url: str) -> str:
    """What stands in a frozen message for an address with this code."""
    wanted = dict(parse_qsl(urlsplit(url).query)).get(_BROWSER)
    return f"{PLACE}/r/{code}{MARK}" + (f"?{_BROWSER}=1" if wanted == "1" else "")


def open_at(messages: Sequence[Mapping[str, Any]], public_url: str) -> Sequence[Mapping[str, Any]]:
    """Frozen messages whose addresses lead to this host."""
    written = orjson.dumps(messages)
    if _MARK_BYTES not in written:
        return messages
    opened: list[dict[str, Any]] = orjson.loads(
        written.replace(f"{PLACE}/r/".encode(), f"{public_url.rstrip('/')}/r/".encode())
    )
    return opened


def is_marked(pieces: Sequence[bytes]) -> bool:
    """Whether a template, in pieces, holds addresses that wait for their reader."""
    return any(_MARK_BYTES in piece for piece in pieces)


def stamp(messages: bytes, tag: bytes) -> bytes:
    """Rendered messages whose addresses name their reader."""
    return messages.replace(_MARK_BYTES, tag)
