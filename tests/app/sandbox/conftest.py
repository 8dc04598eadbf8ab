"""One sandbox process for all these tests, emptied before each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.app.sandbox.process import Shop, running_sandbox
from tests.app.sandbox.stage import Stage


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[httpx.Client]:
    with running_sandbox() as client:
        yield client


@pytest.fixture
def sandbox(sandbox_process: httpx.Client) -> httpx.Client:
    """An empty sandbox, with rate limits."""
    sandbox_process.post("/_sandbox/reset", json={"world": True}).raise_for_status()
    sandbox_process.put("/_sandbox/settings", json={"rate_limits": True}).raise_for_status()
    return sandbox_process


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.close()


@pytest.fixture
def stage(sandbox: httpx.Client, shop: Shop) -> Stage:
    """One channel whose webhook goes to the shop, and Hanako, a friend of it."""
    return Stage.build(sandbox, shop)
