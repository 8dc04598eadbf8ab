"""A server in LINE's place that answers raw bytes, in its own time: for answers that no HTTP server would give."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Line-Request-Id: r-1\r\n"
TOKEN = b'{"token_type":"Bearer","access_token":"t-1","expires_in":900}'
TOKEN_ANSWER = HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(TOKEN) + TOKEN


@dataclass
class Dripping:
    """Answers each call with `answer`, then with `drop` again and again, every `gap_seconds`, until the caller goes.

    A token is minted as LINE would.
    """

    url: str = ""
    answer: bytes = b""
    drop: bytes = b""
    gap_seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    calls: list[bytes] = field(default_factory=list)
    """The first line of each call."""


@contextmanager
def run_dripping() -> Iterator[Dripping]:
    """Serve on a port of its own until the end."""
    server = socket.create_server(("127.0.0.1", 0))
    dripping = Dripping(f"http://127.0.0.1:{server.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            thread = threading.Thread(target=_serve_one, args=(dripping, connection), daemon=True)
            thread.start()
            threads.append(thread)

    listening = threading.Thread(target=serve, daemon=True)
    listening.start()
    try:
        yield dripping
    finally:
        dripping.over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for thread in [listening, *threads]:
            thread.join(60)


def _serve_one(dripping: Dripping, connection: socket.socket) -> None:
    with connection:
        call = connection.recv(65536)
        dripping.calls.append(call.partition(b"\r\n")[0])
        try:
            if b"/oauth2/v3/token" in dripping.calls[-1]:
                connection.sendall(TOKEN_ANSWER)
                return
            connection.sendall(dripping.answer)
            while dripping.drop and not dripping.over.wait(dripping.gap_seconds):
                connection.sendall(dripping.drop)
        except OSError:
            return  # the caller has had enough
