"""Tags: the end of a link's code, which names its reader to us and tells nobody else anything.

A tag is one block of AES: the id of the person, or the number of the account that sent it, enciphered under a key that
the run has of its own. So links of a million people need no row each. Whoever makes a tag up gets a block that is
nobody's: of 2^122 possible ids the run has written to a million at most, and whom it did not write to is not found.
"""

from base64 import b32decode, b32encode
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tenants.sealing import BrandKey

LENGTH: Final = 26
"""Of a tag: 16 bytes, five bits to a letter."""
_MOST_ACCOUNTS: Final = 2**31


class Tagger:
    """Makes the tags of one run."""

    def __init__(self, key: BrandKey, run_id: UUID) -> None:
        # One block and no more is enciphered for each reader, so a block cipher by itself is all there is to it.
        self._encrypt = Cipher(algorithms.AES(key.derive(_purpose(run_id))), modes.ECB()).encryptor().update  # noqa: S305

    def of_person(self, customer_id: UUID) -> bytes:
        """The tag of one person."""
        return _write(self._encrypt(customer_id.bytes))

    def of_account(self, account_no: int) -> bytes:
        """The tag of all whom an account writes to."""
        return _write(self._encrypt(account_no.to_bytes(16)))


def read_tag(key: BrandKey, run_id: UUID, tag: str) -> Iterator[int | UUID]:
    """Whom a tag may name: an account's number or a person's id, for each of the brand's keys; none if it is none.

    It is for the caller to see whether the run wrote to that person.
    """
    block = _read(tag)
    if block is None:
        return
    for derived in key.derive_all(_purpose(run_id)):
        plain = Cipher(algorithms.AES(derived), modes.ECB()).decryptor().update(block)  # noqa: S305
        number = int.from_bytes(plain)
        yield number if number < _MOST_ACCOUNTS else UUID(bytes=plain)


def _purpose(run_id: UUID) -> str:
    return f"link:{run_id}"


def _write(block: bytes) -> bytes:
    return b32encode(block)[:LENGTH].lower()


def _read(tag: str) -> bytes | None:
    """The block that is written so; None for any other spelling."""
    if len(tag) != LENGTH:
        return None
    try:
        block = b32decode(tag.upper() + "=" * 6)
    except ValueError:
        return None
    return block if _write(block) == tag.encode() else None
