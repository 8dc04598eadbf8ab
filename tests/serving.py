"""A whole installation for a test: a database of its own, and `serve` and `worker` as processes that can be killed."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import psycopg
from sqlalchemy import Engine

from app.database import Urls, embedded_urls, make_engine
from tests.app.sandbox.process import PLAIN, free_port, wait_for

ROOT = Path(__file__).parents[1]
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Installation:
    """A migrated database, and what its processes are told."""

    urls: Urls
    engine: Engine
    folder: Path
    environment: dict[str, str]
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def logs(self) -> list[Path]:
        """What its processes have written so far."""
        return sorted(self.folder.glob("*.log"))

    def start(self, *arguments: str, module: str = "app", **environment: str) -> "subprocess.Popen[bytes]":
        """Start a process of ours in a group of its own."""
        with open(self.folder / f"{arguments[0]}-{next(self._numbers)}.log", "wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**_without_noren(), **self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def serve(self, *, module: str = "app", arguments: Sequence[str] = (), **environment: str) -> "Served":
        """Start `serve` and wait until it answers."""
        port = free_port()
        process = self.start("serve", *arguments, "--port", str(port), module=module, **environment)
        served = Served(process, f"http://127.0.0.1:{port}")
        wait_for(lambda: served.is_ready() or _ended(process, self.logs), 60)
        return served

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """What a `noren` command prints, and how it ends."""
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**_without_noren(), **self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )


@dataclass(frozen=True)
class Served:
    """A `serve` process that answers."""

    process: "subprocess.Popen[bytes]"
    url: str

    def is_ready(self) -> bool:
        """Whether it answers already."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=30, trust_env=False, verify=PLAIN).status_code == 200
        return False

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """A client of it."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=PLAIN)

    def signal(self, number: signal.Signals) -> None:
        """Signal it and all its children."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=60)


@contextmanager
def open_installation(name: str, folder: Path, **environment: str) -> Iterator[Installation]:
    """An empty installation over a database of this name; its processes end with the block."""
    admin = os.environ["NOREN_TEST_ADMIN_URL"]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE noren_template OWNER noren_owner')
    urls = embedded_urls(str(psycopg.conninfo.conninfo_to_dict(admin)["host"]), name, admin)
    engine = make_engine(urls.app, pool_size=4)
    given = {
        "NOREN_DATABASE_URL": urls.app,
        "NOREN_DATA_DIR": str(folder),
        "NOREN_POOL_SIZE": "10",
        "NOREN_RATE_LIMIT": "1000000",
        "NOREN_ANONYMOUS_RATE_LIMIT": "1000000",
        "NOREN_LINE_API_URL": NOWHERE,
        "NOREN_JMA_URL": NOWHERE,
        "NOREN_WBGT_URL": NOWHERE,
        "NOREN_LOG_LEVEL": "warning",
    }
    installation = Installation(urls, engine, folder, {**given, **environment})
    try:
        yield installation
    finally:
        for process in installation.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=60)
        engine.dispose()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _without_noren() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NOREN_")}


def _ended(process: "subprocess.Popen[bytes]", logs: Sequence[Path]) -> bool:
    assert process.poll() is None, "it ended: " + "".join(log.read_text()[-2000:] for log in logs)
    return False


@dataclass(frozen=True)
class Call:
    """A request, and what is wrong with its answer if anything is."""

    method: str
    path: str
    complaint: Callable[[int, bytes], str | None]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class SteadyLoad:
    """So many calls a second from a thread of its own, whatever the answers take: `with SteadyLoad(…) as load:`."""

    def __init__(self, url: str, calls: Callable[[], Call], per_second: float) -> None:
        self.url = url
        self.calls = calls
        self.per_second = per_second
        self.answered = 0
        self.slowest_seconds = 0.0
        self.complaints: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "SteadyLoad":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join(60)

    async def _run(self) -> None:
        connector = aiohttp.TCPConnector(limit=64)
        sending: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession(self.url, connector=connector, trust_env=False) as http:
            began, count = time.perf_counter(), 0
            while not self._stopping.is_set():
                task = asyncio.create_task(self._send(http, self.calls()))
                sending.add(task)
                task.add_done_callback(sending.discard)
                count += 1
                await asyncio.sleep(max(0.0, began + count / self.per_second - time.perf_counter()))
            await asyncio.gather(*sending)

    async def _send(self, http: aiohttp.ClientSession, call: Call) -> None:
        began = time.perf_counter()
        timeout = aiohttp.ClientTimeout(total=30)
        complaint: str | None
        try:
            async with http.request(
                call.method, call.path, data=call.body, headers=call.headers, timeout=timeout
            ) as answer:
                complaint = call.complaint(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            complaint = repr(error)
        self.answered += 1
        self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - began)
        if complaint is not None:
            self.complaints.append(f"{call.method} {call.path}: {complaint}")


def expect(status: int) -> Callable[[int, bytes], str | None]:
    """A complaint about any other status."""
    return lambda got, body: None if got == status else f"{got} {body[:300]!r}"


def expect_body(status: int, wanted: bytes) -> Callable[[int, bytes], str | None]:
    """A complaint about any other answer."""
    return lambda got, body: None if (got, body) == (status, wanted) else f"{got} {body[:300]!r}"


def json_of(answer: httpx.Response) -> Any:
    """The document of an answer that must be 2xx."""
    assert answer.is_success, (answer.status_code, answer.text)
    return answer.json()
