"""The application behind a real address, so that a browser can use it; it stands in this process all the same."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import httpx
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.sandbox.process import free_port

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Site:
    """An address that answers as the application does, until it goes down as a network does."""

    def __init__(self, url: str, app: TestClient) -> None:
        self.url, self.app = url, app
        self.is_down = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: ClassVar[Site]

    def _pass_on(self) -> None:
        if self.site.is_down:
            self.close_connection = True
            return
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP]
        # Without the client's own cookies: they are the browser's. It is never closed, for that would end what others
        # have asked meanwhile of the transport that all share.
        client = httpx.Client(transport=self.site.app._transport, base_url=self.site.url)
        answer = client.request(self.command, self.path, headers=headers, content=content)
        self.send_response(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_DELETE(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the application has its own log."""


@contextmanager
def serve(settings: Settings) -> Iterator[Site]:
    """The application at an address of this machine, which is also its public one."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    application = create_app(settings.model_copy(update={"public_url": url}))
    with TestClient(application, base_url=url, raise_server_exceptions=False, follow_redirects=False) as app:
        site = Site(url, app)
        server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"site": site}))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            server.server_close()
            thread.join(60)
