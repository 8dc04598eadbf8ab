"""LINE's look-alike, and what it calls."""

from collections.abc import Iterator

import pytest

from tests.app.inbound.tool import Tool
from tests.app.sandbox.process import Shop
from tests.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def line_api() -> Iterator[RunningSandbox]:
    """A sandbox shared by this process's tests; each makes channels and people of its own."""
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def hands() -> Iterator[Shop]:
    """Where the sandbox's webhook calls come, for a test to pass them on."""
    server = Shop()
    yield server
    server.close()


@pytest.fixture
def tool() -> Iterator[Tool]:
    """The other tool of a brand that moves."""
    server = Tool()
    yield server
    server.close()
