"""Ids as LINE makes them."""

import hashlib
import os

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(milliseconds: int) -> str:
    """A ULID: 48 bits of time, 80 of chance, in Crockford's base 32."""
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def quote_token(message_no: int) -> str:
    """The quote token of a message: always the same, so that a 409 can repeat it."""
    return "q" + hashlib.blake2s(b"%d" % message_no, digest_size=16).hexdigest()
