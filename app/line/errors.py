"""What LINE's API says when it does not do what it was asked, told apart by what the caller should do next."""

from typing import Any

import orjson


class LineError(Exception):
    """LINE did not do it."""


class LineUnavailable(LineError):
    """Nobody can say whether LINE did it: no answer in time, a broken connection, a 5xx or an answer that is no answer.

    The same call may be tried again, a send with the same retry key.
    """


class LineRefused(LineError):
    """LINE refuses this call and will refuse it again: `status`, and `message` as LINE worded it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"LINE answered {status}: {message}")
        self.status = status
        self.message = message


class LineRateLimited(LineRefused):
    """Too many calls to this endpoint from this channel: try again a little later. LINE does not say when."""


class LineQuotaSpent(LineRefused):
    """The account may send no more messages this month, or so many are reserved by a narrowcast."""


def read_error(status: int, body: bytes) -> LineError:
    """The error behind an answer that is not a success.

    Both kinds of 429 have the same status, so here LINE's wording decides, though LINE does not promise it: whatever
    does not speak of the month is taken for the rate, which waiting mends.
    """
    if status >= 500 or status < 400:
        return LineUnavailable(f"LINE answered {status}")
    message = _read_message(body)
    if status == 429:
        kind = LineQuotaSpent if "monthly limit" in message else LineRateLimited
        return kind(status, message)
    return LineRefused(status, message)


def _read_message(body: bytes) -> str:
    """The text of an error body: `message` of the Messaging API, `error_description` of the token endpoints."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(answer, dict):
        return ""
    text = answer.get("message") or answer.get("error_description") or answer.get("error")
    return text[:500] if isinstance(text, str) else ""
