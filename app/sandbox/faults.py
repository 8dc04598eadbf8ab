"""Misbehaviour on order: wrong answers, slow answers, broken connections, before or after LINE took the call."""

import asyncio
import os
import random
import re
import socket
import stat
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.sandbox.oidc.signing import WRONG_SIGNATURES

_MESSAGES = {
    429: "The API rate limit has been exceeded. Try again later.",
    500: "Internal server error",
    503: "Service unavailable",
}
_FLAGS = ("after_accept", "drop", "hang", "garbage", "endless_body")
_FIELDS = {"endpoint", "group", "status", "body", "ratio", "delay_ms", "slow_body", "id_token", *_FLAGS}
_TWIST = "sandbox.twist"
_PIECE_BYTES = 65_536

GROUPS = {
    "sends": r"POST /v2/bot/message/(push|multicast|broadcast|reply|narrowcast)",
    "validate": r"POST /v2/bot/message/validate/.*",
    "content": r"GET /v2/bot/message/[^/]+/content.*",
    "richmenus": r"\w+ /v2/bot/(user/[^/]+/)?richmenu.*",
    "coupons": r"\w+ /v2/bot/coupon.*",
    "profiles": r"\w+ /v2/bot/(profile|followers|info|group|room).*",
    "quota": r"GET /v2/bot/message/(quota|delivery|aggregation).*",
    "insight": r"GET /v2/bot/insight.*",
    "webhook-settings": r"\w+ /v2/bot/channel/webhook.*",
    "tokens": r"\w+ (/oauth2/v(2\.1|3)/(token|revoke|verify|tokens/kid)|/v2/oauth/.*)",
    "login": r"\w+ (/oauth2/v2\.1|/v2/profile|/friendship|/user/v1|/liff|/dialog|/v2/bot/user/[^/]+/linkToken).*",
    "weather": r"\w+ (/bosai/|/prev15WG/|/alert/|/data/|/v1/forecast).*",
}
"""Endpoints that fail together when LINE has an outage, as patterns of "METHOD /path"."""


class MalformedFault(ValueError):
    """A fault that cannot be meant; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave. If it gives no answer of its own, it only delays, slows down, or twists the true one."""

    endpoint: str
    """Part of "POST /v2/bot/message/push"; empty matches every call but the sandbox's own."""
    group: str | None
    """One of GROUPS; None is any call."""
    status: int | None
    body: bytes | None
    ratio: float
    after_accept: bool
    drop: bool
    hang: bool
    """No answer, ever: until the caller hangs up."""
    garbage: bool
    """A body of bytes that are nothing at all."""
    endless_body: bool
    """The body again and again, until the caller hangs up."""
    slow_body: float | None
    """Bytes a second at which the body leaves, the true one too."""
    delay_seconds: float
    id_token: Mapping[str, Any] = field(default_factory=dict)
    """How an ID token is to be wrong, of `POST /oidc/token`, LINE Login or a LIFF app: `claims` replaces some (null
    leaves one out), `signed` is one of oidc/signing.py's WRONG_SIGNATURES."""

    @property
    def answers(self) -> bool:
        without_words = self.drop or self.hang or self.garbage or self.endless_body
        return without_words or self.status is not None or self.body is not None

    def concerns(self, call: str) -> bool:
        """Whether it is meant for "METHOD /path"."""
        return self.endpoint in call and (self.group is None or re.fullmatch(GROUPS[self.group], call) is not None)


@dataclass(slots=True)
class Faults:
    """The faults in force, drawn in order: delays add up, the first fault with an answer answers."""

    active: list[Fault] = field(default_factory=list)
    _random: random.Random = field(default_factory=random.Random)

    def put(self, faults: Iterable[Any], seed: int) -> None:
        """Replace all. The same seed draws the same faults for the same calls. Raises MalformedFault."""
        self.active = [parse_fault(fault) for fault in faults]
        self._random = random.Random(seed)  # noqa: S311 (it has to repeat itself)

    def draw(self, call: str) -> "Drawn":
        """What shall go wrong with "METHOD /path"."""
        before_seconds = after_seconds = 0.0
        slow_body: float | None = None
        twist: Mapping[str, Any] = {}
        for fault in self.active:
            if fault.concerns(call) and (fault.ratio >= 1.0 or self._random.random() < fault.ratio):
                if fault.after_accept:
                    after_seconds += fault.delay_seconds
                else:
                    before_seconds += fault.delay_seconds
                twist = twist or fault.id_token
                slow_body = slow_body or fault.slow_body
                if fault.answers:
                    return Drawn(before_seconds, after_seconds, slow_body, fault, twist)
        return Drawn(before_seconds, after_seconds, slow_body, None, twist)


class Drawn(NamedTuple):
    """How long one call waits before LINE sees it and before its answer leaves, how many bytes a second leave, and the
    fault that answers, if any."""

    before_seconds: float
    after_seconds: float
    slow_body: float | None
    fault: Fault | None
    twist: Mapping[str, Any]


def twist_of(scope: Scope) -> Mapping[str, Any]:
    """How the answer to this call is to be wrong in itself: a fault's `id_token`, empty for none."""
    twist: Mapping[str, Any] = scope.get(_TWIST, {})
    return twist


def parse_fault(value: Any) -> Fault:
    """A fault as `PUT /_sandbox/faults` takes it. Raises MalformedFault."""
    if not isinstance(value, Mapping):
        raise MalformedFault("a fault is an object")
    if unknown := set(value) - _FIELDS:
        raise MalformedFault(f"unknown: {', '.join(sorted(unknown))}")
    status, body = value.get("status"), value.get("body")
    ratio, delay_ms = value.get("ratio", 1.0), value.get("delay_ms") or 0
    if status is not None and not (isinstance(status, int) and 200 <= status <= 599):
        raise MalformedFault("status is a number from 200 to 599")
    if not isinstance(ratio, int | float) or not 0 <= ratio <= 1:
        raise MalformedFault("ratio is a number from 0 to 1")
    if not isinstance(delay_ms, int | float) or delay_ms < 0:
        raise MalformedFault("delay_ms is a number from 0")
    slow_body, group = value.get("slow_body"), value.get("group")
    if slow_body is not None and (
        isinstance(slow_body, bool) or not isinstance(slow_body, int | float) or slow_body <= 0
    ):
        raise MalformedFault("slow_body is a number of bytes a second")
    if group is not None and group not in GROUPS:
        raise MalformedFault(f"group is one of {', '.join(GROUPS)}")
    id_token = value.get("id_token") or {}
    if not isinstance(id_token, Mapping) or not set(id_token) <= {"claims", "signed"}:
        raise MalformedFault("id_token is an object of claims and signed")
    if not isinstance(id_token.get("claims", {}), Mapping):
        raise MalformedFault("id_token.claims is an object")
    if id_token.get("signed") not in (None, *WRONG_SIGNATURES):
        raise MalformedFault(f"id_token.signed is one of {', '.join(WRONG_SIGNATURES)}")
    if body is not None:
        body = body.encode() if isinstance(body, str) else orjson.dumps(body)
    return Fault(
        endpoint=str(value.get("endpoint") or "").replace("*", ""),
        status=status,
        body=body,
        group=group,
        ratio=float(ratio),
        slow_body=float(slow_body) if slow_body else None,
        **{name: bool(value.get(name)) for name in _FLAGS},
        delay_seconds=delay_ms / 1000,
        id_token=id_token,
    )


async def serve_with_faults(faults: Faults, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one call, or misbehave.

    A fault `after_accept` replaces the answer only if that was a 2xx: what LINE refused, it did not take. So the
    409 of a retry goes through, and a client gets out of "accepted, then broken".
    """
    before_seconds, after_seconds, slow_body, fault, twist = faults.draw(f"{scope['method']} {scope['path']}")
    if twist:
        scope[_TWIST] = twist
    if before_seconds:
        await asyncio.sleep(before_seconds)
    if fault is not None and not fault.after_accept:
        await _read_all(receive)
        await _misbehave(fault, slow_body, scope, receive, send)
        return
    if fault is None and not after_seconds and slow_body is None:
        await app(scope, receive, send)
        return

    answer: list[Message] = []

    async def keep(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, keep)
    await asyncio.sleep(after_seconds)
    if fault is not None and 200 <= answer[0]["status"] < 300:
        await _misbehave(fault, slow_body, scope, receive, send)
        return
    if slow_body is not None:
        body = b"".join(message.get("body", b"") for message in answer[1:])
        await _send_body(answer[0], _pieces(body, slow_body), receive, send)
        return
    for message in answer:
        await send(message)


async def _read_all(receive: Receive) -> None:
    """Take the request off the wire, so that the client gets to read the answer."""
    while (await receive()).get("more_body"):
        pass


async def _misbehave(fault: Fault, slow_body: float | None, scope: Scope, receive: Receive, send: Send) -> None:
    """Break the connection if so ordered, then answer: into the void, or as the fault says."""
    if fault.drop:
        _break_connection(scope)
    elif fault.hang:
        await _wait_for_end(receive)
    status = fault.status or 200
    body = fault.body
    if fault.garbage:
        body = os.urandom(1_000)
    elif body is None:
        body = orjson.dumps({"message": _MESSAGES.get(status, "Simulated fault")}) if status >= 400 else b"{}"
    headers = [(b"content-type", b"text/html; charset=utf-8" if body.lstrip()[:1] == b"<" else b"application/json")]
    if body.lstrip()[:1] == b"{":
        # LINE itself speaks, and names each of its answers; what stands between us and LINE does not.
        headers.append((b"x-line-request-id", str(uuid.uuid4()).encode()))
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await _send_body(start, _pieces(body, slow_body, endless=fault.endless_body), receive, send)


async def _pieces(body: bytes, bytes_a_second: float | None, *, endless: bool = False) -> AsyncIterator[bytes]:
    """The body as it leaves; an endless one begins again and again."""
    if endless and bytes_a_second is None:
        body = body * (_PIECE_BYTES // len(body) + 1) if body else b" " * _PIECE_BYTES
    while True:
        if bytes_a_second is None:
            yield body
            await asyncio.sleep(0)
        else:
            for position in range(len(body)):
                await asyncio.sleep(1 / bytes_a_second)
                yield body[position : position + 1]
        if not endless:
            return


async def _send_body(start: Message, pieces: AsyncIterator[bytes], receive: Receive, send: Send) -> None:
    """Send until there is no more, or nobody to send to."""
    headers = [each for each in start.get("headers", ()) if each[0].lower() != b"content-length"]
    ended = asyncio.ensure_future(_wait_for_end(receive))
    try:
        await send({**start, "headers": headers})
        async for piece in pieces:
            if ended.done():
                break
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        ended.cancel()


async def _wait_for_end(receive: Receive) -> None:
    """Wait until the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _break_connection(scope: Scope) -> None:
    """Shut the client's connection without an answer.

    ASGI has no word for it, and an exception becomes a tidy 500. But the server runs in this process, so its socket
    is among our open files, known by the client's address. What is sent afterwards goes nowhere.
    """
    client, server = scope.get("client"), scope.get("server")
    if client is None or server is None:
        raise ConnectionResetError("dropped on order")
    ends = (str(client[1]), str(server[1]))
    for descriptor in _open_descriptors():
        with suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with closing(socket.socket(fileno=os.dup(descriptor))) as connection:
                if connection.family not in (socket.AF_INET, socket.AF_INET6):
                    continue
                if (str(connection.getpeername()[1]), str(connection.getsockname()[1])) == ends:
                    connection.shutdown(socket.SHUT_RDWR)


def _open_descriptors() -> Iterable[int]:
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return [int(name) for name in os.listdir(folder) if name.isdigit()]
    return range(1024)
