"""What LINE's API says when it does not do what it was asked, told apart by what the caller should do next."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

MAX_DETAILS = 50
LONGEST_TEXT = 500


class LineError(Exception):
    """LINE did not do it. `request_id` is LINE's name for the call, to be told to its support; None without answer."""

    outcome: ClassVar[str] = "error"
    """Its name in metrics."""

    def __init__(self, text: str = "", *, request_id: str | None = None) -> None:
        super().__init__(text)
        self.request_id = request_id


class LineUnavailable(LineError):
    """Nobody can say whether LINE did it: no answer in time, a broken connection, or a 5xx.

    The same call may be tried again later, a send with the same retry key only.
    """

    outcome = "unavailable"


class LineGarbled(LineUnavailable):
    """What came is no answer of LINE's: HTML, an answer without what it must hold, one that has no end, a redirect.

    As for any other LineUnavailable, try again later; when it lasts, something stands between us and LINE.
    """

    outcome = "garbled"


class LineOversized(LineGarbled):
    """The answer is longer than we take. It will be so next time: a bug of somebody's, or a film of an hour."""

    outcome = "oversized"


class LineCircuitOpen(LineUnavailable):
    """LINE was not asked, since it did not answer this channel, or any, a moment ago: nothing was done.

    Come again after `retry_after_seconds`, and do not count this as a try.
    """

    outcome = "not_asked"

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"not asked, since LINE did not answer; again in {retry_after_seconds:.0f} s")
        self.retry_after_seconds = retry_after_seconds


class LineContentPreparing(LineError):
    """LINE is still preparing a video or a long recording: ask again in a few seconds."""

    outcome = "preparing"


@dataclass(frozen=True, slots=True)
class LineDetail:
    """One thing that LINE holds against a request."""

    message: str
    property: str | None
    """The place in the body, such as `messages[0].text`."""


class LineRefused(LineError):
    """LINE refuses this call and will refuse it again: `status`, and `message` and `details` as LINE worded them.

    Do not repeat it unchanged. This very class stands for statuses that no kind below names.
    """

    outcome = "refused"

    def __init__(
        self, status: int, message: str, *, details: tuple[LineDetail, ...] = (), request_id: str | None = None
    ) -> None:
        super().__init__(f"LINE answered {status}: {message}", request_id=request_id)
        self.status = status
        self.message = message
        self.details = details


class LineInvalid(LineRefused):
    """400 or 415: the request is wrong. Mend what `details` name, or tell the person who wrote the message."""

    outcome = "invalid"


class LineTooLarge(LineInvalid):
    """413: the request is over 2 MB. Send less at once."""

    outcome = "too_large"


class LineUnauthorized(LineRefused):
    """LINE takes neither the token nor, from then on, the channel's id and secret: a person must enter them anew.

    The client has tried with a new token already.
    """

    outcome = "unauthorized"


class LineForbidden(LineRefused):
    """403: this account may not do that, since it is not verified, or what it asks for belongs to another tool.

    Leave it; for other accounts the same call may be good.
    """

    outcome = "forbidden"


class LineNotFound(LineRefused):
    """404: LINE does not know it, or does not tell this account. Treat it as absent."""

    outcome = "not_found"


class LineGone(LineRefused):
    """410: it was there once, and will not come back. Forget it."""

    outcome = "gone"


class LineAlreadyAccepted(LineRefused):
    """409: LINE took a send with this retry key before: it is done, by the call `accepted_request_id`."""

    outcome = "already_accepted"
    accepted_request_id: str | None = None


class LineRateLimited(LineRefused):
    """Too many calls to this endpoint from this channel: try again a little later. LINE does not say when."""

    outcome = "rate_limited"


class LineQuotaSpent(LineRefused):
    """The account may send no more messages this month, or so many are reserved by a narrowcast."""

    outcome = "month_spent"


_KINDS: dict[int, type[LineRefused]] = {
    400: LineInvalid,
    401: LineUnauthorized,
    403: LineForbidden,
    404: LineNotFound,
    409: LineAlreadyAccepted,
    410: LineGone,
    413: LineTooLarge,
    415: LineInvalid,
}


def read_error(
    status: int, body: bytes, *, request_id: str | None = None, accepted_request_id: str | None = None
) -> LineError:
    """The error behind an answer that is not a success.

    Both kinds of 429 have the same status, so here LINE's wording decides, though LINE does not promise it: whatever
    does not speak of the month is taken for the rate, which waiting mends.
    """
    if status >= 500:
        return LineUnavailable(f"LINE answered {status}", request_id=request_id)
    if status < 400:
        return LineGarbled(f"LINE answered {status}", request_id=request_id)
    message, details = _read_body(body)
    kind = _KINDS.get(status, LineRefused)
    if status == 429:
        kind = LineQuotaSpent if "monthly limit" in message else LineRateLimited
    error = kind(status, message, details=details, request_id=request_id)
    if isinstance(error, LineAlreadyAccepted):
        error.accepted_request_id = accepted_request_id
    return error


def _read_body(body: bytes) -> tuple[str, tuple[LineDetail, ...]]:
    """The text of an error body (`message` of the Messaging API, `error_description` of the token endpoints), and its
    details."""
    try:
        answer: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ()
    if not isinstance(answer, dict):
        return "", ()
    text = answer.get("message") or answer.get("error_description") or answer.get("error")
    details = answer.get("details")
    found = details[:MAX_DETAILS] if isinstance(details, list) else []
    return _text(text) or "", tuple(_read_detail(one) for one in found if isinstance(one, dict))


def _read_detail(detail: dict[str, Any]) -> LineDetail:
    return LineDetail(_text(detail.get("message")) or "", _text(detail.get("property")))


def _text(value: Any) -> str | None:
    return storable(value[:LONGEST_TEXT]) if isinstance(value, str) else None


def storable(text: str) -> str:
    """A text of LINE's as a database can keep it: without NUL, which JSON may hold and Postgres may not."""
    return text.replace("\0", "\ufffd")
