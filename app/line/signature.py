"""Whether a call to our webhook comes from LINE."""

from base64 import b64encode
from hashlib import sha256
from hmac import compare_digest, digest


def sign(secret: bytes | str, body: bytes) -> bytes:
    """The signature of a webhook's raw body: Base64 of its HMAC-SHA256 under the channel secret."""
    key = secret.encode() if isinstance(secret, str) else secret
    return b64encode(digest(key, body, sha256))


def is_signed(secret: bytes | str, body: bytes, signature: str | None) -> bool:
    """Whether `X-Line-Signature` is right for this raw body; compared as text, in constant time.

    Decoding it first would accept other spellings of the same bytes.
    """
    if signature is None:
        return False
    return compare_digest(sign(secret, body), signature.encode("utf-8", "replace"))
