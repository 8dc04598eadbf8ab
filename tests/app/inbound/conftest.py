"""LINE's look-alike, and what it calls."""

from collections.abc import Iterator

import pytest

from tests.app.sandbox.process import Shop
from tests.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def line_api() -> Iterator[RunningSandbox]:
    """A sandbox shared by this process's tests; each makes channels and people of its own."""
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def tool() -> Iterator[Shop]:
    """A server that remembers its calls and answers as told."""
    server = Shop()
    yield server
    server.close()
