"""How large a world the sandbox holds, and how fast: `python -m tests.app.sandbox.scale [--people 1000000]`.

Prints a table: people, channels, memory, seconds from the start to the first answer, sends a second by kind (on the
clock and per second of the sandbox's processor time), and how long saving kept others waiting. Everything is measured
from outside, over sockets, at a sandbox in a process of its own.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import orjson

from app.bench.machine import cpu_seconds, resident_mb
from tests.app.sandbox.process import ROOT, free_port, wait_for

PROVIDER = "2000000001"
_PEOPLE_IN_CALL = 20_000
_CONNECTIONS = 32
_MULTICAST = 500


@dataclass(frozen=True)
class Size:
    """How much there is of what."""

    people: int
    channels: int
    follows: int = 2
    """Channels that each person follows."""
    send_seconds: float = 5.0
    settles: bool = True
    """Whether sends wait until what was filled in is saved, so that nothing else takes time."""


@dataclass
class Figures:
    """What came out."""

    people: int = 0
    channels: int = 0
    fill_seconds: float = 0.0
    filled_mb: float = 0.0
    started_mb: float = 0.0
    start_seconds: float = 0.0
    file_mb: float = 0.0
    save_seconds: float = 0.0
    longest_slice_ms: float = 0.0
    """The most processor time that saving took of the event loop in one go."""
    longest_wait_ms: float = 0.0
    """The longest that a caller waited while all was being saved."""
    longest_wait_idle_ms: float = 0.0
    """The same for as long a time in which nothing was saved: what this machine makes one wait."""
    people_after_kill: int = 0
    calls: int = 0
    calls_after_kill: int = 0
    sends_a_second: dict[str, float] = field(default_factory=dict)
    sends_a_processor_second: dict[str, float] = field(default_factory=dict)


class Running:
    """A sandbox in a process of its own."""

    def __init__(self, state_file: Path) -> None:
        self.port = free_port()
        options = f"port={self.port}, state_file=Path({str(state_file)!r}), rate_limits=False"
        code = f"from pathlib import Path; from app.sandbox.main import run; run({options})"
        started = time.perf_counter()
        self._process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)  # noqa: S603 (our own code)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=120)
        wait_for(self._answers, 120)
        self.start_seconds = time.perf_counter() - started

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the sandbox ended instead of starting"
        try:
            return self.client.get("/").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(path, content=orjson.dumps(body)).raise_for_status().json()

    def is_saved(self) -> bool:
        """Whether nothing waits to be written, so that nothing but sends takes time."""
        before = self.get("/_sandbox/save")
        time.sleep(1.5)
        return not before["saving"] and self.get("/_sandbox/save") == before

    @property
    def memory_mb(self) -> float:
        return resident_mb(self._process.pid)

    @property
    def processor_seconds(self) -> float:
        return cpu_seconds(self._process.pid)

    def end(self, how: int) -> None:
        self.client.close()
        self._process.send_signal(how)
        self._process.wait(60)


def measure(size: Size, folder: Path) -> Figures:
    """Fill a sandbox, send, save, kill it, and start it again."""
    figures = Figures(channels=size.channels)
    sandbox = Running(folder / "sandbox.json")
    try:
        started = time.perf_counter()
        tokens = _fill(sandbox, size)
        figures.fill_seconds = time.perf_counter() - started
        figures.filled_mb = sandbox.memory_mb
        if size.settles:
            wait_for(sandbox.is_saved, 120)
        for kind, requests in _requests(sandbox, size, tokens).items():
            before, started = sandbox.processor_seconds, time.perf_counter()
            sent = asyncio.run(_send(sandbox.port, requests, size.send_seconds))
            figures.sends_a_second[kind] = sent / (time.perf_counter() - started)
            figures.sends_a_processor_second[kind] = sent / (sandbox.processor_seconds - before)
        figures.people = sandbox.get("/")["people"]
        figures.longest_wait_ms, figures.save_seconds, saved = _save_while_asking(sandbox)
        figures.longest_wait_idle_ms = _ask_for(sandbox, figures.save_seconds)
        figures.file_mb = saved["snapshot_bytes"] / 1e6
        figures.longest_slice_ms = saved["longest_pause_ms"]
        _add_person(sandbox)
        figures.calls = sandbox.get("/_sandbox/stats")["accepted"]
        wait_for(lambda: sandbox.get("/_sandbox/save")["changes_bytes"] > 0)
    finally:
        sandbox.end(signal.SIGKILL)
    again = Running(folder / "sandbox.json")
    try:
        figures.start_seconds, figures.started_mb = again.start_seconds, again.memory_mb
        figures.people_after_kill = again.get("/")["people"]
        figures.calls_after_kill = again.get("/_sandbox/stats")["accepted"]
    finally:
        again.end(signal.SIGTERM)
    return figures


def _fill(sandbox: Running, size: Size) -> list[str]:
    channels = [
        {"channel_id": f"165{no:07d}", "provider_id": PROVIDER, "channel_access_token": f"token-{no}"}
        for no in range(size.channels)
    ]
    sandbox.post("/_sandbox/world", {"channels": channels})
    for first in range(0, size.people, _PEOPLE_IN_CALL):
        people = [
            {
                "line_user_ids": {PROVIDER: f"U{no:032x}"},
                "name": f"客 {no}",
                "follows": [
                    channels[(no // 500 + turn * 7) % size.channels]["channel_id"] for turn in range(size.follows)
                ],
            }
            for no in range(first, min(first + _PEOPLE_IN_CALL, size.people))
        ]
        sandbox.post("/_sandbox/world", {"people": people})
    return [channel["channel_access_token"] for channel in channels]


def _add_person(sandbox: Running) -> None:
    """One who came after the snapshot, so that the kill has something to lose."""
    sandbox.post("/_sandbox/world", {"people": [{"line_user_ids": {PROVIDER: "U" + "f" * 32}}]})


def _requests(sandbox: Running, size: Size, tokens: Sequence[str]) -> dict[str, list[bytes]]:
    """Calls of each kind, to friends of their channel."""
    message = {"type": "text", "text": "本日のおすすめは秋刀魚の塩焼きです。ご来店をお待ちしております。"}
    pushes, multicasts = [], []
    for start in range(0, size.people - _MULTICAST + 1, max(_MULTICAST, size.people // 100 // _MULTICAST * _MULTICAST)):
        token = tokens[start // _MULTICAST % size.channels]
        friends = [f"U{no:032x}" for no in range(start, start + _MULTICAST)]
        multicasts.append(_request(sandbox.port, "multicast", token, {"to": friends, "messages": [message]}))
        pushes += [
            _request(sandbox.port, "push", token, {"to": friend, "messages": [message]}) for friend in friends[:20]
        ]
    return {"push": pushes, "multicast of 500": multicasts}


def _request(port: int, kind: str, token: str, body: Any) -> bytes:
    content = orjson.dumps(body)
    head = (
        f"POST /v2/bot/message/{kind} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class _Caller(asyncio.Protocol):
    """One connection that sends a request as soon as the last one is answered."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self._requests, self._until = requests, until
        self._answer = b""
        self.sent = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        assert head.startswith(b"HTTP/1.1 200"), self._answer
        self._answer = b""
        self.sent += 1
        if time.perf_counter() < self._until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()
            self.done.set_result(None)


async def _send(port: int, requests: Sequence[bytes], seconds: float) -> int:
    """How many sends were taken in so many seconds."""
    loop, until = asyncio.get_running_loop(), time.perf_counter() + seconds
    shared = cycle(requests)
    callers = [
        (await loop.create_connection(lambda: _Caller(shared, until), "127.0.0.1", port))[1]
        for _ in range(_CONNECTIONS)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    return sum(caller.sent for caller in callers)


def _save_while_asking(sandbox: Running) -> tuple[float, float, Any]:
    """Save everything while somebody else asks small things all the time: her longest wait in milliseconds, the
    seconds that saving took, and its answer."""

    async def save() -> tuple[float, float, Any]:
        async with httpx.AsyncClient(base_url=str(sandbox.client.base_url), trust_env=False, timeout=300) as client:
            started = time.perf_counter()
            saving = asyncio.create_task(client.post("/_sandbox/save"))
            longest_ms = await _ask_until(client, saving)
            return longest_ms, time.perf_counter() - started, saving.result().raise_for_status().json()

    return asyncio.run(save())


def _ask_for(sandbox: Running, seconds: float) -> float:
    async def ask() -> float:
        async with httpx.AsyncClient(base_url=str(sandbox.client.base_url), trust_env=False, timeout=300) as client:
            return await _ask_until(client, asyncio.create_task(asyncio.sleep(seconds)))

    return asyncio.run(ask())


async def _ask_until(client: httpx.AsyncClient, end: "asyncio.Task[Any]") -> float:
    """The longest wait in milliseconds for a small answer, asked for again and again."""
    longest = 0.0
    await client.get("/_sandbox/clock")
    while not end.done():
        asked = time.perf_counter()
        await client.get("/_sandbox/clock")
        longest = max(longest, time.perf_counter() - asked)
        await asyncio.sleep(0.002)
    return longest * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=1_000)
    parser.add_argument("--follows", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    size = Size(chosen.people, chosen.channels, chosen.follows, chosen.seconds)
    with tempfile.TemporaryDirectory(prefix="sandbox-scale-") as folder:
        figures = measure(size, Path(folder))
    rows = [
        ("people, channels, ties", f"{figures.people:,}, {figures.channels:,}, {size.people * size.follows:,}"),
        ("memory when filled, after a start", f"{figures.filled_mb:,.0f} MB, {figures.started_mb:,.0f} MB"),
        ("start from the saved state", f"{figures.start_seconds:.1f} s"),
        ("filling over HTTP", f"{figures.fill_seconds:.1f} s"),
        ("saving all", f"{figures.save_seconds:.1f} s, {figures.file_mb:,.0f} MB"),
        ("longest slice of saving", f"{figures.longest_slice_ms} ms"),
        (
            "longest wait while saving, and without",
            f"{figures.longest_wait_ms:.0f} ms, {figures.longest_wait_idle_ms:.0f} ms",
        ),
        ("people, calls after kill -9", f"{figures.people_after_kill:,}, {figures.calls_after_kill:,}"),
        *(
            (f"{kind}, a second", f"{rate:,.0f}, {figures.sends_a_processor_second[kind]:,.0f} a processor second")
            for kind, rate in figures.sends_a_second.items()
        ),
    ]
    for name, value in rows:
        print(f"{name:40} {value}")


if __name__ == "__main__":
    main()
