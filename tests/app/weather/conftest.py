"""A stand-in for JMA's server: real HTTP, with files that a test puts and troubles that it asks for."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from app.jobs.queue import Clockwork
from app.settings import Settings
from tenants.sealing import Keyring
from tests.app.weather.files import at


@dataclass
class Jma:
    """What the server answers, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    drops: bool = False

    def put(self, office: str, document: Any) -> None:
        """Publish an office's forecast; bytes as they are."""
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        self.files[f"/bosai/forecast/data/forecast/{office}.json"] = body


class _Handler(BaseHTTPRequestHandler):
    jma: Jma

    def do_GET(self) -> None:
        jma = self.jma
        jma.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if jma.drops:
            self.connection.close()
            return
        body = jma.files.get(self.path, jma.files.get(self.path.partition("?")[0]))
        etag = f'"{sha256(body).hexdigest()[:16]}"' if body is not None else ""
        status = jma.status if body is not None or jma.status != 200 else 404
        if status == 200 and self.headers.get("if-none-match") == etag:
            status = 304
        self.send_response(status)
        self.send_header("etag", etag)
        for name, value in jma.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if jma.endless:
            self._drip()
        elif status == 200 and body is not None:
            self.wfile.write(body)

    def _drip(self) -> None:
        try:
            while True:
                self.wfile.write(b" " * 65_536)
                time.sleep(0.001)
        except OSError:
            return

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def jma() -> Iterator[Jma]:
    """A server of this test's own."""
    jma = Jma()
    handler = type("Handler", (_Handler,), {"jma": jma})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    jma.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield jma
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def jma_settings(settings: Settings, jma: Jma) -> Settings:
    """Settings that point at this test's server."""
    return settings.model_copy(update={"jma_url": jma.url, "wbgt_url": jma.url})


@pytest.fixture
def clock(engine: Any, keyring: Keyring, jma_settings: Settings) -> Clockwork:
    """What a task of the clock has, at 11:15 in Japan. No feed is left alone for what it did in other tests."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM weather_feed"))
    return Clockwork(engine, keyring, jma_settings, at("2026-11-21 11:15"))
