"""`/oidc`: discovery, keys, signing in, tokens, who it is, signing out. Answers are plain OAuth and OpenID Connect."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.faults import twist_of
from app.sandbox.oidc import flow, pages
from app.sandbox.oidc.flow import Asked, Refused, TokenRefused, Untrusted
from app.sandbox.oidc.signing import SIGNING_ALGORITHMS
from app.sandbox.oidc.state import Oidc, Person, Unregistrable
from app.sandbox.state import Sandbox

_COOKIE = "sandbox_oidc"
_MAX_FORM_BYTES = 20_000


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under /oidc."""
    return [
        Route("/oidc/style.css", _style),
        Route("/oidc/.well-known/openid-configuration", _discovery),
        *_sign_in_routes(sandbox),
        *_token_routes(sandbox),
    ]


def issuer_of(request: Request) -> str:
    """The provider's name: the address under which the caller reached it."""
    return f"{str(request.base_url).rstrip('/')}/oidc"


async def _style(request: Request) -> Response:
    return pages.style()


async def _discovery(request: Request) -> Response:
    issuer = issuer_of(request)
    return _json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end-session",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
            "scopes_supported": ["openid", "profile", "email"],
            "claims_supported": ["sub", "name", "locale", "email", "email_verified", "auth_time"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "select_account"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
            "ui_locales_supported": ["ja"],
        }
    )


def _sign_in_routes(sandbox: Sandbox) -> list[Route]:
    oidc, now = sandbox.oidc, sandbox.clock.now

    async def ask(request: Request) -> Response:
        asked = flow.read_request(oidc, request.query_params)
        asked.check()
        last = oidc.sessions.get(request.cookies.get(_COOKIE, ""))
        hint = asked.fields.get("login_hint", "")
        if "none" in asked.fields.get("prompt", "").split():
            person = oidc.find_person(hint or last)
            if person is None:
                raise Refused("login_required", "prompt is none, and nobody is known by login_hint or cookie")
            return _send_back(request, asked, person)
        return _show(asked, last=last, typed_email="" if hint in oidc.people else hint)

    async def choose(request: Request) -> Response:
        form = await _read_form(request)
        asked = flow.read_request(oidc, form)
        asked.check()
        if form.get("deny"):
            raise Refused("access_denied", "the person does not want to sign in")
        email = form.get("email", "").strip()
        values: dict[str, Any] = {"email": email}
        if name := form.get("name", "").strip():
            values["name"] = name
        if form.get("unverified"):
            values["email_verified"] = False
        try:
            person = oidc.put_person(values)
        except Unregistrable:
            mistake = "メールアドレスを確かめてください。"
            return _show(asked, mistake=mistake, typed_email=email, typed_name=name, status=400)
        sandbox.world.version += 1
        return _send_back(request, asked, person)

    async def end(request: Request) -> Response:
        fields = dict(request.query_params) if request.method == "GET" else await _read_form(request)
        oidc.sessions.pop(request.cookies.get(_COOKIE, ""), None)
        wanted = fields.get("post_logout_redirect_uri")
        if wanted is None:
            response = pages.page("ended.html")
        else:
            application = oidc.applications.get(fields.get("client_id", ""))
            if application is None or wanted not in application.post_logout_redirect_uris:
                raise Untrusted("post_logout_redirect_uri は、このアプリケーションに登録されていません。")
            state = fields.get("state")
            joint = "&" if urlsplit(wanted).query else "?"
            response = RedirectResponse(f"{wanted}{joint}{urlencode({'state': state})}" if state else wanted, 303)
        response.delete_cookie(_COOKIE, path="/oidc")
        return response

    def _send_back(request: Request, asked: Asked, person: Person) -> Response:
        code = flow.grant_code(oidc, asked, person, now())
        response = RedirectResponse(asked.back(issuer_of(request), code=code), 303)
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(_COOKIE, oidc.open_session(person.email), path="/oidc", httponly=True, samesite="lax")
        return response

    def _show(
        asked: Asked,
        *,
        last: str | None = None,
        mistake: str = "",
        typed_email: str = "",
        typed_name: str = "",
        status: int = 200,
    ) -> Response:
        return pages.page(
            "authorize.html",
            status,
            leads_to=asked.redirect_uri,
            application=asked.application,
            fields=asked.fields,
            people=list(oidc.people.values())[:50],
            last=last,
            mistake=mistake,
            typed_email=typed_email,
            typed_name=typed_name,
        )

    return [
        _page_route(oidc, "/oidc/authorize", ["GET"], ask),
        _page_route(oidc, "/oidc/authorize", ["POST"], choose),
        _page_route(oidc, "/oidc/end-session", ["GET", "POST"], end),
    ]


def _page_route(oidc: Oidc, path: str, methods: list[str], handle: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route that people's browsers visit: what is wrong is told to the application, or to them if it is unknown."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handle(request)
        except Untrusted as untrusted:
            return pages.page("mistake.html", 400, reason=str(untrusted))
        except Refused as refused:
            fields = request.query_params if request.method == "GET" else await _read_form(request)
            asked = flow.read_request(oidc, fields)
            address = asked.back(issuer_of(request), error=refused.error, error_description=refused.description)
            return RedirectResponse(address, 303)

    return Route(path, endpoint, methods=methods)


def _token_routes(sandbox: Sandbox) -> list[Route]:
    oidc, now = sandbox.oidc, sandbox.clock.now

    async def token(request: Request) -> Response:
        try:
            form = await _read_form(request)
            application = flow.authenticate(oidc, request.headers.get("authorization"), form)
            grant = flow.redeem_code(oidc, application, form, now())
            twist = twist_of(request.scope)
            return _json(flow.exchange(oidc, application, grant, issuer_of(request), now(), twist))
        except TokenRefused as refused:
            answer = _json({"error": refused.error, "error_description": refused.description}, refused.status)
            if refused.status == 401:
                answer.headers["WWW-Authenticate"] = "Basic"
            return answer

    async def jwks(request: Request) -> Response:
        return _json(oidc.keys.published())

    async def userinfo(request: Request) -> Response:
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        grant = oidc.access_tokens.get(presented) if scheme.lower() == "bearer" else None
        person = oidc.people.get(grant.email) if grant is not None and grant.expires_at > now() else None
        if grant is None or person is None:
            answer = _json({"error": "invalid_token"}, 401)
            answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            return answer
        return _json({"sub": person.sub, **flow.person_claims(person, grant.scope)})

    return [
        Route("/oidc/token", token, methods=["POST"]),
        Route("/oidc/jwks", jwks),
        Route("/oidc/userinfo", userinfo, methods=["GET", "POST"]),
    ]


async def _read_form(request: Request) -> dict[str, str]:
    """The form's fields; what is no form has none."""
    body = await request.body()
    if len(body) > _MAX_FORM_BYTES:
        return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _json(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, {"Cache-Control": "no-store"}, media_type="application/json")
