"""Opening LIFF apps, and what their pages may call.

`GET /liff/{liffId}/some/path?a=1` stands for `https://liff.line.me/…`: it asks who one is and what one allows, where
that is not known, and leads to the app's endpoint with `liff.state` for path and query. `person=` answers both
questions; `chat=` names the account in whose chat the app is opened (else the linked one). A page uses it by loading
`/_sandbox/liff/sdk.js` where it would load LINE's own; it defines `liff` with init, ready, isLoggedIn, login, logout,
isInClient, getAccessToken, getIDToken, getDecodedIDToken, getContext, getProfile, getFriendship, sendMessages,
openWindow, closeWindow, scanCodeV2, getOS, getLanguage, getVersion, isApiAvailable and permanentLink.createUrlBy. The
tokens come in the address's fragment, which `liff.init()` takes away, and live for 12 hours or until `closeWindow()`.

The stand-in calls `POST /_sandbox/liff/call {"access_token", "call": "profile" | "friendship" | "send" | "close"}`, as
text/plain, so that no browser asks first. `GET /_sandbox/liff/{liffId}/open?person=&chat=` gives what the page would
get, as JSON: {"url", "access_token", "id_token", "context"}.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.answers import Refusal
from app.sandbox.controls import Mistaken, answer, control
from app.sandbox.faults import twist_of
from app.sandbox.login import flow, pages
from app.sandbox.login.channels import LiffApp, LoginChannel, linked_account
from app.sandbox.login.chats import Unsendable, send_messages
from app.sandbox.login.flow import Untrusted
from app.sandbox.login.id_tokens import SignedIn, issue
from app.sandbox.login.people import add_friend, is_friend, remember, user_id_at
from app.sandbox.login.state import LIFF_TOKEN_SECONDS, Access
from app.sandbox.login.token_routes import profile_of
from app.sandbox.login.tokens import end_access, give_access, open_access
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_SDK = Path(__file__).parent / "liff-sdk.js"
_OURS = ("person", "chat", "liff.redirectUri")
"""Parameters of the sandbox and of its stand-in, which no page gets to see."""


class Opening(NamedTuple):
    """One opening of an app, as its page learns of it."""

    access_token: str
    id_token: str | None
    context: dict[str, Any]


def routes(sandbox: Sandbox) -> list[Route]:
    """Opening by a browser, and by a test; the stand-in for LINE's script and what it calls."""

    async def open_app(request: Request) -> Response:
        try:
            return await _open(sandbox, request)
        except Untrusted as untrusted:
            return pages.mistake(str(untrusted))

    async def open_for_test(request: Request) -> Response:
        try:
            channel, app = _get_app(sandbox, request)
            person_no = pages.person_of(sandbox, request)
            if person_no is None:
                raise Mistaken("person is missing")
            flow.check_open(sandbox, channel, person_no)
            account = _chat(sandbox, channel, request)
        except Untrusted as untrusted:
            raise Mistaken(str(untrusted)) from None
        sandbox.login.allow(channel.channel_id, person_no, app.scope)
        opening = _give(sandbox, request, channel, app, person_no, account)
        return answer({"url": _page_url(app, request, opening), **opening._asdict()})

    async def sdk(request: Request) -> Response:
        return Response(_SDK.read_bytes(), media_type="text/javascript", headers={"Cache-Control": "max-age=300"})

    async def call(request: Request) -> Response:
        status, value = await _answer_call(sandbox, request)
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return Response(orjson.dumps(value), status, headers, media_type="application/json")

    return [
        Route("/liff/{liff_id}", open_app, methods=["GET", "POST"]),
        Route("/liff/{liff_id}/{path:path}", open_app, methods=["GET", "POST"]),
        Route("/_sandbox/liff/sdk.js", sdk),
        Route("/_sandbox/liff/call", call, methods=["POST"]),
        control("/liff/{liff_id}/open", "GET", open_for_test),
    ]


def _get_app(sandbox: Sandbox, request: Request) -> tuple[LoginChannel, LiffApp]:
    found = sandbox.login.find_app(request.path_params["liff_id"])
    if found is None:
        raise Untrusted("このLIFFアプリはありません。")
    return found


async def _open(sandbox: Sandbox, request: Request) -> Response:
    """The app's page, once it is known who opens it and that she allows what the app asks for. Raises Untrusted."""
    channel, app = _get_app(sandbox, request)
    person_no, account = pages.person_of(sandbox, request), _chat(sandbox, channel, request)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if person_no is None:
        return pages.ask_who(sandbox, request, here)
    flow.check_open(sandbox, channel, person_no)
    linked = linked_account(channel, sandbox.world)
    offered = linked if linked and app.bot_prompt != "none" and not is_friend(sandbox, linked, person_no) else None
    form = await pages.read_form(request) if request.method == "POST" else {}
    if form.get("decision") == "allow":
        sandbox.login.allow(channel.channel_id, person_no, app.scope)
        if offered is not None and form.get("add_friend"):
            add_friend(sandbox, offered, person_no)
    elif form:
        raise Untrusted("許可しなかったので、LIFFアプリは開きませんでした。")
    elif "person" in request.query_params:
        sandbox.login.allow(channel.channel_id, person_no, app.scope)
    elif not sandbox.login.allows(channel.channel_id, person_no, app.scope):
        return pages.page(
            "consent.html",
            leads_to=app.view["url"],
            action=here,
            channel=channel,
            fields={},
            person_name=sandbox.world.person_names[person_no],
            words=[pages.SCOPE_WORDS[scope] for scope in app.scope],
            account=offered,
            other_url=None,
        )
    url = _page_url(app, request, _give(sandbox, request, channel, app, person_no, account))
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    remember(response, sandbox, person_no)
    return response


def _chat(sandbox: Sandbox, channel: LoginChannel, request: Request) -> Channel | None:
    """The account in whose chat the app is opened. Raises Untrusted for one of another provider."""
    named = request.query_params.get("chat")
    if not named:
        return linked_account(channel, sandbox.world)
    account = sandbox.world.channels.get(named)
    if account is None or account.provider_id != channel.provider_id:
        raise Untrusted("chat のアカウントは、このチャネルのプロバイダーにありません。")
    return account


def _give(
    sandbox: Sandbox, request: Request, channel: LoginChannel, app: LiffApp, person_no: int, account: Channel | None
) -> Opening:
    """Tokens and context of one opening."""
    sandbox.login.forget_ended(sandbox.clock.now())
    scope = " ".join(app.scope)
    access = Access(
        channel_id=channel.channel_id,
        person_no=person_no,
        scope=scope,
        expires_at=sandbox.clock.now() + LIFF_TOKEN_SECONDS,
        liff_id=app.liff_id,
        chat_channel_id=account.channel_id if account else None,
    )
    id_token = None
    if "openid" in app.scope:
        issuer = flow.issuer_of(sandbox, request)
        signed_in = SignedIn(channel, person_no, scope, issuer, str(request.base_url), "ES256")
        id_token = issue(sandbox, signed_in, twist_of(request.scope))
    external = "liff.redirectUri" in request.query_params
    context = {
        "type": "external" if external else "utou" if account else "none",
        "userId": user_id_at(sandbox, channel, person_no),
        "liffId": app.liff_id,
        "viewType": app.view["type"],
        "endpointUrl": app.view["url"],
        "scope": app.scope,
        "botPrompt": app.bot_prompt,
    }
    return Opening(give_access(sandbox, access), id_token, context)


def _page_url(app: LiffApp, request: Request, opening: Opening) -> str:
    """The endpoint with `liff.state`, and in the fragment what `liff.init()` takes. Raises Untrusted."""
    fragment = {"access_token": opening.access_token, "context": orjson.dumps(opening.context).decode()}
    if opening.id_token is not None:
        fragment["id_token"] = opening.id_token
    back = request.query_params.get("liff.redirectUri")
    if back is not None:
        if not back.startswith(app.view["url"]):
            raise Untrusted("redirectUri は、LIFFアプリのエンドポイントURLで始まりません。")
        return f"{back.partition('#')[0]}#{urlencode(fragment)}"
    query = [(name, value) for name, value in parse_qsl(request.url.query, True) if name not in _OURS]
    path = request.path_params.get("path")
    state = (f"/{path}" if path else "") + (f"?{urlencode(query)}" if query else "")
    url: str = app.view["url"]
    if state:
        url += ("&" if urlsplit(url).query else "?") + urlencode({"liff.state": state})
    return f"{url}#{urlencode(fragment)}"


async def _answer_call(sandbox: Sandbox, request: Request) -> tuple[int, Mapping[str, Any]]:
    """Status and body for the stand-in's call."""
    try:
        body: Any = orjson.loads(await request.body())
        jti, access = open_access(sandbox, body["access_token"])
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, Refusal):
        return 401, {"code": "UNAUTHORIZED", "message": "The access token is invalid"}
    channel = sandbox.login.channels[access.channel_id]
    linked = linked_account(channel, sandbox.world)
    match body.get("call"):
        case "profile" if "profile" in access.scope.split():
            return 200, profile_of(sandbox, channel, access.person_no, str(request.base_url))
        case "friendship" if "profile" in access.scope.split() and linked is not None:
            return 200, {"friendFlag": is_friend(sandbox, linked, access.person_no)}
        case "send" if "chat_message.write" in access.scope.split():
            try:
                send_messages(sandbox, access, body.get("messages"))
            except Unsendable as unsendable:
                return 400, {"code": "INVALID_ARGUMENT", "message": str(unsendable)}
            return 200, {}
        case "close":
            end_access(sandbox, jti)
            return 200, {}
    return 403, {"code": "FORBIDDEN", "message": "The app has no permission for this"}
