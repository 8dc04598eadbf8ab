"""Routes as LINE's are: behind a channel access token and a rate limit, with a request id on every answer."""

import time
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

MAX_BODY_BYTES = 2_000_000

Handler = Callable[[Request, Channel], Awaitable[Answer | Response]]


def respond(answer: Answer | Response, *, charset: bool = False) -> Response:
    """The answer as Starlette sends it, with LINE's request id. `charset` is for the content type of JSON."""
    if isinstance(answer, Response):
        answer.headers["x-line-request-id"] = str(uuid.uuid4())
        return answer
    kind = answers.JSON_TYPE_WITH_CHARSET if charset else answers.JSON_TYPE
    response = Response(answer.body, answer.status, media_type=kind[1].decode())
    response.headers["x-line-request-id"] = str(uuid.uuid4())
    for name, value in answer.headers:
        response.headers[name.decode()] = value.decode()
    return response


def api(
    sandbox: Sandbox,
    method: str,
    path: str,
    handle: Handler,
    *,
    most_bytes: int = MAX_BODY_BYTES,
    knows_retry_keys: bool = False,
) -> Route:
    """A route for one channel. Its method and path name its rate limit; `most_bytes` is what its body may have."""
    endpoint_name = f"{method} {path}"

    async def take(request: Request) -> Answer | Response:
        authorization = request.headers.get("authorization")
        channel = sandbox.tokens.authenticate(
            sandbox.world, authorization.encode("latin-1") if authorization else None, sandbox.clock.now()
        )
        if channel is None:
            return answers.UNAUTHENTICATED[sandbox.settings.unauthenticated_text]
        if not sandbox.limits.take(channel.channel_id, endpoint_name, time.time()):
            return answers.TOO_FAST
        if "x-line-retry-key" in request.headers and not knows_retry_keys:
            return answers.RETRY_KEY_UNSUPPORTED
        if int(request.headers.get("content-length", "0")) > most_bytes:
            async for _ in request.stream():
                pass  # a caller who is still sending would see a broken connection in place of the answer
            return answers.TOO_LARGE
        try:
            return await handle(request, channel)
        except Refusal as refusal:
            return refusal.answer

    async def endpoint(request: Request) -> Response:
        return respond(await take(request), charset=sandbox.settings.content_type_charset)

    return Route(path, endpoint, methods=[method])


def form(sandbox: Sandbox, path: str, answer_to: Callable[[dict[str, str]], Answer]) -> Route:
    """A POST of a form without a token, as the endpoints that give tokens take it; limited by `client_id`."""
    endpoint_name = f"POST {path}"

    async def endpoint(request: Request) -> Response:
        fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        if not sandbox.limits.take(fields.get("client_id", ""), endpoint_name, time.time()):
            return respond(answers.TOO_FAST, charset=sandbox.settings.content_type_charset)
        return respond(answer_to(fields), charset=sandbox.settings.content_type_charset)

    return Route(path, endpoint, methods=["POST"])
