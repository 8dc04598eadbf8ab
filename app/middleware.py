"""What every request passes through: its id, its log line, its metrics, and the last resort for bugs."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

import structlog
import uuid_utils
from prometheus_client import Counter, Histogram
from structlog.contextvars import bind_contextvars, reset_contextvars

from app.problems import problem_response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger("http")
REQUESTS = Counter("noren_http_requests_total", "Answers by route and status.", ["method", "route", "status"])
SECONDS = Histogram("noren_http_request_seconds", "Time to the answer by route.", ["method", "route"])
_SAFE_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
ANSWER_HEADERS = "noren.answer_headers"
"""Where layers within leave a function that tells further headers of the answer, also of one that they do not make."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestMiddleware:
    """Pure ASGI, since Starlette's BaseHTTPMiddleware loses context variables and delays answers."""

    def __init__(self, app: App, quiet_prefixes: tuple[str, ...] = ("/line/webhook", "/healthz", "/metrics")) -> None:
        self.app = app
        self.quiet_prefixes = quiet_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _given_id(scope) or f"req_{uuid_utils.uuid7().hex}"
        scope["request_id"] = request_id
        status = 0

        async def send_with_id(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"request-id", request_id.encode()),
                    # Here, so that an answer to what went wrong carries them as well.
                    *((b"set-cookie", line.encode()) for line in scope.get("cookies_to_set", {}).values()),
                    *(scope[ANSWER_HEADERS]() if ANSWER_HEADERS in scope else ()),
                ]
            await send(message)

        quiet = scope["path"].startswith(self.quiet_prefixes)
        context = bind_contextvars(request_id=request_id)
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:  # the last resort: a bug becomes a 500 that carries only the request's id
            log.exception("request_failed", method=scope["method"], route=_route(scope))
            if status:
                raise
            answer = problem_response(500, "internal", "Something is wrong on our side", request_id=request_id)
            await answer(scope, receive, send_with_id)
        finally:
            elapsed = time.perf_counter() - started
            requests, seconds = _metrics(scope["method"], _route(scope), status)
            requests.inc()
            seconds.observe(elapsed)
            if not quiet:
                log.info(
                    "request",
                    method=scope["method"],
                    route=_route(scope),
                    status=status,
                    milliseconds=round(elapsed * 1000, 1),
                )
            reset_contextvars(**context)


@lru_cache(maxsize=4096)
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The metrics of one kind of request. Finding them by their labels took longer than counting."""
    method = method if method in _METHODS else "other"
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def _given_id(scope: Scope) -> str | None:
    """The caller's own Request-Id, where it is short and harmless."""
    for name, value in scope["headers"]:
        if name == b"request-id" and _SAFE_ID.fullmatch(value):
            return str(value, "ascii")
    return None


def _route(scope: Scope) -> str:
    """The route's template: never the path itself, which carries ids and codes."""
    route = scope.get("route")
    return getattr(route, "path", None) or "unmatched"
