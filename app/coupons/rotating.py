"""Codes that change every 30 seconds, so that a picture of one is worth nothing a minute later.

What is shown is the code itself (a copy's, or a card's number), a hyphen, the step of the clock in four characters and
a tag in eight: all of them letters and digits that a QR code packs tightly and a scanner types. The tag is an HMAC of
the step under a secret of that one code, which its owner's page may keep: so it shows true codes without a network.
Forty bits of tag and two guesses a minute at most make a forged one a matter of a million years.
"""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from app.coupons.codes import ALPHABET
from tenants.sealing import BrandKey

STEP_SECONDS: Final = 30
EARLY_STEPS: Final = 1
"""How far a phone's clock may be ahead of ours."""
LATE_STEPS: Final = 1
"""For how many steps a code is still taken after its own: while it is scanned, or a phone's clock is behind."""
_STEPS: Final = 32**4
_SHOWN: Final = re.compile(f"([0-9A-Z]{{4,32}})-([{ALPHABET}]{{4}})([{ALPHABET}]{{8}})")
_PURPOSE: Final = "coupon.rotating"


@dataclass(frozen=True, slots=True)
class RotatingCode:
    """What somebody showed: a code, and the proof that it was shown in a certain step."""

    code: str
    step: int
    """Of the clock, modulo 32⁴: eleven months."""
    tag: str


def secret_of(key: BrandKey, code: str) -> bytes:
    """The secret of one code, 32 bytes, by which its owner's page makes what it shows."""
    return _secret(key.derive(_PURPOSE), code)


def show(secret: bytes, code: str, at: datetime) -> str:
    """What a page shows of a code at this moment."""
    step = _step_at(at)
    return f"{code}-{_write(step, 4)}{_tag(secret, step)}"


def read(scanned: str) -> RotatingCode | None:
    """What was shown, from what a scanner or a camera read; None where it is something else."""
    found = _SHOWN.fullmatch(scanned.strip().upper())
    if found is None:
        return None
    code, step, tag = found.groups()
    return RotatingCode(code, _read(step), tag)


def is_true(key: BrandKey, shown: RotatingCode) -> bool:
    """Whether the page of this code's owner made it, at whatever time."""
    return any(hmac.compare_digest(_tag(secret, shown.step), shown.tag) for secret in _secrets(key, shown.code))


def is_current(shown: RotatingCode, at: datetime) -> bool:
    """Whether it is taken at this moment: in its own step, the one before or the one after."""
    behind = (_step_at(at) - shown.step) % _STEPS
    return behind <= LATE_STEPS or behind >= _STEPS - EARLY_STEPS


def _secrets(key: BrandKey, code: str) -> Iterator[bytes]:
    return (_secret(derived, code) for derived in key.derive_all(_PURPOSE))


def _secret(derived: bytes, code: str) -> bytes:
    return hmac.digest(derived, code.encode(), sha256)


def _tag(secret: bytes, step: int) -> str:
    return _write(int.from_bytes(hmac.digest(secret, str(step).encode(), sha256)[:5]), 8)


def _step_at(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS % _STEPS


def _write(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def _read(text: str) -> int:
    return sum(ALPHABET.index(letter) << 5 * place for place, letter in enumerate(reversed(text)))
