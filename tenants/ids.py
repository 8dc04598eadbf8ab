"""Ids: UUIDv7 inside, TypeID outside (`cus_01h455vb4pex5vsknk084sn02q`). Source: TypeID specification 0.3."""

import uuid
from typing import Final

import uuid_utils

PREFIXES: Final = {
    "brand", "area", "store", "acc", "key", "client", "staff", "cus", "frd", "tag", "seg", "cmp", "run", "dlv", "cpn",
    "icpn", "red", "rule", "dec", "ord", "vis", "evt", "aud", "whe", "whd", "op", "opkey", "grant", "receipt", "qr",
    "mrg", "cft", "attr", "note", "atag", "arep", "era", "con", "list", "lnk", "link", "click", "pnt", "prog", "rfd",
    "stop",
}  # fmt: skip
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]
_TO_PYTHON: Final = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")


def uuid7() -> uuid.UUID:
    """A new UUIDv7: ids made later sort later, so inserts go to the end of an index."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def uuid7_text() -> str:
    """A new UUIDv7 as its text, for rows that are copied in by the thousand."""
    return str(uuid_utils.uuid7())


def uuid7_of(digest: bytes) -> uuid.UUID:
    """A new UUIDv7 whose random part is that of a digest, by which `is_of` knows it again."""
    return uuid.UUID(int=uuid7().int & ~_RANDOM | int.from_bytes(digest[:16]) & _RANDOM)


def is_of(value: uuid.UUID, digest: bytes) -> bool:
    """Whether an id was made by `uuid7_of` with this digest."""
    return value.int & _RANDOM == int.from_bytes(digest[:16]) & _RANDOM


_RANDOM: Final = 0x0FFF_3FFF_FFFF_FFFF_FFFF
"""All but the time, the version and the variant."""


def encode_id(prefix: str, value: uuid.UUID) -> str:
    """The TypeID of a UUID."""
    number = value.int
    return f"{prefix}_" + "".join(_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10))


def decode_id(prefix: str, text: str) -> uuid.UUID:
    """The UUID of a TypeID. Raises ValueError for another prefix or a malformed suffix."""
    kind, _, suffix = text.rpartition("_")
    if kind != prefix or len(suffix) != 26 or not suffix.isascii() or suffix[0] > "7":
        raise ValueError(f"must be an id that begins with {prefix}_")
    if any(letter not in _ALPHABET for letter in suffix):
        raise ValueError(f"must be an id that begins with {prefix}_")
    return uuid.UUID(int=int(suffix.translate(_TO_PYTHON), 32))
