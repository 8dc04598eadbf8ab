"""「LINEをひとつに」: the page on which a person proves, provider by provider, that she is one, and its way to LINE."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import parse_qsl
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import sessions as browser
from app.auth import Now, brand_key_of, hold_slot, wait_for_line
from app.liff import pages
from app.liff.pages import Notice
from app.liff.places import LoginPlace, read_login_place
from app.liff.problems import IdTokenRefused
from app.liff.proving import prove, read_standing
from app.liff.sealed import open_sealed, write_sealed
from app.liff.sessions import end_session, read_session
from app.liff.shown import NoSuchPage, read_shown
from app.line.errors import LineError, LineUnavailable
from app.problems import Refused
from app.routes import read_body
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import open_session

if TYPE_CHECKING:
    from app.line.login import LoginAttempt

log = structlog.get_logger("liff")
router = APIRouter(include_in_schema=False)

WITHIN: Final = timedelta(minutes=15)
"""How long she may take at LINE Login."""
SOURCE: Final = "line_login"
MOST_FORM_BYTES: Final = 2_000
_KEPT: Final = "-join"
_PURPOSE: Final = "liff.join"
Slot = Annotated[None, Depends(hold_slot, scope="function")]


@dataclass(frozen=True)
class Attempt:
    """What the browser keeps, sealed, while its owner is at LINE Login."""

    brand_id: UUID
    page_account_id: UUID
    login_channel_id: str
    started_at: datetime
    consented_at: datetime | None
    """None: she signs in, and nothing of hers is joined by it."""
    attempt: "LoginAttempt"
    back: str | None = None
    """The page of ours that she comes from, and goes back to; None for the one that joins."""

    @property
    def path(self) -> str:
        """The page that she comes from."""
        return self.back or pages.path_of(self.page_account_id)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form."""
    await read_body(request, MOST_FORM_BYTES)
    try:
        return dict(parse_qsl(request._body.decode(), max_num_fields=10))
    except ValueError:
        return {}


Form = Annotated[dict[str, str], Depends(read_form)]


@router.get("/liff/join/{line_account_id}")
def show_joining(line_account_id: str, request: Request, now: Now, slot: Slot) -> Response:
    """The page: what is proven, and what is left to prove."""
    wanted = request.query_params.get("notice")
    notice = Notice(wanted) if wanted in set(Notice) else None
    try:
        return pages.show(request, read_shown(request, line_account_id, read_standing(request, now), notice))
    except NoSuchPage:
        return pages.show_missing(request)


@router.post("/liff/join/{line_account_id}")
def go_to_line(line_account_id: str, form: Form, request: Request, now: Now, slot: Slot) -> Response:
    """Her consent, and the provider that she wants to prove: on to LINE Login. Or another person begins."""
    browser.refuse_other_sites(request)
    try:
        shown = read_shown(request, line_account_id, None, None)
    except NoSuchPage:
        return pages.show_missing(request)
    if "leave" in form:
        end_session(request)
        return pages.go_to(shown.path)
    if form.get("consent") != "yes":
        return pages.go_to(f"{shown.path}?notice={Notice.CONSENT}")
    wanted = next((one for one in shown.providers if one.login_channel_id == form.get("login_channel_id")), None)
    if wanted is None or wanted.login_channel_id is None:
        return pages.go_to(f"{shown.path}?notice={Notice.NOT_PROVEN}")
    return pages.go_to(start_login(request, shown.brand_id, shown.account_id, wanted.login_channel_id, now))


@router.get("/liff/callback", dependencies=[Depends(wait_for_line, scope="function")])
def come_back(request: Request, now: Now) -> Response:
    """Back from LINE Login. It holds no place of the database's while LINE is asked."""
    kept = request.cookies.get(browser.cookie_name(request.app.state.settings, _KEPT), "")
    browser.set_cookie(request, _KEPT, "", 0)
    attempt = _open(request, kept)
    if attempt is None or not compare_digest(
        request.query_params.get("state", "").encode(), attempt.attempt.state.encode()
    ):
        return pages.show_missing(request)
    notice = _finish(request, attempt, now)
    path = attempt.path
    return pages.go_to(path if notice is None else f"{path}?notice={notice}")


def start_login(
    request: Request,
    brand_id: UUID,
    account_id: UUID,
    login_channel_id: str,
    now: datetime,
    *,
    back: str | None = None,
) -> str:
    """LINE Login's address, once the browser has what must come back.

    Who comes from another page of ours than the one that joins, and goes `back` there, has agreed to nothing.
    """
    from app.line.login import authorize_url, new_attempt

    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        place = read_login_place(request, session, login_channel_id)
        key = brand_key_of(session, request.app.state.keyring)
    if place is None:
        return f"{back or pages.path_of(account_id)}?notice={Notice.NOT_PROVEN}"
    attempt = new_attempt()
    values = {
        "account": account_id,
        "channel": login_channel_id,
        "at": now.timestamp(),
        "attempt": [attempt.state, attempt.nonce, attempt.verifier],
        **({} if back is None else {"back": back}),
    }
    kept = write_sealed(brand_id, key, values, _PURPOSE)
    browser.set_cookie(request, _KEPT, kept, int(WITHIN.total_seconds()))
    return authorize_url(place.hosts, attempt, login_channel_id=login_channel_id, redirect_uri=redirect_uri(request))


def redirect_uri(request: Request) -> str:
    """Where LINE Login comes back to: to be named in the console as a callback URL of each Login channel."""
    public_url: str = request.app.state.settings.public_url
    return f"{public_url.rstrip('/')}/liff/callback"


def _finish(request: Request, begun: Attempt, now: datetime) -> Notice | None:
    """Note what LINE says of who has come back, and join what is hers; None, or what to tell her."""
    if now - begun.started_at > WITHIN:
        return Notice.EXPIRED
    if "error" in request.query_params:
        return Notice.DECLINED
    with open_session(request.app.state.engine, Scope(begun.brand_id)) as session:
        place = read_login_place(request, session, begun.login_channel_id)
    if place is None or place.secret is None:
        return Notice.NOT_PROVEN
    try:
        id_token = _exchange(request, place, begun)
        prove(
            request,
            place,
            id_token,
            nonce=begun.attempt.nonce,
            kept=read_session(request, now),
            source=SOURCE,
            consented_at=begun.consented_at,
            now=now,
        )
    except (LineUnavailable, Refused) as error:
        log.warning("login_not_proven", reason=type(error).__name__)
        return Notice.UNREACHABLE
    except (LineError, IdTokenRefused, NotFound) as error:
        log.warning("login_not_proven", reason=type(error).__name__)
        return Notice.NOT_PROVEN
    return None


def _exchange(request: Request, place: LoginPlace, begun: Attempt) -> str:
    """The ID token behind the code that has come back. Raises LineError."""
    from app.line.login import exchange_code

    tokens = exchange_code(
        place.hosts,
        request.query_params.get("code", ""),
        login_channel_id=place.login_channel_id,
        login_secret=place.secret or "",
        redirect_uri=redirect_uri(request),
        verifier=begun.attempt.verifier,
    )
    return tokens.id_token or ""


def _open(request: Request, kept: str) -> Attempt | None:
    """The sign-in that this browser began, if it is one of ours."""
    from app.line.login import LoginAttempt

    opened = open_sealed(request, kept, _PURPOSE)
    if opened is None:
        return None
    brand_id, values = opened
    at = datetime.fromtimestamp(values["at"], UTC)
    attempt = LoginAttempt(*values["attempt"])
    back = values.get("back")
    consented_at = at if back is None else None
    return Attempt(brand_id, UUID(values["account"]), values["channel"], at, consented_at, attempt, back)
