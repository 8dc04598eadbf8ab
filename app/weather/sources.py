"""Fetching JMA's files: one polite client for all brands, bounded whatever the other side sends."""

import random
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.schemas import write_instant
from app.settings import Settings

if TYPE_CHECKING:  # httpx is slow to load, and `serve` starts without it
    import httpx

FORECAST = "/bosai/forecast/data/forecast/{office}.json"
AREAS = "/bosai/common/const/area.json"
FORECAST_STATIONS = "/bosai/forecast/const/forecast_area.json"
STATIONS = "/bosai/amedas/const/amedastable.json"
STATIONS_NEARBY = "/bosai/amedas/const/amedas_class20_list.json"
OBSERVATIONS_CLOCK = "/bosai/amedas/data/latest_time.txt"
OBSERVATIONS = "/bosai/amedas/data/map/{moment}.json"
WARNINGS_CLOCK = "/bosai/warning/data/r8/map_time.json"
WARNINGS = "/bosai/warning/data/r8/map.json"
"""The paths since 2026-05-28. The ones before still answer 200, with what was in force that day."""
FLOODS = "/bosai/flood/data/r8/flood_xml.json"
WEEK_AREAS = "/bosai/forecast/const/week_area05.json"

MAX_BYTES = 5_000_000
MAX_SECONDS = 30.0
"""For a whole answer: a server that sends a byte a second never lets the read time-out pass."""

READ_SECONDS = 10.0
CONNECT_SECONDS = 5.0

PAUSE_SECONDS = 1.0
"""Between two requests to the same agencies, which promise nobody anything."""
JITTER_SECONDS = 0.5
FIRST_JITTER_SECONDS = 2.0
"""So that all installations do not ask in the same second of the minute."""
OWN_HOSTS = ("127.0.0.1", "localhost")


class FetchFailed(Exception):
    """The file could not be fetched; the message says why."""


class NotThere(FetchFailed):
    """The server answers, and has no such file."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of a file already, as its server named it."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file's body, or None where the server says that we have it already; and how to ask next time."""

    body: bytes | None
    known: Known


class Pace:
    """At most one request a second, a little irregular, save to this machine itself."""

    def __init__(self) -> None:
        self._next_at = time.monotonic() + random.uniform(0, FIRST_JITTER_SECONDS)  # noqa: S311

    def wait(self, request: "httpx.Request") -> None:
        """Sleep until the next request may go out."""
        if request.url.host in OWN_HOSTS:
            return
        time.sleep(max(0.0, self._next_at - time.monotonic()))
        self._next_at = time.monotonic() + PAUSE_SECONDS + random.uniform(0, JITTER_SECONDS)  # noqa: S311


def open_client(settings: Settings) -> "httpx.Client":
    """A client for JMA's files (or the sandbox's) that names us and how to reach us."""
    import httpx

    return httpx.Client(
        base_url=settings.jma_url,
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        # The sandbox on this machine is never behind the proxy that the environment may name.
        mounts={"all://127.0.0.1": None, "all://localhost": None},
        headers={
            "User-Agent": f"Noren/0.1 (+{settings.contact})",
            "Accept": "application/json, text/csv, text/plain",
            # Compressed bodies could unpack to any size; these files are small.
            "Accept-Encoding": "identity",
        },
        event_hooks={"request": [Pace().wait]},
    )


def fetch(client: "httpx.Client", path: str, known: Known | None = None, at: datetime | None = None) -> Fetched:
    """One file, unless it is as `known`. Raises FetchFailed.

    `at` asks the sandbox for the file as it is at that moment; JMA ignores it.
    """
    import httpx

    # What is asked for may hold a key, which belongs into no log.
    shown = path.partition("?")[0]
    headers = {}
    if known and known.etag:
        headers["If-None-Match"] = known.etag
    if known and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    if at is not None:
        headers["X-Sandbox-Now"] = write_instant(at)
    try:
        with client.stream("GET", path, headers=headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and known and (known.etag or known.last_modified):
                return Fetched(None, known)
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NotThere(f"{shown} answered 404")
            if response.status_code != httpx.codes.OK:
                raise FetchFailed(f"{shown} answered {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise FetchFailed(f"{shown} came in an encoding that was not asked for")
            body = _read(response, shown)
            return Fetched(body, Known(_short(response, "etag"), _short(response, "last-modified")))
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise FetchFailed(f"{shown}: {type(error).__name__}") from error


def _read(response: "httpx.Response", path: str) -> bytes:
    deadline = time.monotonic() + MAX_SECONDS
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchFailed(f"{path} is larger than {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise FetchFailed(f"{path} took longer than {MAX_SECONDS:.0f} seconds")
    return bytes(body)


def _short(response: "httpx.Response", header: str) -> str | None:
    value = response.headers.get(header)
    return value if value and len(value) <= 200 and value.isascii() and value.isprintable() else None
