"""Calls to addresses that somebody gave us: past the guard, within ten seconds as a whole, and never redirected."""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.guard import ForbiddenAddress, check_url, refuse_inside

WHOLE_SECONDS = 10.0
MAX_ANSWER_BYTES = 65_536
"""More is not read: nothing of an answer is used but its status."""
LONGEST_ERROR = 300


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call: the status of its answer, or in words why there is none."""

    status: int | None
    error: str | None = None
    text: str | None = None
    """The beginning of the answer, where the client keeps any of it."""
    retry_after_seconds: int | None = None
    """How long the other side asks to be left alone."""

    @property
    def is_taken(self) -> bool:
        """Whether the other side says that it has the call."""
        return self.status is not None and 200 <= self.status < 300


class GuardedClient:
    """A client of an event loop; it makes its connections when they are needed and keeps them for a while."""

    def __init__(
        self,
        *,
        loopback: bool,
        side_by_side: int,
        whole_seconds: float = WHOLE_SECONDS,
        kept_bytes: int = 0,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._loopback = loopback
        self._side_by_side = side_by_side
        self._whole_seconds = whole_seconds
        self._kept_bytes = kept_bytes
        self._resolver = resolver or _Resolver()
        self._http: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        """POST exactly this, with these headers and no others but those that HTTP itself needs."""
        try:
            check_url(url, loopback=self._loopback)
            async with asyncio.timeout(self._whole_seconds):
                return await self._post(url, body, headers)
        except TimeoutError:
            return Heard(None, f"No answer within {self._whole_seconds:.0f} seconds.")
        except aiohttp.ClientConnectorError as error:
            return Heard(None, f"No connection: {error.os_error}"[:LONGEST_ERROR])
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Heard(None, f"{type(error).__name__}: {error}"[:LONGEST_ERROR])

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        async with self._open().post(
            URL(url, encoded=True),
            data=body,
            headers=dict(headers),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            allow_redirects=False,
        ) as answer:
            kept = await answer.content.read(self._kept_bytes) if self._kept_bytes else b""
            length = answer.content_length
            if length is None or length > MAX_ANSWER_BYTES:
                answer.close()  # the connection is given up rather than the rest of the answer read
            text = kept.decode(errors="replace").replace("\0", "\ufffd") if self._kept_bytes else None
            return Heard(answer.status, None, text, _read_retry_after(answer.headers.get("Retry-After")))

    def _open(self) -> aiohttp.ClientSession:
        if self._http is None:
            connector = aiohttp.TCPConnector(
                limit=self._side_by_side,
                resolver=self._resolver,
                use_dns_cache=False,
                socket_factory=self._make_socket,
            )
            self._http = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._http

    def _make_socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, where = info
        try:
            address = ip_address(str(where[0]).partition("%")[0])
        except ValueError as error:
            raise ForbiddenAddress(f"{where[0]} is not an address.") from error
        refuse_inside(address, loopback=self._loopback)
        return socket.socket(family=family, type=kind, proto=protocol)

    async def close(self) -> None:
        """End all connections."""
        if self._http is not None:
            await self._http.close()
        await self._resolver.close()


def _read_retry_after(value: str | None) -> int | None:
    """The seconds that an answer asks for; a date, or anything else, says nothing."""
    return int(value) if value is not None and len(value) <= 9 and value.isascii() and value.isdigit() else None


class _Resolver(AbstractResolver):
    """Asks the system for names with threads of its own: a slow name server holds up nobody else's work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """What a name stands for now."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        return [
            {
                "hostname": host,
                "host": str(where[0]),
                "port": int(where[1]),
                "family": kind,
                "proto": protocol,
                "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
            for kind, _, protocol, _, where in found
        ]

    async def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    return socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
