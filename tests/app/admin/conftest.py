"""An application whose LINE is the sandbox, and which the sandbox reaches under its public address."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.running import RunningSandbox


class Door:
    """A public address: what is posted to it goes into an application, or gets the status that is told."""

    def __init__(self) -> None:
        self.client: TestClient | None = None
        self.status: int | None = None
        """Answer this in place of the application."""
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = door.status
                if status is None:
                    assert door.client is not None
                    status = door.client.post(self.path, content=body, headers=dict(self.headers)).status_code
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Nobody answers here any more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def _open_door() -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()


@pytest.fixture
def door(_open_door: Door) -> Iterator[Door]:
    """The public address of `line_api`."""
    yield _open_door
    _open_door.status = None


@pytest.fixture(scope="session")
def line_settings(settings: Settings, sandbox: RunningSandbox, _open_door: Door) -> Settings:
    """Settings of an installation with the sandbox in LINE's place, and for accounts in test mode too."""
    changes = {"line_api_url": sandbox.url, "line_test_url": sandbox.url, "public_url": _open_door.url}
    return settings.model_copy(update=changes)


@pytest.fixture(scope="session")
def line_api(line_settings: Settings, _open_door: Door) -> Iterator[TestClient]:
    """The application over the same database, with the sandbox in LINE's place."""
    with TestClient(create_app(line_settings), raise_server_exceptions=False) as client:
        _open_door.client = client
        yield client
