"""Problems on the wire: RFC 9457 for everything that goes wrong, FastAPI's own errors included."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.methods import allowed_methods
from app.schemas import write_instant
from tenants.problems import Invalid, NotFound, Problem

log = structlog.get_logger("problems")

RETRY_SECONDS = "2"
"""After a 503: what stood in the way is gone by then, or it is a matter of minutes."""

BY_STATUS = {
    400: ("bad-request", "The request cannot be understood"),
    401: ("unauthorized", "The credential is missing, unknown, expired or revoked"),
    404: ("not-found", "There is no such thing, or it is not yours to see"),
    405: ("method-not-allowed", "This path does not know the method"),
    413: ("body-too-large", "The body is too large"),
    415: ("unsupported-media-type", "The body's media type is not supported here"),
    500: ("internal", "Something is wrong on our side"),
    503: ("unavailable", "The service cannot answer just now"),
}


class Refused(HTTPException):
    """A bare HTTP status with a sentence of ours; what other HTTPExceptions say is the framework's, not shown."""


def problem_response(
    status: int,
    slug: str,
    title: str,
    *,
    request_id: str,
    headers: dict[str, str] | None = None,
    **members: Any,
) -> Response:
    """An `application/problem+json` answer."""
    body = {
        "type": f"/problems/{slug}",
        "title": title,
        "status": status,
        **members,
        "request_id": request_id,
    }
    content = _dump(body)
    return Response(content, status, headers, media_type="application/problem+json")


def plain_problem(request: Request, status: int, detail: str | None = None) -> Response:
    """The problem of a bare HTTP status."""
    slug, title = BY_STATUS.get(status, BY_STATUS[400])
    members = {"detail": detail} if detail else {}
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": RETRY_SECONDS}}.get(status)
    return problem_response(status, slug, title, request_id=_request_id(request), headers=headers, **members)


def render_problem(request: Request, problem: Problem) -> Response:
    """A domain's own Problem: its class name is the type, its docstring the title, its fields the members."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    members = problem.members()
    if (seconds := members.get("retry_after_seconds")) is not None:
        headers["Retry-After"] = str(seconds)
    return problem_response(
        problem.status,
        problem.slug(),
        problem.title(),
        request_id=_request_id(request),
        headers=headers,
        **members,
    )


def describe(problem: Problem) -> dict[str, Any]:
    """A problem as an item of a bulk answer carries it."""
    document = {"type": f"/problems/{problem.slug()}", "title": problem.title(), "status": problem.status}
    written: dict[str, Any] = orjson.loads(_dump(document | problem.members()))
    return written


def install(app: FastAPI) -> None:
    """Render every kind of error of this application as a problem."""

    @app.exception_handler(Problem)
    def _problem(request: Request, problem: Problem) -> Response:
        return render_problem(request, problem)

    @app.exception_handler(RequestValidationError)
    def _malformed(request: Request, error: RequestValidationError) -> Response:
        return render_problem(request, malformed(error.errors(), error.body))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        response = plain_problem(request, error.status_code, error.detail if isinstance(error, Refused) else None)
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["Allow"] = allowed_methods(request.app, request.scope["path"])
        return response

    @app.exception_handler(DBAPIError)
    def _database(request: Request, error: DBAPIError) -> Response:
        if isinstance(error.orig, pg.DataError):
            log.warning("value_refused_by_database", sqlstate=error.orig.sqlstate)
            return render_problem(request, Invalid.at("", "A value lies outside what can be stored."))
        if isinstance(error.orig, _BUSY):
            log.warning("database_busy", sqlstate=error.orig.sqlstate)
            return plain_problem(request, 503, "The database is busy; try again.")
        if error.connection_invalidated or isinstance(error.orig, pg.OperationalError | pg.InterfaceError):
            log.error("database_not_reached", error=type(error.orig).__name__)
            return plain_problem(request, 503, "The database cannot be reached; try again.")
        raise error

    @app.exception_handler(PoolTimeout)
    def _crowded(request: Request, error: PoolTimeout) -> Response:
        return plain_problem(request, 503, "Too much is going on; try again.")


# A lock that others hold does not make the request wrong: repeated, it may well go through. So it is no 409.
_BUSY = (
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.DeadlockDetected,
    pg.SerializationFailure,
    pg.IdleInTransactionSessionTimeout,
)


def malformed(errors: Iterable[dict[str, Any]], body: Any = None) -> Problem:
    """The problem of FastAPI's validation errors: 404 when only ids in the path are malformed, else 422 with pointers.

    Rejected values are not repeated, since they may be secrets or personal data.
    """
    found = list(errors)
    if found and all(error["loc"][0] == "path" for error in found):
        return NotFound()
    # Several dependencies that ask for one parameter each find what is wrong with it.
    each = dict.fromkeys((_pointer(error["loc"], body), _sentence(error)) for error in found)
    told = [{"pointer": pointer, "detail": detail} for pointer, detail in each]
    # Of a value that may be this or that, what is wrong inside it says more than that it is not the other.
    above = {over for pointer in {one["pointer"] for one in told} for over in _pointers_above(pointer)}
    return Invalid([one for one in told if one["pointer"] not in above])


def _pointers_above(pointer: str) -> Iterator[str]:
    """The pointers of all that a value lies in, the whole first."""
    return (pointer[:at] for at, letter in enumerate(pointer) if letter == "/")


def _pointer(location: tuple[str | int, ...], body: Any) -> str:
    kind, *rest = location
    if kind != "body":
        rest = [kind, *rest]
    elif body is not None:
        rest = _without_choices(rest, body)
    return "".join(f"/{pointer_part(part)}" for part in rest)


def _without_choices(parts: list[str | int], value: Any) -> list[str | int]:
    """The way into a body without the names of its schema's alternatives, which pydantic writes among the members."""
    kept: list[str | int] = []
    for part in parts:
        if isinstance(part, str) and not isinstance(value, dict):
            continue
        kept.append(part)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return kept


def pointer_part(name: str | int) -> str:
    """A name as it stands in a JSON pointer of ours: short, and without what a terminal or a log would act upon."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(name)[:64])
    return shown.replace("~", "~0").replace("/", "~1")


def _sentence(error: dict[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").strip()
    return message[:1].upper() + message[1:] + ("" if message.endswith(".") else ".")


def _request_id(request: Request) -> str:
    return str(request.scope.get("request_id", ""))


def _dump(document: dict[str, Any]) -> bytes:
    """JSON in which instants end in Z, as everywhere else; orjson's own way is +00:00."""
    return orjson.dumps(document, default=_write, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _write(value: object) -> object:
    from datetime import datetime

    if isinstance(value, datetime):
        return write_instant(value)
    return str(value)
