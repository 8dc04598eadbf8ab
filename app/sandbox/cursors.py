"""Pages as LINE cuts them: `limit`, and continuation tokens that are opaque, one account's own, and good for a day."""

import base64
import hmac

from app.sandbox import answers
from app.sandbox.answers import Refusal
from app.sandbox.world import Channel

_START_SECONDS = 24 * 3600


def parse_limit(text: str | None, *, default: int, most: int) -> int:
    """How many a page may hold. Raises Refusal."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise Refusal(answers.error(400, "The value for the 'limit' parameter is invalid"))
    return int(text)


def cut_short(limit: int, pages: str) -> int:
    """How many a page of people holds that may have up to `limit`: all, or two thirds if pages are "short"."""
    return limit if pages == "full" else max(1, limit * 2 // 3)


def seal_start(channel: Channel, of: str, after: int, now: float) -> str:
    """The token for what follows position `after` in the list `of` this channel."""
    text = f"{after}.{int(now)}"
    mark = hmac.new(channel.channel_secret.encode(), f"{of}.{text}".encode(), "sha256").hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{text}.{mark}".encode()).rstrip(b"=").decode()


def open_start(channel: Channel, of: str, start: str | None, now: float) -> int:
    """The position that a token stands for; -1 without one. Raises Refusal."""
    if start is None:
        return -1
    invalid = Refusal(answers.error(400, "Invalid start param"))
    try:
        after, made_at, _ = base64.urlsafe_b64decode(start + "=" * (-len(start) % 4)).decode().split(".")
        if seal_start(channel, of, int(after), int(made_at)) != start or now - int(made_at) > _START_SECONDS:
            raise invalid
    except ValueError:
        raise invalid from None
    return int(after)
