"""What tests of several domains share."""

from collections.abc import Iterator

import pytest

from tests.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """A sandbox that listens, one for each worker process of the tests."""
    with run_sandbox() as running:
        yield running
