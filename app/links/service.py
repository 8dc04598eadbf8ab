"""Links are made with the run in whose messages they stand."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.links.models import Link
from app.links.rewriting import rewrite, write_address

LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH: Final = 10
"""Of a code. QR codes have twelve letters, so none is ever taken for the other."""
KEPT: Final = timedelta(days=400)
"""How long a link leads on."""


@dataclass
class Tracked:
    """Contents whose addresses are ours, and the links that stand in them, to be added once their run is."""

    contents: list[list[dict[str, Any]]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def track(run_id: UUID, contents: Sequence[tuple[int | None, Sequence[Mapping[str, Any]]]], now: datetime) -> Tracked:
    """The contents of a run, each with the number of its variant, with one link for each address in it."""
    tracked = Tracked()
    for variant, messages in contents:
        codes: dict[str, str] = {}

        def shorten(url: str, codes: dict[str, str] = codes) -> str:
            code = codes.setdefault(url, "".join(secrets.choice(LETTERS) for _ in range(LENGTH)))
            return write_address(code, url)

        tracked.contents.append(rewrite(messages, shorten))
        tracked.links += [
            Link(code=code, url=url, run_id=run_id, variant=variant, expires_at=now + KEPT, created_at=now)
            for url, code in codes.items()
        ]
    return tracked
