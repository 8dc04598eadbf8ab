"""How calls reach LINE: with limits on time and size that hold whatever comes back, no redirects, and no proxy.

LINE's SDK limits neither the size of an answer nor the time for all of it, so it builds our requests and we send them.
httpcore lets us stand between it and the socket, where one deadline covers headers and body, however they drip.
"""

import atexit
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import orjson

from app.line.circuit import circuits
from app.line.errors import (
    LineCircuitOpen,
    LineContentPreparing,
    LineError,
    LineGarbled,
    LineOversized,
    LineUnavailable,
    read_error,
)
from app.line.telemetry import OK, count_not_asked, note_call

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 10.0
"""Between two parts of an answer."""
ANSWER_SECONDS: Final = 20.0
"""For all of a JSON answer, from the first byte of the request on."""
CONTENT_SECONDS: Final = 300.0
"""For all of a picture or a video."""
MAX_ANSWER_BYTES: Final = 4_000_000
"""The longest that LINE has is a list of a thousand rich menus."""
_CONNECTIONS: Final = 100
_IDLE_SECONDS: Final = 15.0
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to LINE for one channel."""

    endpoint: str
    """Method and template of the path, for logs and metrics: `GET /v2/bot/profile/{userId}`."""
    host: str
    """Scheme and name, such as `https://api.line.me`: one of the account's `LineHosts`."""
    path: str
    """With its query."""
    channel_id: str
    token: str | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    media_type: str = "application/json"
    names_itself: bool = True
    """Whether LINE gives each of this endpoint's answers a request id, which tells them from others' answers."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.endpoint.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """A JSON object of LINE's, and LINE's id of the request."""

    body: Mapping[str, Any]
    request_id: str | None


def ask(call: Call) -> Answered:
    """LINE's answer to a call. Raises LineRefused (or one of its kinds) and LineUnavailable; ends within half a minute.

    The answer is read as it is and not by the SDK's models: they refuse new values of an enumeration, which LINE adds
    without notice.
    """
    started = time.monotonic()
    _enter(call, started)
    value: Mapping[str, Any] = {}
    status, request_id, error = None, None, None
    try:
        with _open(call, ANSWER_SECONDS, MAX_ANSWER_BYTES) as incoming:
            status, request_id = incoming.status, incoming.request_id
            content = b"".join(incoming.chunks())
            error = _find_error(call, incoming, content)
            if error is None:
                value = _read_object(content, request_id)
    except LineError as broken:
        error = broken
        error.request_id = error.request_id or request_id
    _note(call, error, started, status, request_id)
    if error is not None:
        raise error
    return Answered(value, request_id)


class Download:
    """Content on its way from LINE: read `chunks()` once, and `close()` it in any case."""

    def __init__(self, incoming: "_Incoming") -> None:
        self._incoming = incoming
        self.media_type = incoming.headers.get("content-type", "").partition(";")[0].strip().lower()
        self.length = incoming.length
        """In bytes; None where LINE does not say."""

    def chunks(self) -> Iterator[bytes]:
        """The content, a part at a time. Raises LineUnavailable when it breaks off, is too long or takes too long."""
        return self._incoming.chunks()

    def close(self) -> None:
        """Give the connection back, or end it where not all was read."""
        self._incoming.close()

    def __enter__(self) -> "Download":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def download(call: Call, max_bytes: int) -> Download:
    """Content of LINE's, of which nothing but the headers has been read. Raises like `ask`, LineOversized for more
    than `max_bytes`, and LineContentPreparing."""
    started = time.monotonic()
    _enter(call, started)
    incoming: _Incoming | None = None
    error: LineError | None = None
    try:
        incoming = _open(call, CONTENT_SECONDS, max_bytes)
        if incoming.status == 202:
            error = LineContentPreparing("LINE is still preparing it", request_id=incoming.request_id)
        elif incoming.status != 200:
            incoming.max_bytes = MAX_ANSWER_BYTES
            error = _find_error(call, incoming, b"".join(incoming.chunks()))
        elif (incoming.length or 0) > max_bytes:
            error = LineOversized(f"{incoming.length} bytes are too many", request_id=incoming.request_id)
    except LineError as broken:
        error = broken
    if incoming is None:
        _note(call, error, started, None, None)
        raise error or LineUnavailable
    # That a film is too long for us says nothing against LINE: whoever sends five must not close the way to all others.
    is_answer = isinstance(error, LineOversized) and incoming.status == 200
    _note(call, error, started, incoming.status, incoming.request_id, is_answer=is_answer)
    if error is not None:
        incoming.close()
        raise error
    return Download(incoming)


def _enter(call: Call, now: float) -> None:
    try:
        circuits.enter(call.host, call.channel_id, now)
    except LineCircuitOpen:
        count_not_asked(call.endpoint)
        raise


def _note(
    call: Call,
    error: LineError | None,
    started: float,
    status: int | None,
    request_id: str | None,
    *,
    is_answer: bool = False,
) -> None:
    """Tell the circuit breakers, the metrics and the log."""
    now = time.monotonic()
    answered = is_answer or not isinstance(error, LineUnavailable)
    circuits.leave(call.host, call.channel_id, now, answered=answered)
    note_call(
        call.endpoint,
        error.outcome if error else OK,
        now - started,
        channel_id=call.channel_id,
        status=status,
        request_id=request_id,
    )


def _find_error(call: Call, incoming: "_Incoming", content: bytes) -> LineError | None:
    """What an answer that is no success means; None for one that is."""
    if incoming.status in (200, 202, 204):
        return None
    if 400 <= incoming.status < 500 and call.names_itself and incoming.request_id is None:
        # Not LINE speaks but something in between: to believe its 404 would be to believe that a person is gone.
        return LineGarbled(f"{incoming.status} without LINE's request id")
    accepted = incoming.headers.get("x-line-accepted-request-id")
    return read_error(incoming.status, content, request_id=incoming.request_id, accepted_request_id=accepted)


def _read_object(content: bytes, request_id: str | None) -> Mapping[str, Any]:
    try:
        value = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError as error:
        raise LineGarbled("the answer is not JSON", request_id=request_id) from error
    if not isinstance(value, dict):
        raise LineGarbled("the answer is not an object", request_id=request_id)
    return value


class _Incoming:
    """An answer whose headers are there."""

    def __init__(self, response: httpcore.Response, max_bytes: int) -> None:
        self._response = response
        self.max_bytes = max_bytes
        self.status = response.status
        self.headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        self.request_id = self.headers.get("x-line-request-id")
        length = self.headers.get("content-length", "")
        self.length = int(length) if length.isascii() and length.isdigit() else None

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes. Raises LineUnavailable."""
        size = 0
        with _lines_errors():
            for chunk in self._response.iter_stream():
                size += len(chunk)
                if size > self.max_bytes:
                    raise LineOversized(f"more than {self.max_bytes} bytes", request_id=self.request_id)
                yield chunk

    def close(self) -> None:
        self._response.close()

    def __enter__(self) -> "_Incoming":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _lines_errors() -> Iterator[None]:
    """What breaks on the way, as LINE's errors."""
    try:
        yield
    except httpcore.RemoteProtocolError as error:
        raise LineGarbled(f"{type(error).__name__}: {error}") from error
    except _BROKEN as error:
        raise LineUnavailable(type(error).__name__) from error


def _open(call: Call, total_seconds: float, max_bytes: int) -> _Incoming:
    """Send a call and wait for the headers of its answer."""
    patience = _Patience(time.monotonic() + total_seconds)
    headers = {"Host": urlsplit(call.host).netloc, "Accept": "*/*", "User-Agent": "noren"}
    if call.token is not None:
        headers["Authorization"] = f"Bearer {call.token}"
    if call.body is not None:
        headers |= {"Content-Type": call.media_type, "Content-Length": str(len(call.body))}
    request = httpcore.Request(
        call.method,
        call.host + call.path,
        headers=list(headers.items()),
        content=call.body,
        # httpcore hands these to the stream untouched, so each wait can be cut short by what is left of the whole.
        extensions={
            "timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "read": patience, "write": patience}
        },
    )
    with _lines_errors():
        return _Incoming(_pool().handle_request(request), max_bytes)


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long to wait for the next part: never past the end of the whole."""

    until: float

    def seconds(self, late: type[httpcore.TimeoutException]) -> float:
        """Raises `late` when the time for all of it is over."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise late("the answer takes too long")
        return min(left, READ_SECONDS)


class _Stream(httpcore.NetworkStream):
    """A stream that knows how long the whole may take."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        return self._stream.read(max_bytes, _wait(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: Any = None) -> None:
        self._stream.write(buffer, _wait(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _wait(timeout: Any, late: type[httpcore.TimeoutException]) -> float:
    return timeout.seconds(late) if isinstance(timeout, _Patience) else READ_SECONDS


class _Network(httpcore.SyncBackend):
    def connect_tcp(self, *arguments: Any, **named: Any) -> httpcore.NetworkStream:
        return _Stream(super().connect_tcp(*arguments, **named))


@cache
def _pool() -> httpcore.ConnectionPool:
    """The connections of this process, for all accounts: to shake hands anew for each took longer than most calls."""
    import httpx

    pool = httpcore.ConnectionPool(
        ssl_context=httpx.create_ssl_context(trust_env=False),
        max_connections=_CONNECTIONS,
        max_keepalive_connections=20,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=_Network(),
    )
    atexit.register(pool.close)
    return pool
