"""Numbers of member cards: thirteen digits that old scanners read as JAN-13.

They begin with 29, which GS1 leaves to each shop's own use, so no article of trade has one. Ten digits are random: a
guess is right once in ten thousand where a brand has a million cards. So a number tells a till whom to greet, and opens
no coupon by itself; what her phone shows, and changes every 30 seconds, does.
"""

import re
import secrets
import unicodedata
from typing import Final

PREFIX: Final = "29"
LENGTH: Final = 13
_RANDOM_DIGITS: Final = LENGTH - len(PREFIX) - 1
_BETWEEN: Final = re.compile(r"[\s\-‐-―−ー]")
_NUMBER: Final = re.compile(f"{PREFIX}[0-9]{{{LENGTH - len(PREFIX)}}}")


def new_number() -> str:
    """A new number."""
    digits = f"{PREFIX}{secrets.randbelow(10**_RANDOM_DIGITS):0{_RANDOM_DIGITS}}"
    return digits + check_digit(digits)


def find_number(typed: str) -> str | None:
    """The number that somebody typed or scanned; None if it cannot be one. Spaces, hyphens and full-width digits are
    forgiven."""
    bare = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed))
    return bare if _NUMBER.fullmatch(bare) and check_digit(bare[:-1]) == bare[-1] else None


def check_digit(digits: str) -> str:
    """The thirteenth digit of twelve: from the right, threefold and once by turns, up to the next ten."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return str(-total % 10)
