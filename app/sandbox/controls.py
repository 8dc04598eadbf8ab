"""What the sandbox's own routes share: reading bodies, finding things, answering plainly."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.clock import parse_instant
from app.sandbox.state import Sandbox
from app.sandbox.world import DELETED, Channel

JsonObject = dict[str, Any]


class Mistaken(Exception):
    """The caller asked for something that cannot be: 400, or 404 for what is not there, or 409 for what may not be."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def control(path: str, method: str, handle: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route under /_sandbox."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handle(request)
        except Mistaken as mistake:
            return answer({"message": str(mistake)}, mistake.status)

    return Route(f"/_sandbox{path}", endpoint, methods=[method])


def answer(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def done() -> Response:
    return Response(status_code=204)


async def read_object(request: Request) -> JsonObject:
    """The JSON object in the body; an empty body is an empty object."""
    body = await request.body()
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as broken:
        raise Mistaken(f"the body is not JSON: {broken}") from None
    if not isinstance(value, dict):
        raise Mistaken("the body is not an object")
    return value


def text_of(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text that is there and not empty."""
    value = body.get(name, default)
    if not isinstance(value, str) or not value:
        raise Mistaken(f"{name} is a text and must not be empty")
    return value


def number_of(body: Mapping[str, Any], name: str) -> float:
    value = body.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Mistaken(f"{name} is a number")
    return float(value)


def list_of(body: Mapping[str, Any], name: str) -> list[Any]:
    """A list of anything; empty if it is not there."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Mistaken(f"{name} is a list")
    return value


def objects_of(body: Mapping[str, Any], name: str) -> list[JsonObject]:
    """A list of objects; empty if it is not there."""
    values = list_of(body, name)
    if not all(isinstance(value, dict) for value in values):
        raise Mistaken(f"{name} is a list of objects")
    return values


def get_channel(sandbox: Sandbox, channel_id: str) -> Channel:
    channel = sandbox.world.channels.get(channel_id)
    if channel is None:
        raise Mistaken(f"there is no channel {channel_id}", 404)
    return channel


def get_person(sandbox: Sandbox, person_id: str) -> int:
    """The number of a person."""
    no = sandbox.world.person_numbers.get(person_id)
    if no is None:
        raise Mistaken(f"there is no person {person_id}", 404)
    return no


def get_living(sandbox: Sandbox, person_id: str) -> int:
    """The number of a person who can do something in LINE: one who has not deleted her account."""
    no = get_person(sandbox, person_id)
    if no in sandbox.world.traits.get(DELETED, {}):
        raise Mistaken(f"{person_id} has deleted her LINE account", 409)
    return no


def query_instant(request: Request, name: str) -> float | None:
    """A query parameter that is an RFC 3339 instant, in seconds since 1970."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # A "+" that nobody escaped arrives as a space.
        return parse_instant(text.replace(" ", "+")).timestamp()
    except ValueError:
        raise Mistaken(f"{name} is an RFC 3339 instant with a zone") from None


def query_number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Mistaken(f"{name} is a number from {least} to {most}")
    return int(text)
