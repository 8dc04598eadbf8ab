"""read_basic(): a client's id and secret from `Authorization: Basic`, as RFC 6749 (2.3.1) wants them written."""

from base64 import b64decode
from binascii import Error as NotBase64
from urllib.parse import unquote

from starlette.datastructures import Headers

MAX_LENGTH = 1_000


def read_basic(headers: Headers) -> tuple[str, str] | None:
    """Id and secret, or None without an `Authorization` header.

    Raises ValueError for what is not exactly one readable `Basic` credential, in words for the caller.
    """
    lines = headers.getlist("authorization")
    if not lines:
        return None
    if len(lines) > 1:
        raise ValueError("There is more than one Authorization header.")
    scheme, _, encoded = lines[0].strip().partition(" ")
    encoded = encoded.strip()
    if scheme.lower() != "basic" or not encoded or len(encoded) > MAX_LENGTH:
        raise ValueError("The Authorization header is not Basic with an id and a secret.")
    try:
        decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        client_id, secret = unquote(client_id, errors="strict"), unquote(secret, errors="strict")
    except (NotBase64, UnicodeError) as error:
        raise ValueError("The Authorization header is not base64 of UTF-8.") from error
    if not colon or not client_id or not secret:
        raise ValueError("The Authorization header holds no id and secret.")
    return client_id, secret
