"""A server that answers what it is told, for what LINE's look-alike would never say."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answering:
    """Answers by path; what is not told is a 404. `calls` are the method, path and body of what came."""

    url: str = ""
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    calls: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"X-Line-Request-Id": "r-1"})
    """Of every answer."""
    media_type: str = "application/json"
    otherwise: Callable[[str], tuple[int, bytes]] = lambda path: (404, b'{"message":"Not found"}')
    """What is answered on paths that `answers` does not name."""
    watch: Callable[[str], None] = lambda path: None
    """Called with the path while the caller waits for the answer."""


@contextmanager
def run_answering() -> Iterator[Answering]:
    """Serve on a port of its own until the end."""
    told = Answering()
    told.answers["/oauth2/v3/token"] = (200, b'{"token_type":"Bearer","access_token":"t-1","expires_in":900}')

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told.calls.append((self.command, self.path, body))
            told.watch(self.path)
            status, content = told.answers.get(self.path) or told.otherwise(self.path)
            self.send_response(status)
            self.send_header("content-type", told.media_type)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - names of the standard library

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
