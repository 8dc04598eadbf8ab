"""The commit under test: what tries only a part of everything chooses the part by it, so that commits take turns."""

import os
import subprocess
from functools import cache
from zlib import crc32

from tests.serving import ROOT

IS_WHOLE = os.environ.get("WALLS") == "all"
"""Whether everything is tried, as `make walls` has it."""
WALLS_PARTS = int(os.environ.get("WALLS_PARTS", "24"))
"""In how many parts the walls' operations take turns with commits; where time is found for more, in fewer."""


@cache
def read_commit() -> str:
    """Forty hexadecimal digits; zeros outside of a repository."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "0" * 40


def is_turn(name: str, parts: int) -> bool:
    """Whether this commit tries what is called so, where each commit tries one of so many parts."""
    return (crc32(name.encode()) + int(read_commit()[:8], 16)) % parts == 0
