"""Answers as LINE gives them: status, JSON, request id, error bodies."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

Detail = Mapping[str, str]
Header = tuple[bytes, bytes]

JSON_TYPE: Header = (b"content-type", b"application/json")
JSON_TYPE_WITH_CHARSET: Header = (b"content-type", b"application/json;charset=UTF-8")
_LEVELS_AROUND = 16
_UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Answer(NamedTuple):
    """What goes back to the caller, before the request id is added."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


class Refusal(Exception):
    """LINE refuses the call with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(value: Any) -> Answer:
    """A 200 with this value as JSON."""
    return Answer(200, orjson.dumps(value))


def error(status: int, message: str, details: Sequence[Detail] = (), **members: Any) -> Answer:
    """LINE's error body. `details` is left out when empty."""
    body: dict[str, Any] = {"message": message, **members}
    if details:
        body["details"] = details
    return Answer(status, orjson.dumps(body))


def oauth_error(code: str, description: str) -> Answer:
    """The error body of the token endpoints."""
    return Answer(400, orjson.dumps({"error": code, "error_description": description}))


def invalid(details: Sequence[Detail]) -> Answer:
    """The 400 for a body that parses and breaks rules."""
    return error(400, f"The request body has {len(details)} error(s)", details)


def invalid_property(name: str) -> Answer:
    """The 400 for a property whose value has the wrong shape."""
    return error(400, f"The property, {name}, in the request body is invalid (line: -, column: -)")


def unparsable(line: int = 1, column: int = 1) -> Answer:
    return error(400, f"The request body could not be parsed as JSON (line: {line}, column: {column})")


def wrong_content_type(content_type: str | None) -> Answer:
    return error(415, f"The content type, {content_type}, is not supported")


UNAUTHENTICATED = {
    "new": error(401, "Authentication failed. Confirm that the access token in the authorization header is valid."),
    "old": error(
        401,
        "Authentication failed due to the following reason: invalid token. "
        "Confirm that the access token in the authorization header is valid.",
    ),
}
"""By the setting `unauthenticated_text`."""
TOO_FAST = error(429, "The API rate limit has been exceeded. Try again later.")
MONTH_EXHAUSTED = error(429, "You have reached your monthly limit.")
NOT_FOUND = error(404, "Not found")
NOT_SENT = error(400, "Failed to send messages")
INVALID_REPLY_TOKEN = error(400, "Invalid reply token")
FORBIDDEN = error(403, "Access to this API is not available for your account")
EMPTY = Answer(200, b"{}")
ACCEPTED = Answer(202, b"{}")
# The three below have no published wording; only their status is LINE's.
TOO_LARGE = error(413, "The request body is too large")
RETRY_KEY_MALFORMED = error(400, "The value for the 'X-Line-Retry-Key' header is invalid")
RETRY_KEY_UNSUPPORTED = error(400, "The 'X-Line-Retry-Key' header is not supported by this API")


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Refusal with LINE's 400."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise Refusal(unparsable(broken.lineno, broken.colno)) from None
    if not isinstance(value, dict):
        raise Refusal(unparsable())
    return value


def parse_kept_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body whose content is to be kept: it nests no deeper than can be written again."""
    value = parse_json(body)
    if not is_writable(value):
        raise Refusal(unparsable())
    return value


def is_writable(value: Any) -> bool:
    """Whether a parsed value can be JSON again, also within what it is kept in: deeper is read than is written."""
    for _ in range(_LEVELS_AROUND):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


def parse_retry_key(value: bytes) -> bytes:
    """The sixteen bytes of a retry key. Raises Refusal unless it is a hexadecimal UUID."""
    if not _UUID.fullmatch(value):
        raise Refusal(RETRY_KEY_MALFORMED)
    return bytes.fromhex(value.replace(b"-", b"").decode())
