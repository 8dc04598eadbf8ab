"""The other tool: a server that remembers the calls it took, and may be away or refuse."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Taken:
    """A call that the tool answered, whatever it said."""

    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes
    status: int


class Tool:
    """Answers 200, unless it is told otherwise."""

    def __init__(self) -> None:
        self.calls: list[Taken] = []
        self.statuses: list[int] = []
        """Answers to give, first one first."""
        self.is_away = False
        """Whether it hangs up without an answer."""
        self.refuses: Callable[[bytes], bool] = lambda body: False
        """Whether it answers 503 to a call with this body."""
        self.wait: Callable[[], object] = lambda: None
        """Called before each answer: the tool is as slow as this."""
        tool = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if tool.is_away:
                    self.close_connection = True
                    return
                tool.wait()
                status = tool.statuses.pop(0) if tool.statuses else 503 if tool.refuses(body) else 200
                headers = {name.lower(): value for name, value in self.headers.items()}
                tool.calls.append(Taken(headers, body, status))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", tool.url)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/line/webhook"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def taken(self) -> list[bytes]:
        """The bodies of the calls that it took, in the order in which they came."""
        return [call.body for call in self.calls if call.status == 200]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
