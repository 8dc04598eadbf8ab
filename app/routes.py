"""ApiRoute: what every operation under /v1 does around its handler: body limits, ETag, Idempotency-Key."""

import json
import math
from collections.abc import Callable, Coroutine
from hashlib import blake2b
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app import idempotency
from app.audit import requests as audit
from app.methods import refuse_shadowed
from app.parameters import KnownQuery, read_parameters
from app.problems import Refused, pointer_part
from tenants.problems import Invalid, Problem, StaleVersion

MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1


class ApiRoute(APIRoute):
    """Reads the body within limits, checks it as JSON, and writes the idempotent answer before the commit."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = KnownQuery.of(self.dependant)
        is_one_of_many = self.path.endswith("}")

        async def handle_within_limits(request: Request) -> Response:
            if is_one_of_many:
                refuse_shadowed(request)
            read_parameters(request, known)
            if request.method in ("POST", "PATCH", "PUT"):
                await self.take_body(request)
            try:
                response = await handle(request)
            except idempotency.Replay as replay:
                tag_response(request, replay.response)
                await audit.record_replay(request, replay.response)
                return replay.response
            except (Problem, HTTPException) as problem:
                audit.record_refusal(request, problem.status if isinstance(problem, Problem) else problem.status_code)
                raise
            tag_response(request, response)
            claim = getattr(request.state, "idempotency_claim", None)
            if claim is not None and 200 <= response.status_code < 300:
                await run_in_threadpool(idempotency.keep_answer, claim, response)
            await audit.record_answer(request, response)
            return response

        return handle_within_limits

    async def take_body(self, request: Request) -> None:
        """Read the body as JSON. Raises 400, 413, 415 or Invalid with a pointer."""
        await read_json(request, request.app.state.settings.max_body_bytes)


async def read_json(request: Request, limit: int) -> None:
    """Read the body and parse it strictly. Raises 400, 413, 415 or Invalid with a pointer."""
    await read_body(request, limit)
    if request._body:
        # A body without a type is taken for JSON, which is all that is spoken here.
        media_type = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise Refused(415, "Send the body as application/json.")
        request._json = parse_json(request._body)


async def read_body(request: Request, limit: int) -> None:
    """Read the body, at most `limit` bytes. Raises 400 or 413."""
    check_length(request, limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large()
        chunks.append(chunk)
    request._body = b"".join(chunks)


def check_length(request: Request, limit: int) -> None:
    """Look at what is said of the body's length before it is read. Raises 400 or 413."""
    if "content-length" in request.headers and "transfer-encoding" in request.headers:
        # A proxy before us may believe the other one, and take the rest for the next caller's request (RFC 9112, 6.3).
        raise Refused(400, "Give Content-Length or Transfer-Encoding, not both.")
    if int(request.headers.get("content-length") or 0) > limit:
        raise _too_large()


def _too_large() -> HTTPException:
    # The rest of the body is never read, so the connection is good for nothing else.
    return HTTPException(413, headers={"Connection": "close"})


def parse_json(body: bytes) -> Any:
    """JSON within our limits: no NaN, no NUL, no lone surrogate, no number beyond 64 bits, at most 32 levels."""
    try:
        value = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            object_pairs_hook=_read_object,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body is not JSON.") from error
    _check_json(value, "", 0)
    return value


def _read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise Refused(400, "An object names a member twice.")  # or two readers would see two values
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value + 0.0  # the database knows no -0.0, so the answer would differ from what is read later


def _check_json(value: Any, pointer: str, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Invalid.at(pointer, "Must not hold NUL or a lone surrogate.")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise Invalid.at(pointer, "The number is too large.")
    elif isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise Invalid.at(pointer, f"Nested deeper than {MAX_DEPTH} levels.")
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            place = f"{pointer}/{pointer_part(key)}"
            if isinstance(key, str):
                _check_json(key, pointer, depth + 1)
            _check_json(item, place, depth + 1)


UNVERSIONED = (
    "last_used_at", "last_used_from", "scans", "friends", "heard_at", "checked_at", "fresh_at", "quota",
    "findings", "backfill", "ran_at",
)  # fmt: skip
"""Members that change though nobody changes the resource: with them in its version, a key in use could not be changed
by If-Match."""


_USED = (b'"last_used_at":', b'"scans":', b'"heard_at":', b'"checked_at":', b'"ran_at":')


def entity_tag(content: bytes) -> str:
    """An ETag of a JSON document, whatever its spacing or the order of its members."""
    document = orjson.loads(content)
    if isinstance(document, dict):
        for name in UNVERSIONED:
            document.pop(name, None)
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return f'"{blake2b(canonical, digest_size=10).hexdigest()}"'


def tag_response(request: Request, response: Response) -> None:
    """Put an ETag on a single resource, and answer 304 to a GET that already has it."""
    body = getattr(response, "body", b"")
    if response.status_code not in (200, 201) or not body.startswith(b'{"') or body.startswith(b'{"items"'):
        return
    response.headers["ETag"] = entity_tag(body)
    if any(mark in body for mark in _USED):
        return  # the version says nothing of when or how often it was used, so what the caller has may be out of date
    if request.method == "GET" and _holds(response.headers["ETag"], request.headers.get("if-none-match")):
        response.status_code = 304
        response.body = b""
        del response.headers["content-length"]


def _holds(tag: str, wanted: str | None) -> bool:
    """Whether If-None-Match names this version; weak tags count, since an answer is the same or it is not."""
    if wanted is None:
        return False
    return wanted.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in wanted.split(",")]


class IfMatch:
    """The precondition of a PATCH: `check` compares the caller's ETag with the resource as it stands."""

    def __init__(self, request: Request) -> None:
        self.wanted = request.headers.get("if-match")

    def check(self, current: BaseModel) -> None:
        """Raises StaleVersion when If-Match names another version."""
        if self.wanted is None or self.wanted.strip() == "*":
            return
        tags = [tag.strip() for tag in self.wanted.split(",")]
        if entity_tag(current.model_dump_json().encode()) not in tags:
            raise StaleVersion


Precondition = Annotated[IfMatch, Depends()]
