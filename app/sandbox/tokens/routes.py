"""The endpoints that give, check and take back channel access tokens.

Three of them LINE Login's user tokens share: `POST /oauth2/v2.1/token` and `/revoke`, `GET /oauth2/v2.1/verify`. A
call that is not about a channel's token goes on to `otherwise["POST /oauth2/v2.1/token"]` and so on.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.answers import Answer, Refusal
from app.sandbox.routing import form, respond
from app.sandbox.state import Sandbox
from app.sandbox.tokens import jwt_tokens
from app.sandbox.tokens import state as tokens

Endpoint = Callable[[Request], Awaitable[Response]]
Fields = dict[str, str]


def routes(sandbox: Sandbox, otherwise: Mapping[str, Endpoint]) -> list[Route]:
    """Stateless, short-lived and v2.1 tokens; `otherwise` answers at the shared paths for LINE Login."""
    world, now = sandbox.world, sandbox.clock.now
    return [
        form(sandbox, "/oauth2/v3/token", lambda fields: _issue_stateless(sandbox, fields)),
        form(
            sandbox,
            "/v2/oauth/accessToken",
            lambda fields: tokens.issue_short_lived(sandbox.tokens, world, _owner(sandbox, fields), fields, now()),
        ),
        form(sandbox, "/v2/oauth/verify", lambda fields: tokens.verify_short_lived(sandbox.tokens, fields, now())),
        form(sandbox, "/v2/oauth/revoke", lambda fields: tokens.revoke_short_lived(sandbox.tokens, world, fields)),
        *_jwt_routes(sandbox, otherwise),
    ]


def _owner(sandbox: Sandbox, fields: Fields) -> tokens.Owner | None:
    return sandbox.find_owner(fields.get("client_id", ""))


def _issue_stateless(sandbox: Sandbox, fields: Fields) -> Answer:
    if not fields.get("client_assertion"):
        return tokens.issue_stateless(_owner(sandbox, fields), fields, sandbox.clock.now())
    return _refusable(lambda: jwt_tokens.issue_stateless(sandbox.tokens, sandbox.world, fields, sandbox.clock.now()))


def _jwt_routes(sandbox: Sandbox, otherwise: Mapping[str, Endpoint]) -> list[Route]:
    world, now = sandbox.world, sandbox.clock.now

    def is_for_a_channel(fields: Fields) -> bool:
        return fields.get("grant_type", "client_credentials") == "client_credentials"

    def is_a_channels(fields: Fields) -> bool:
        return jwt_tokens.is_a_channels(world, fields.get("access_token", ""))

    def shared(method: str, path: str, mine: Callable[[Fields], bool], answer_to: Callable[[Fields], Answer]) -> Route:
        async def endpoint(request: Request) -> Response:
            fields = await _fields(request)
            other = otherwise.get(f"{method} {path}")
            if other is not None and not mine(fields):
                return await other(request)
            return respond(_refusable(lambda: answer_to(fields)))

        return Route(path, endpoint, methods=[method])

    async def kids(request: Request) -> Response:
        fields = await _fields(request)
        return respond(_refusable(lambda: jwt_tokens.list_kids(sandbox.tokens, world, fields, now())))

    return [
        shared(
            "POST",
            "/oauth2/v2.1/token",
            is_for_a_channel,
            lambda fields: jwt_tokens.issue(sandbox.tokens, world, fields, now()),
        ),
        shared(
            "GET",
            "/oauth2/v2.1/verify",
            is_a_channels,
            lambda fields: jwt_tokens.verify(sandbox.tokens, world, fields, now()),
        ),
        shared(
            "POST",
            "/oauth2/v2.1/revoke",
            lambda fields: fields.get("client_id") in world.channels,
            lambda fields: jwt_tokens.revoke(sandbox.tokens, world, fields),
        ),
        Route("/oauth2/v2.1/tokens/kid", kids, methods=["GET"]),
    ]


async def _fields(request: Request) -> Fields:
    if request.method == "GET":
        return dict(request.query_params)
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _refusable(answer: Callable[[], Answer]) -> Answer:
    try:
        return answer()
    except Refusal as refusal:
        return refusal.answer
