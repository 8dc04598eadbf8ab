"""The API's own document as the tests read it: made once for a whole run, since it takes seconds and never differs.

`python -m tests.document FILE` writes it, which the run does while its database starts; its processes read that file.
"""

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import orjson

FILE = "NOREN_TEST_DOCUMENT"
"""The variable that names the file."""


@cache
def document() -> dict[str, Any]:
    """The published document, for reading only: whoever changes it takes a copy."""
    file = os.environ.get(FILE)
    found: dict[str, Any] = orjson.loads(Path(file).read_bytes()) if file else _make()
    return found


def _make() -> dict[str, Any]:
    from app.main import create_app
    from app.settings import Settings

    return create_app(Settings()).openapi()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(orjson.dumps(_make()))
