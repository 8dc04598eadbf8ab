"""A sandbox in this process, for tests that fill it faster than calls could."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from app.sandbox import world
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel
from tests.app.sandbox.stage import CHANNEL, PROVIDER, TOKEN


def new_sandbox() -> tuple[Sandbox, Channel]:
    """An empty world with one channel, and no rate limits."""
    sandbox = Sandbox()
    sandbox.limits.enabled = False
    settings = {"channel_access_token": TOKEN}
    return sandbox, world.put_channel(sandbox.world, CHANNEL, PROVIDER, settings, "2026-11")


@contextmanager
def served(routes: list[BaseRoute]) -> Iterator[TestClient]:
    """Some of its routes, called with the channel's token."""
    with TestClient(Starlette(routes=routes), headers={"authorization": f"Bearer {TOKEN}"}) as client:
        yield client
