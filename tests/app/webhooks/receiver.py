"""A partner's server. It knows Standard Webhooks from that library alone, and nothing of ours."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Answers 204 to what it can verify with its secret, 401 to anything else, unless it is told otherwise."""

    def __init__(self) -> None:
        self.secret = ""
        self.events: list[dict[str, Any]] = []
        """The documents that it took, in the order in which they came."""
        self.ids: list[str] = []
        """Their ids, by which it knows them again."""
        self.calls: list[tuple[dict[str, str], bytes]] = []
        """Headers by their names in small letters, and the body, of every call."""
        self.answer: Callable[[dict[str, Any]], int] = lambda event: 204
        """What it answers to a message that is true; 0 hangs up."""
        self.answer_headers: dict[str, str] = {}
        self.wait: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.wait()
                status = receiver.take(headers, body)
                if not status:
                    self.close_connection = True
                    return
                said = "" if status == 204 else "知りません\0"
                self.send_response(status)
                for name, value in receiver.answer_headers.items():
                    self.send_header(name, value)
                if 300 <= status < 400:
                    self.send_header("location", "http://169.254.169.254/latest/meta-data/")
                if status != 204:
                    self.send_header("content-length", str(len(said.encode())))
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A caller who was killed has hung up."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/noren"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """What is answered to a call; one that is taken is remembered."""
        with self._lock:
            self.calls.append((headers, body))
            try:
                event: dict[str, Any] = Webhook(self.secret).verify(body, headers)
            except (WebhookVerificationError, RuntimeError):
                return 401
            status = self.answer(event)
            if 200 <= status < 300:
                self.events.append(event)
                self.ids.append(headers["webhook-id"])
            return status

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
