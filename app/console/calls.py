"""Calls to the identity provider that cannot be drawn out: limits on time and size, no redirects, no proxy."""

import ssl
import time
from collections.abc import Iterator
from functools import cache

import httpx

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""For the whole of one answer, however steadily it drips."""
MAX_BYTES = 500_000


def open_client() -> httpx.Client:
    """A client of these limits. An answer that passes them ends in httpx.ReadError."""
    return httpx.Client(
        transport=_BoundedTransport(retries=1, verify=_trusted()),
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"Accept": "application/json"},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates we trust, read once: reading them takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=False)


class _BoundedTransport(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream
        self._until = time.monotonic() + ANSWER_SECONDS

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > MAX_BYTES or time.monotonic() > self._until:
                raise httpx.ReadError("the answer is too long, or takes too long")
            yield chunk

    def close(self) -> None:
        self._stream.close()
