"""Requests straight into the application, without a client's own work, and what two answers have in common."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi.testclient import TestClient

from tenants.ids import decode_id

REQUEST_ID = "walls-00000000"
"""Sent with every request, so that answers differ in nothing on its account."""

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
"""A PNG of one pixel."""

VARYING = re.compile("date|retry-after|(x-)?ratelimit.*")
"""Headers that say when and how often the caller called, not what it asked for."""

_IDS = re.compile(r"\b([a-z]+)_([0-7][0-9a-hjkmnp-tv-z]{25})\b")
_UUIDS = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_INVENTED = re.compile(
    r"nrn_[a-z]+_[0-9A-Za-z]{49}|\+81[89]0\d{8}|[0-9a-f]{10}@example\.jp|165[0-9a-f]{12}|(ext|pos|order|M|C)-[0-9a-f]{10}|(鍵|未知)[0-9a-f]+|\b[0-9A-HJKMNP-TV-Z]{12}\b"
)
"""Keys as the world makes them up: different each time."""
_COUNTED = re.compile(rb'"fresh_at":"[^"]*"')
"""When an answer was counted: later with each call."""
_INSTANTS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.]*Z")


@dataclass(frozen=True)
class Request:
    """One request as it goes out."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None

    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if self.media_type == "application/x-www-form-urlencoded":
            return urlencode(self.body).encode()
        if self.media_type == "text/csv":
            return str(self.body).encode()
        if (self.media_type or "").startswith("image/"):
            return PICTURE
        return json.dumps(self.body, ensure_ascii=False).encode()

    def text(self) -> str:
        """All that the caller said, to tell an echo from a leak."""
        return f"{self.path} {dict(self.query)} {self.content().decode(errors='replace')} {dict(self.headers)}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_done(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body."""
        return json.loads(self.content)

    def exactly(self) -> tuple[int, bytes, tuple[tuple[str, str], ...]]:
        """Status, bytes and headers: all that two callers may not be able to tell apart."""
        kept = sorted((name, value) for name, value in self.headers.items() if not VARYING.fullmatch(name))
        return self.status, _COUNTED.sub(b'"fresh_at":"now"', self.content), tuple(kept)

    def shape(self, *sent: str) -> tuple[int, str, tuple[str, ...]]:
        """The answer without what differs between any two things of one kind: ids, instants, and what was sent."""
        text = self.content.decode()
        for value in sorted(sent, key=len, reverse=True):
            text = text.replace(value, "SENT")
        text = _INVENTED.sub("TOKEN", _INSTANTS.sub("INSTANT", _IDS.sub(r"\1_ID", text)))
        names = tuple(sorted(name for name in self.headers if not VARYING.fullmatch(name)))
        return self.status, text, names

    def ids(self) -> set[UUID]:
        """Every id in it."""
        text = self.content.decode(errors="replace")
        found = {UUID(one) for one in _UUIDS.findall(text)}
        for prefix, suffix in _IDS.findall(text):
            found.add(decode_id(prefix, f"{prefix}_{suffix}"))
        return found


class Calls:
    """Sends requests into one running application."""

    def __init__(self, api: TestClient) -> None:
        assert api.portal is not None
        self.app: Any = api.app
        self.portal = api.portal
        self.count = 0

    def send(self, request: Request, **headers: str) -> Answer:
        """The answer to a request. A 500 is an answer too."""
        self.count += 1
        content = request.content()
        sent = {"host": "testserver", "request-id": REQUEST_ID, **request.headers, **headers}
        if content:
            sent["content-type"] = request.media_type or "application/json"
            sent["content-length"] = str(len(content))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "raw_path": quote(request.path).encode(),
            "query_string": urlencode(request.query).encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.items()],
            "server": ("testserver", 80),
            "client": ("127.0.0.1", 50000),
            "state": {},
            "extensions": {},
        }
        answer: Answer = self.portal.call(self._call, scope, content)
        return answer

    async def _call(self, scope: dict[str, Any], content: bytes) -> Answer:
        messages: list[dict[str, Any]] = []
        waiting = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        body = b"".join(message.get("body", b"") for message in messages[1:])
        headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Answer(start["status"], headers, body)
