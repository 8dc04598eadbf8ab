"""A sandbox in a process of its own, as the demo runs it, and a shop's server that webhooks can call."""

import itertools
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import orjson

ROOT = Path(__file__).parents[3]
Found = TypeVar("Found")
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of servers on this machine, without TLS: to read the world's certificates takes each of them 25 ms."""


def _own_ports() -> Iterator[int]:
    """Ports that no other process of the same run tries, from any on, again and again."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16
    start = random.SystemRandom().randrange(750)
    return itertools.cycle(20_000 + 750 * process + (start + number) % 750 for number in range(750))


_PORTS = _own_ports()


def free_port() -> int:
    """A port that nobody listens on, below those of which the kernel takes one for each outgoing connection.

    Of those one could be taken again before the process that is told of it listens there.
    """
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def wait_for(look: Callable[[], Found], seconds: float = 60.0) -> Found:
    """The first true answer of `look`, or a failure that shows the last one."""
    deadline, pause = time.monotonic() + seconds, 0.005
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(pause)
        pause = min(1.5 * pause, 0.05)  # what is waited for needs the processor too
    return found


@contextmanager
def running_sandbox(**options: Any) -> Iterator[httpx.Client]:
    """A client of a fresh sandbox; the process ends by SIGTERM, as in the demo."""
    port = free_port()
    arguments = ", ".join(f"{name}={value!r}" for name, value in {"port": port, **options}.items())
    code = f"from pathlib import Path, PosixPath; from app.sandbox.main import run; run({arguments})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)  # noqa: S603 (our own code)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, verify=PLAIN, timeout=60) as client:
            wait_for(lambda: _answers(client) or _ended(process))
            yield client
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/").status_code == 200
    except httpx.TransportError:
        return False


def _ended(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the sandbox ended instead of starting"
    return False


class Received(NamedTuple):
    """A call that the shop's server got."""

    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes
    written: frozenset[str] = frozenset()
    """The names as they came."""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the call."""
        found: list[dict[str, Any]] = orjson.loads(self.body)["events"]
        return found

    @property
    def event(self) -> dict[str, Any]:
        """The only event of the call."""
        (event,) = orjson.loads(self.body)["events"]
        found: dict[str, Any] = event
        return found


class Shop:
    """A server at the other end of a webhook, which remembers its calls and answers as told."""

    def __init__(self) -> None:
        self.calls: list[Received] = []
        self.statuses: list[int] = []
        """Answers to give, first one first; then 200."""
        self.slow = threading.Event()
        """While set, answers do not come."""
        self.release = threading.Event()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                shop.calls.append(Received(headers, body, frozenset(self.headers.keys())))
                if shop.slow.is_set():
                    shop.release.wait(10)
                self.send_response(shop.statuses.pop(0) if shop.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def wait_for_events(self, count: int) -> list[dict[str, Any]]:
        """The first `count` events, when they have come."""
        wait_for(lambda: len(self.calls) >= count)
        return [call.event for call in self.calls[:count]]

    def wait_for_all(self, count: int) -> list[dict[str, Any]]:
        """At least `count` events, however many share a call, when they have come."""
        return wait_for(lambda: (events := self.list_events())[: len(events) if len(events) >= count else 0])

    def list_events(self) -> list[dict[str, Any]]:
        """All events that came, those of one call in its order."""
        return [event for call in list(self.calls) for event in call.events]

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
