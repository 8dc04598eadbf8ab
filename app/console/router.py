"""The staff's pages over HTTP."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlencode

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app import sessions as browser
from app.auth import Now, hold_slot
from app.console import login, texts
from app.console.login import SignInFailed
from app.console.pages import STYLE, go_to, page
from app.console.views import Home, Invitation, read_home, read_invitation
from app.problems import BY_STATUS
from app.routes import read_body
from app.schemas import BrandId
from app.sessions import SignedIn
from tenants.problems import Invalid, NotFound, Problem

MAX_FORM_BYTES = 10_000
SIGN_INS_AT_ONCE = 8
"""Threads that may wait for the identity provider; the others go on serving."""


class NotSignedIn(Exception):
    """The page is for those who are signed in."""


class ConsoleRoute(APIRoute):
    """Reads a small form, and shows what goes wrong as a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_page(request: Request) -> Response:
            try:
                if request.method == "POST":
                    await read_body(request, MAX_FORM_BYTES)
                return await handle(request)
            except NotSignedIn:
                asked = request.url.path if request.method == "GET" else login.HOME
                return go_to(f"/console/login?{urlencode({'next': asked})}")
            except SignInFailed as failed:
                status, heading, advice = texts.SIGN_IN_FAILED[failed.reason]
                return _mistake(status, heading, advice)
            except Problem as problem:
                return _mistake(problem.status, *texts.PROBLEMS.get(problem.slug(), texts.ELSE))
            except RequestValidationError:
                return _mistake(Invalid.status, *texts.PROBLEMS["request-forged"])
            except HTTPException as error:
                if error.status_code not in BY_STATUS:
                    raise
                return _mistake(error.status_code, *texts.ELSE)

        return handle_page


def _mistake(status: int, heading: str, advice: str) -> Response:
    return page("mistake", status, heading=heading, advice=advice)


router = APIRouter(prefix="/console", include_in_schema=False, route_class=ConsoleRoute)


async def wait_in_line(request: Request) -> AsyncIterator[None]:
    """One of the few places of those who may keep a thread waiting for the identity provider."""
    limiter: CapacityLimiter | None = getattr(request.app.state, "sign_ins", None)
    if limiter is None:
        limiter = request.app.state.sign_ins = CapacityLimiter(SIGN_INS_AT_ONCE)
    async with limiter:
        yield


InLine = Depends(wait_in_line, scope="function")
Slot = Annotated[None, Depends(hold_slot, scope="function")]


def read_session(request: Request, now: Now, slot: Slot) -> SignedIn | None:
    """Who is signed in, if anybody is."""
    return browser.read_signed_in(request, now)


Visitor = Annotated[SignedIn | None, Depends(read_session, scope="function")]


def require_session(visitor: Visitor) -> SignedIn:
    """Who is signed in. Raises NotSignedIn."""
    if visitor is None:
        raise NotSignedIn
    return visitor


Staff = Annotated[SignedIn, Depends(require_session, scope="function")]
Token = Annotated[str, Form(alias="csrf_token", max_length=200)]


@router.get("")
def show_home(request: Request, staff: Staff, now: Now) -> Response:
    """Who you are here: name, role, stores, brand; and the ways out."""
    home: Home = read_home(request.app.state.engine, staff, now)
    return page("home", home=home, csrf_token=staff.csrf_token)


@router.get("/login", dependencies=[InLine])
def begin_login(request: Request, now: Now, next: str | None = None) -> Response:
    """Out to the identity provider; whoever is signed in goes straight to where she wanted to."""
    # Without a slot of the database's, which nobody else could have while the provider is slow.
    if browser.read_signed_in(request, now) is not None:
        return go_to(login.own_page(next))
    return go_to(login.start(request, next_page=next))


@router.get("/callback", dependencies=[InLine])
def finish_login(request: Request, now: Now) -> Response:
    """Back from the identity provider."""
    return go_to(login.finish(request, now))


@router.get("/invitations/{secret}", dependencies=[InLine])
def show_invitation(secret: str, request: Request, now: Now) -> Response:
    """To what one is invited, and the button that accepts it by signing in."""
    invitation: Invitation = read_invitation(request.app.state.engine, secret, now)
    return page("invitation", invitation=invitation, leads_to=_provider_origin(request))


@router.post("/invitations/{secret}", dependencies=[InLine])
def accept_invitation(secret: str, request: Request, now: Now) -> Response:
    """Out to the identity provider, to prove that the invitation is one's own."""
    browser.refuse_other_sites(request)
    read_invitation(request.app.state.engine, secret, now)
    return go_to(login.start(request, next_page=None, invitation=secret))


def _provider_origin(request: Request) -> str:
    from app.console.provider import ProviderUnreachable

    try:
        return login.provider_of(request).origin
    except ProviderUnreachable as error:
        raise SignInFailed("unreachable") from error


@router.post("/logout")
def sign_out(request: Request, visitor: Visitor, now: Now, token: Token = "") -> Response:
    """End this browser's session."""
    if visitor is not None:
        browser.refuse_forgery(request, visitor, token)
        login.end(request, visitor, now)
    browser.set_cookie(request, "", "", 0)
    return go_to("/console/signed-out")


@router.post("/sign-out-everywhere")
def sign_out_everywhere(request: Request, staff: Staff, now: Now, token: Token = "") -> Response:
    """End every session of this person, in all of her brands."""
    browser.refuse_forgery(request, staff, token)
    login.end_everywhere(request, staff, now)
    browser.set_cookie(request, "", "", 0)
    return go_to("/console/signed-out")


@router.post("/switch")
def switch_brand(
    request: Request, staff: Staff, now: Now, brand_id: Annotated[BrandId, Form()], token: Token = ""
) -> Response:
    """Go on in another brand that one is staff of."""
    browser.refuse_forgery(request, staff, token)
    login.switch_brand(request, staff, brand_id, now)
    return go_to(login.HOME)


@router.get("/signed-out", dependencies=[InLine])
def show_signed_out(request: Request) -> Response:
    """Signed out here; the provider may still know who one is."""
    from app.console.provider import ProviderUnreachable

    end_address = None
    try:
        provider = login.provider_of(request)
        end_address = provider.end_address(provider.redirect_uri.removesuffix("/callback") + "/signed-out")
    except (ProviderUnreachable, SignInFailed):
        pass  # the page does without the link
    return page("signed_out", end_address=end_address)


@router.get("/static/console.css")
def get_style() -> Response:
    """The pages' style sheet."""
    return FileResponse(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/{rest:path}")
def show_missing(rest: str) -> Response:
    """There is no such page."""
    raise NotFound


routers = [router]
