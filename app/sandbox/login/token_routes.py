"""What LINE Login answers to servers: tokens, who somebody is, friendship, taking permissions back, keys, discovery."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.accounts.profiles import describe
from app.sandbox.answers import Answer, Refusal
from app.sandbox.faults import twist_of
from app.sandbox.login import id_tokens, pages, tokens
from app.sandbox.login.channels import LoginChannel, linked_account
from app.sandbox.login.flow import issuer_of
from app.sandbox.login.people import claims_of, is_friend, user_id_at
from app.sandbox.login.state import Access
from app.sandbox.routing import respond
from app.sandbox.state import Sandbox

Endpoint = Callable[[Request], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Answer]]


def shared(sandbox: Sandbox) -> Mapping[str, Endpoint]:
    """What answers for people's tokens at the paths where channels have theirs, too."""

    async def token(request: Request) -> Answer:
        form, twist = await pages.read_form(request), twist_of(request.scope)
        return tokens.answer_to_token(sandbox, form, str(request.base_url), twist)

    async def verify(request: Request) -> Answer:
        return tokens.answer_to_verify(sandbox, request.query_params.get("access_token", ""))

    async def revoke(request: Request) -> Answer:
        return tokens.answer_to_revoke(sandbox, await pages.read_form(request))

    return {
        "POST /oauth2/v2.1/token": _answering(token),
        "GET /oauth2/v2.1/verify": _answering(verify),
        "POST /oauth2/v2.1/revoke": _answering(revoke),
    }


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything but what is shared."""

    async def verify_id_token(request: Request) -> Answer:
        return id_tokens.verify(sandbox, await pages.read_form(request))

    async def certs(request: Request) -> Answer:
        return answers.ok(sandbox.login.keys.published(["ES256"]))

    async def discovery(request: Request) -> Answer:
        here = str(request.base_url).rstrip("/")
        return answers.ok(
            {
                "issuer": issuer_of(sandbox, request),
                "authorization_endpoint": f"{here}/oauth2/v2.1/authorize",
                "token_endpoint": f"{here}/oauth2/v2.1/token",
                "revocation_endpoint": f"{here}/oauth2/v2.1/revoke",
                "userinfo_endpoint": f"{here}/oauth2/v2.1/userinfo",
                "scopes_supported": ["openid", "profile", "email"],
                "jwks_uri": f"{here}/oauth2/v2.1/certs",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                # As at LINE, though web logins are signed with the channel's secret.
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    return [
        Route("/oauth2/v2.1/verify", _answering(verify_id_token), methods=["POST"]),
        Route("/oauth2/v2.1/certs", _answering(certs)),
        Route("/.well-known/openid-configuration", _answering(discovery)),
        *_person_routes(sandbox),
    ]


def _person_routes(sandbox: Sandbox) -> list[Route]:
    def opened(request: Request, scope: str) -> tuple[Access, LoginChannel]:
        access = tokens.of_caller(sandbox, request.headers.get("authorization"), scope)
        return access, sandbox.login.channels[access.channel_id]

    async def userinfo(request: Request) -> Answer:
        access, channel = opened(request, "openid")
        claims = claims_of(sandbox, channel, access.person_no, access.scope, str(request.base_url))
        return answers.ok({name: claims[name] for name in ("sub", "name", "picture") if name in claims})

    async def profile(request: Request) -> Answer:
        access, channel = opened(request, "profile")
        return answers.ok(profile_of(sandbox, channel, access.person_no, str(request.base_url)))

    async def friendship(request: Request) -> Answer:
        access, channel = opened(request, "profile")
        account = linked_account(channel, sandbox.world)
        if account is None:
            return answers.error(400, "There is no login bot linked to this channel.")
        return answers.ok({"friendFlag": is_friend(sandbox, account, access.person_no)})

    async def deauthorize(request: Request) -> Answer:
        channel = sandbox.login_channel_of(request.headers.get("authorization"))
        if channel is None:
            return answers.UNAUTHENTICATED[sandbox.settings.unauthenticated_text]
        presented = answers.parse_json(await request.body()).get("userAccessToken")
        try:
            _, access = tokens.open_access(sandbox, presented if isinstance(presented, str) else "")
        except Refusal:
            access = None
        if access is None or access.channel_id != channel.channel_id:
            return answers.error(400, "invalid token")
        sandbox.login.disallow(channel.channel_id, access.person_no)
        sandbox.world.version += 1
        return Answer(204, b"")

    return [
        Route("/oauth2/v2.1/userinfo", _answering(userinfo), methods=["GET", "POST"]),
        Route("/v2/profile", _answering(profile)),
        Route("/friendship/v1/status", _answering(friendship)),
        Route("/user/v1/deauthorize", _answering(deauthorize), methods=["POST"]),
    ]


def profile_of(sandbox: Sandbox, channel: LoginChannel, person_no: int, base_url: str) -> dict[str, str]:
    """A person's profile, as LINE shows it to a channel that she allowed to see it: without her language."""
    shown = describe(sandbox, person_no, user_id_at(sandbox, channel, person_no), base_url)
    return {name: value for name, value in shown.items() if name != "language"}


def _answering(handle: Handler) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return respond(await handle(request))
        except Refusal as refusal:
            return respond(refusal.answer)

    return endpoint
