"""A sandbox that listens, for tests that call LINE over a real socket."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.app.sandbox.process import running_sandbox


@dataclass(frozen=True)
class RunningSandbox:
    """The look-alike of LINE. Tests share it, so each makes channels of its own."""

    client: httpx.Client

    @property
    def url(self) -> str:
        """Where LINE's API is reached."""
        return str(self.client.base_url).rstrip("/")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of one of its own controls."""
        answer = self.client.request(method, f"/_sandbox{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def make_channel(self, provider_id: str = "provider-1", **settings: Any) -> dict[str, Any]:
        """A new channel under a provider, with its credentials."""
        channel_id = f"20{secrets.randbelow(10**8):08}"
        channel = {"channel_id": channel_id, "provider_id": provider_id, **settings}
        self.call("POST", "/world", {"providers": [{"id": provider_id}], "channels": [channel]})
        found: dict[str, Any] = self.call("GET", f"/channels/{channel_id}")
        return found


@contextmanager
def run_sandbox() -> Iterator[RunningSandbox]:
    """Start a sandbox in a process of its own, and end it."""
    with running_sandbox(rate_limits=False) as client:
        yield RunningSandbox(client)
