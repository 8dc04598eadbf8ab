"""The codes that customers show: made, read back as people type them, and made by the thousand inside SQL.

A code is 12 characters of Crockford's base32 (no I, L, O, U), so 60 bits, all of them random from a cryptographic
source. With ten million live codes in a brand one guess in 100 thousand million is right, and no till may guess that
often; two codes collide with a chance of one in 20,000 until a brand has issued ten million, which the unique key turns
into a failed transaction and not into two customers with one code.
"""

import re
import secrets
import unicodedata
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 12

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_BETWEEN = re.compile(r"[\s\-‐-―−ー_.]")
_ALIKE = str.maketrans("OIL", "011")


def new_code() -> str:
    """A new code."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def find_code(typed: str) -> str | None:
    """The code that somebody typed or scanned; None if it cannot be one.

    Small letters, full-width letters, spaces and hyphens are forgiven, and O, I and L are read as 0, 1 and 1.
    """
    bare = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed)).upper().translate(_ALIKE)
    return bare if _CODE.fullmatch(bare) else None


def mask_code(code: str) -> str:
    """The code with all but its last four characters hidden: enough to compare, and no use at a till."""
    return "*" * (LENGTH - 4) + code[-4:]


RANDOM_SQL: Final = "uuid_send(gen_random_uuid())"
"""Random bytes for one row, of which `CODE_SQL` makes a code: select it `AS random` below what uses it."""

# Bytes 6 and 8 of a random UUID carry its version and variant, so they are passed over.
_RANDOM_BYTES: Final = (0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13)

CODE_SQL: Final = " || ".join(f"substr('{ALPHABET}', (get_byte(random, {n}) & 31) + 1, 1)" for n in _RANDOM_BYTES)
"""The same kind of code as an SQL expression over the column `random`: five bits of each of twelve random bytes."""
