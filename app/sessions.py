"""Staff's sessions on the wire: the cookie and its rotation, and the proof that a request comes from our own pages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from fastapi import Request
from sqlalchemy import Engine, text

from app.addresses import client_address
from app.audit.service import Actor, Deed, Thing, note
from app.callers import CallerInfo
from app.keys import digest_of, is_well_formed, new_secret
from app.settings import Settings
from tenants.permissions import GRANTABLE_TO_STORES, ROLES
from tenants.problems import NotFound, Problem
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tenants.staff import queries, sessions
from tenants.staff.models import Staff
from tenants.staff.sessions import Verdict

log = structlog.get_logger("sessions")

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(eq=False)
class RequestForged(Problem):
    """Nothing proves that this request comes from our own pages."""

    status: ClassVar[int] = 403


@dataclass(frozen=True)
class SignedIn:
    """A member of staff and the browser she is signed in with."""

    caller: CallerInfo
    session_id: UUID
    csrf_token: str
    """To be sent with everything that changes something: `X-CSRF-Token`, or `csrf_token` in a form."""


def read_signed_in(request: Request, now: datetime) -> SignedIn | None:
    """Who is signed in by this request's cookie; its secret is replaced when that is due."""
    settings: Settings = request.app.state.settings
    presented = request.cookies.get(cookie_name(settings), "")
    if not is_well_formed(presented):
        return None
    place = Place(str(request.scope.get("request_id", "")) or None, client_address(request.scope, settings))
    found, fresh = find_signed_in(request.app.state.engine, request.app.state.keyring, presented, now, place)
    if fresh is not None:
        hand_session(request, fresh)
    return found


@dataclass(frozen=True)
class Place:
    """Where a request comes from, for the audit log."""

    request_id: str | None = None
    address: str | None = None


NOWHERE = Place()


def find_signed_in(
    engine: Engine, keyring: Keyring, presented: str, now: datetime, place: Place = NOWHERE
) -> tuple[SignedIn | None, str | None]:
    """Who is signed in by this secret, or None; and the secret that takes its place, if that is due.

    It is read, and what follows from it written, in transactions of its own, closed before the request's opens: a
    session that ends stays ended, whatever becomes of the request.
    """
    digest = digest_of(presented)
    with engine.connect() as connection:
        known = connection.execute(
            text("SELECT brand_id, kind, credential_id FROM find_credential(:digest, :now)"),
            {"digest": digest, "now": now},
        ).one_or_none()
        connection.rollback()
    if known is None or known.kind != "staff_session":
        return None, None
    with open_session(engine, Scope(known.brand_id)) as session:
        found = queries.find_session(session, known.credential_id, digest)
        if found is None:
            return None, None
        row, staff, secret_id = found
        verdict, fresh = sessions.judge(row, secret_id, now), None
        if verdict is not Verdict.FRESH:
            verdict, fresh = _act(session, row.id, secret_id, now)
            if verdict is Verdict.COPIED:
                _note_copy(session, staff, place, now)
            session.commit()
        if verdict in (Verdict.OVER, Verdict.COPIED) or staff.disabled_at is not None:
            return None, None
        return SignedIn(_read_caller(session, staff), row.id, csrf_token(keyring, row.id)), fresh


def _act(session: ScopedSession, session_id: UUID, secret_id: UUID, now: datetime) -> tuple[Verdict, str | None]:
    """Do what follows from a secret, judged anew under the session's lock: of requests at once, one replaces it."""
    try:
        row = queries.lock_session(session, session_id)
    except NotFound:
        return Verdict.OVER, None
    verdict = sessions.judge(row, secret_id, now)
    match verdict:
        case Verdict.SEEN:
            sessions.mark_seen(row, now)
        case Verdict.DUE | Verdict.LOST:
            fresh = new_secret("session")
            sessions.rotate(session, row, verdict, digest_of(fresh), now)
            return verdict, fresh
        case Verdict.OVER:
            sessions.end(session, row, now)
        case Verdict.COPIED:
            sessions.end(session, row, now)
    return verdict, None


def _note_copy(session: ScopedSession, staff: Staff, place: Place, now: datetime) -> None:
    """Tell the brand, in its audit log, that a session of hers was copied, and from where the copy came."""
    log.warning("staff_session_copied", staff_id=str(staff.id))
    actor = Actor("staff", staff.id, staff.name, place.request_id, place.address)
    note(session, actor, Deed("end_copied_session", Thing("staff", staff.id), 401), now=now, kind="refused")


def _read_caller(session: ScopedSession, staff: Staff) -> CallerInfo:
    nos = None if staff.all_stores else frozenset(queries.list_store_nos(session, staff.id))
    permissions = ROLES.get(staff.role, frozenset())
    if nos is not None:  # what is the brand's own stays with those who are over all of it, whatever the role
        permissions &= GRANTABLE_TO_STORES
    return CallerInfo("staff", staff.id, staff.name, Scope(session.scope.brand_id, nos), permissions)


def csrf_token(keyring: Keyring, session_id: UUID) -> str:
    """The token of one session: nobody can make it, and it is good for no other."""
    return urlsafe_b64encode(keyring.sign(_CSRF + session_id.bytes)).decode().rstrip("=")


_CSRF = b"csrf:"


def refuse_forgery(request: Request, signed_in: SignedIn, token: str) -> None:
    """Raises RequestForged unless a request that changes something carries its session's token and, as far as the
    browser says where it comes from, comes from us."""
    if request.method in SAFE_METHODS:
        return
    refuse_untokened(request, signed_in.session_id, token)


def refuse_untokened(request: Request, session_id: UUID, token: str) -> None:
    """Raises RequestForged unless the token is that of this session, and no other site sends it."""
    refuse_other_sites(request)
    keyring: Keyring = request.app.state.keyring
    try:
        signature = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (NotBase64, ValueError):
        signature = b""
    if len(signature) != 16 or not keyring.is_signed(_CSRF + session_id.bytes, signature):
        raise RequestForged


def refuse_other_sites(request: Request) -> None:
    """Raises RequestForged if the browser says that the request comes from elsewhere."""
    settings: Settings = request.app.state.settings
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin not in (None, origin_of(settings.public_url)) or site not in (None, "same-origin"):
        raise RequestForged


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def is_loopback(settings: Settings) -> bool:
    """Whether this installation is reached on this machine only, without TLS: development."""
    parts = urlsplit(settings.public_url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def cookie_name(settings: Settings, purpose: str = "") -> str:
    """The name of a cookie. `__Host-` makes browsers insist on TLS, this very host and the whole site, so that no
    neighbour can plant one; without TLS, on loopback only, they would refuse it."""
    return f"{'noren' if is_loopback(settings) else '__Host-noren'}{purpose}"


def hand_session(request: Request, secret: str) -> None:
    """Give the browser the secret of its session with this request's answer, whatever that turns out to be."""
    set_cookie(request, "", secret, int(sessions.LIFE.total_seconds()))


def set_cookie(request: Request, purpose: str, value: str, seconds: int) -> None:
    """Set one of our cookies with this request's answer; empty, and for 0 seconds, it is taken back."""
    settings: Settings = request.app.state.settings
    name = cookie_name(settings, purpose)
    secure = "" if is_loopback(settings) else "; Secure"
    line = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    cookies: dict[str, str] = request.scope.setdefault("cookies_to_set", {})
    cookies[name] = line
