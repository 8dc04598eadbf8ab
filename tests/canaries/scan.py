"""Canaries, and how they are found again: as they are, and in every form in which bytes and texts are written down."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, quote_plus


@dataclass(frozen=True)
class Canary:
    """Something that must not be read where it does not belong: a secret nowhere, a person's data in no log."""

    name: str
    value: str | bytes
    kind: Literal["secret", "personal"] = "secret"

    def forms(self) -> Iterator[bytes]:
        """How it may be written, in whole."""
        raw = self.value if isinstance(self.value, bytes) else self.value.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for skipped in range(3):  # within a longer text, base64 begins at any of three places
            aligned = raw[skipped : skipped + (len(raw) - skipped) // 3 * 3]
            yield b64encode(aligned)
            yield urlsafe_b64encode(aligned)
        if isinstance(self.value, str):
            yield quote(self.value).encode()
            yield quote_plus(self.value).encode()
            yield json.dumps(self.value)[1:-1].encode()
            yield repr(raw)[2:-1].encode()


def find(canaries: Iterable[Canary], content: bytes) -> set[str]:
    """The names of the canaries that stand in this content."""
    return {one.name for one in canaries if any(len(form) >= 6 and form in content for form in one.forms())}


_SECRET = re.compile(r"nrn_[a-z]+_[0-9A-Za-z]{49}")


def secrets_in(text: str) -> set[str]:
    """Every secret of ours that a text shows in whole."""
    return set(_SECRET.findall(text))
