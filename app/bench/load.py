"""Load: requests made beforehand, sent over N connections, each connection one request after the other.

As a module: `python -m app.bench.load FILE HOST PORT CONNECTIONS`. A process of its own, so that the client's work is
not taken for the server's; and no HTTP library, since on two cores a slow client would be what is measured.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from app.bench.place import Place, run_child
from app.bench.results import Failed

PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Answers:
    """What came back for a list of requests."""

    seconds: float
    cpu_seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: dict[str, list[int]]
    """Numbers of the requests that were not answered with 2xx, by status; `0` where no answer came."""

    def per_second(self, requests: int) -> float:
        """Requests a second that were answered with 2xx."""
        return (requests - sum(len(numbers) for numbers in self.refused.values())) / self.seconds


def request(path: str, body: str, headers: dict[str, str]) -> str:
    """A POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: localhost", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"content-length: {len(body.encode())}")
    return "\r\n".join(lines) + "\r\n\r\n" + body


def send_all(place: Place, requests: Sequence[str], *, host: str, port: int, connections: int) -> Answers:
    """Send all of these from another process, and answer when the last answer is there."""
    path = place.folder / "requests.json"
    path.write_bytes(orjson.dumps(list(requests)))
    answers = Answers(**run_child("app.bench.load", [str(path), host, str(port), str(connections)]))
    path.unlink()
    return answers


class _Connection(asyncio.Protocol):
    """Takes the next request whenever the answer to the last is complete."""

    def __init__(self, waiting: "_Waiting") -> None:
        self.waiting = waiting
        self.received = b""
        self.number = -1
        self.sent_at = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._send_next()

    def _send_next(self) -> None:
        self.number = self.waiting.take()
        if self.number < 0:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(self.waiting.requests[self.number])

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        if not blank or len(body) < _content_length(head):
            return
        self.waiting.done(self.number, int(head[9:12]), time.perf_counter() - self.sent_at)
        self.received = b""
        self._send_next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.number >= 0:
            self.waiting.done(self.number, 0, time.perf_counter() - self.sent_at)
        if not self.ended.done():
            self.ended.set_result(None)


def _content_length(head: bytes) -> int:
    head = head.lower()
    start = head.find(b"\r\ncontent-length:")
    return 0 if start < 0 else int(head[start + 17 :].split(b"\r\n", 1)[0])


class _Waiting:
    """The requests in their order, and what became of them."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.requests = requests
        self.seconds: list[float] = []
        self.refused: dict[str, list[int]] = {}
        self._next = iter(range(len(requests)))

    def take(self) -> int:
        """The number of the next request, or -1."""
        return next(self._next, -1)

    def done(self, number: int, status: int, seconds: float) -> None:
        """Note an answer."""
        self.seconds.append(seconds)
        if not 200 <= status < 300:
            self.refused.setdefault(str(status), []).append(number)


async def send(requests: Sequence[bytes], host: str, port: int, connections: int) -> Answers:
    """Send all, over so many connections. Raises Failed when answers stop coming."""
    loop = asyncio.get_running_loop()
    waiting = _Waiting(requests)
    began, cpu_began = time.perf_counter(), _own_cpu_seconds()
    made = [await loop.create_connection(lambda: _Connection(waiting), host, port) for _ in range(connections)]
    pending = {protocol.ended for _, protocol in made}
    while pending:
        answered = len(waiting.seconds)
        _, pending = await asyncio.wait(pending, timeout=PATIENCE_SECONDS)
        if pending and len(waiting.seconds) == answered:
            raise Failed(f"{len(pending)} connections wait, and nothing was answered for {PATIENCE_SECONDS:.0f} s.")
    seconds = time.perf_counter() - began
    times = sorted(waiting.seconds)
    return Answers(
        seconds,
        _own_cpu_seconds() - cpu_began,
        p50_ms=1000 * times[len(times) // 2],
        p95_ms=1000 * times[int(len(times) * 0.95)],
        p99_ms=1000 * times[int(len(times) * 0.99)],
        refused=waiting.refused,
    )


def _own_cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Send what stands in a file and print the answers as JSON."""
    import uvloop

    path, host, port, connections = sys.argv[1:]
    requests = [text.encode() for text in orjson.loads(Path(path).read_bytes())]
    gc.freeze()
    print(json.dumps(asdict(uvloop.run(send(requests, host, int(port), int(connections))))))


if __name__ == "__main__":
    main()
