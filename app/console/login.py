"""Signing in: out to the identity provider, back with a code, and in with a new session."""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hmac import compare_digest
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import structlog
from fastapi import Request
from sqlalchemy import Engine

from app import sessions as browser
from app.audit.requests import address_of
from app.audit.service import Actor, Deed, Thing, follow, note
from app.keys import digest_of, is_well_formed, new_secret
from app.sessions import SignedIn
from app.settings import Settings
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.staff import queries, service, sessions
from tenants.staff.models import Staff
from tenants.staff.problems import InvitationOver

if TYPE_CHECKING:
    from app.console.provider import Attempt, Identity, Provider

log = structlog.get_logger("login")

_FIRST = Lock()
ATTEMPT_SECONDS = 600
HOME = "/console"
_ATTEMPT = "-login"
_OWN_PAGE = re.compile(r"/console(/[A-Za-z0-9_-]+)*/?(\?[A-Za-z0-9_.~&=%+-]*)?", re.ASCII)


class SignInFailed(Exception):
    """Somebody could not be signed in; `reason` is one of `texts.SIGN_IN_FAILED`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Started:
    """What the browser keeps of a sign-in under way: what must come back, and what for it is."""

    state: str
    nonce: str
    verifier: str
    next: str
    invitation: str | None


def provider_of(request: Request) -> "Provider":
    """The identity provider of the settings. Raises SignInFailed if there is none, or cookies would not be safe."""
    settings: Settings = request.app.state.settings
    if not settings.oidc_issuer or not settings.oidc_client_id or settings.oidc_client_secret is None:
        raise SignInFailed("not_configured")
    if not settings.public_url.startswith("https://") and not browser.is_loopback(settings):
        raise SignInFailed("not_secure")
    with _FIRST:
        if not hasattr(request.app.state, "identity_provider"):
            # Here, since it takes heavy libraries that only calls going out need.
            from app.console.provider import Provider

            request.app.state.identity_provider = Provider(
                issuer=settings.oidc_issuer,
                client_id=settings.oidc_client_id,
                client_secret=settings.oidc_client_secret.get_secret_value(),
                redirect_uri=f"{settings.public_url.rstrip('/')}/console/callback",
            )
    provider: Provider = request.app.state.identity_provider
    return provider


def own_page(wanted: str | None) -> str:
    """The page to go to after signing in: one of ours, else the first one. Never another site's."""
    return wanted if wanted is not None and len(wanted) <= 500 and _OWN_PAGE.fullmatch(wanted) else HOME


def start(request: Request, *, next_page: str | None, invitation: str | None = None) -> str:
    """The provider's address to send the browser to. Raises SignInFailed."""
    from app.console.provider import ProviderUnreachable

    started = Started(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        next=own_page(next_page),
        invitation=invitation,
    )
    try:
        address = provider_of(request).start_address(_attempt(started))
    except ProviderUnreachable as error:
        raise _unreachable(error) from error
    kept = urlsafe_b64encode(orjson.dumps(asdict(started))).decode().rstrip("=")
    browser.set_cookie(request, _ATTEMPT, kept, ATTEMPT_SECONDS)
    return address


def finish(request: Request, now: datetime) -> str:
    """Sign in whoever the provider says has come back; the page to go to. Raises SignInFailed and staff's problems."""
    started = _read_started(request)
    browser.set_cookie(request, _ATTEMPT, "", 0)
    answer = request.query_params
    if started is None or not compare_digest(answer.get("state", "").encode(), started.state.encode()):
        raise SignInFailed("not_started_here")
    identity = _identify(request, started, now)
    engine: Engine = request.app.state.engine
    before = browser.read_signed_in(request, now)
    secret = new_secret("session")
    if started.invitation is not None:
        _accept(request, engine, started.invitation, identity, secret, now)
    else:
        _admit(request, engine, identity, secret, now)
    if before is not None:
        end(request, before, now)
    browser.hand_session(request, secret)
    return started.next


def end(request: Request, signed_in: SignedIn, now: datetime) -> None:
    """Sign this browser out."""
    with open_session(request.app.state.engine, Scope(signed_in.caller.scope.brand_id)) as session:
        follow(session)
        try:
            sessions.end(session, queries.lock_session(session, signed_in.session_id), now)
        except NotFound:
            return
        _note(request, session, queries.get_staff(session, signed_in.caller.id), "sign_out", now)
        session.commit()


def end_everywhere(request: Request, signed_in: SignedIn, now: datetime) -> None:
    """Sign this person out of every browser, in every brand that she is staff of."""
    for scope, staff in _list_memberships(request, signed_in):
        with open_session(request.app.state.engine, scope) as session:
            follow(session)
            mine = queries.lock_staff(session, staff.id)
            sessions.end_all(session, mine, now)
            _note(request, session, mine, "sign_out_everywhere", now)
            session.commit()


def switch_brand(request: Request, signed_in: SignedIn, brand_id: UUID, now: datetime) -> None:
    """Go on in another brand that she is staff of, with a session of its own. Raises NotFound."""
    for scope, staff in _list_memberships(request, signed_in):
        if scope.brand_id == brand_id:
            secret = new_secret("session")
            _open(request, request.app.state.engine, scope, staff.id, secret, now)
            end(request, signed_in, now)
            browser.hand_session(request, secret)
            return
    raise NotFound


def _list_memberships(request: Request, signed_in: SignedIn) -> list[tuple[Scope, Staff]]:
    engine: Engine = request.app.state.engine
    with open_session(engine, Scope(signed_in.caller.scope.brand_id)) as session:
        staff = queries.get_staff(session, signed_in.caller.id)
    if staff.issuer is None or staff.subject is None:
        return []
    return [(scope, one) for scope, one, _ in queries.list_memberships(engine, staff.issuer, staff.subject)]


def _identify(request: Request, started: Started, now: datetime) -> "Identity":
    """Who the provider says has come back. Raises SignInFailed."""
    from app.console.provider import EmailUnverified, NotProven, ProviderUnreachable

    provider, answer = provider_of(request), request.query_params
    try:
        # An answer that names its issuer names the one we asked (RFC 9207), or it was meant for somebody else.
        names_itself = provider.metadata().get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", provider.issuer if not names_itself else None) != provider.issuer:
            raise NotProven("the answer is another issuer's")
        if "error" in answer:
            raise SignInFailed("declined" if answer["error"] == "access_denied" else "refused")
        return provider.identify(answer.get("code", ""), _attempt(started), now)
    except ProviderUnreachable as error:
        raise _unreachable(error) from error
    except NotProven as error:
        log.warning("sign_in_not_proven", reason=str(error))
        raise SignInFailed("unverified_email" if isinstance(error, EmailUnverified) else "not_proven") from error


def _accept(
    request: Request, engine: Engine, invitation: str, identity: "Identity", secret: str, now: datetime
) -> None:
    digest = digest_of(invitation)
    invited = queries.find_invited(engine, digest, now)
    if invited is None:
        raise InvitationOver
    scope, staff_id = invited
    with open_session(engine, scope) as session:
        follow(session)
        staff = queries.lock_staff(session, staff_id)
        service.accept(
            session,
            staff,
            issuer=identity.issuer,
            subject=identity.subject,
            email=identity.email,
            digest=digest,
            now=now,
        )
        sessions.open_new(session, staff, digest_of(secret), now)
        _note(request, session, staff, "accept_invitation", now)
        session.commit()


def _admit(request: Request, engine: Engine, identity: "Identity", secret: str, now: datetime) -> None:
    """Open a session where she was last. Raises SignInFailed if she is nobody's staff."""
    for scope, staff, _ in queries.list_memberships(engine, identity.issuer, identity.subject):
        _open(request, engine, scope, staff.id, secret, now)
        return
    raise SignInFailed("not_staff")


def _open(request: Request, engine: Engine, scope: Scope, staff_id: UUID, secret: str, now: datetime) -> None:
    with open_session(engine, scope) as session:
        follow(session)
        staff = queries.lock_staff(session, staff_id)
        if service.status_of(staff) != "active":  # disabled since she was found
            raise SignInFailed("not_staff")
        sessions.open_new(session, staff, digest_of(secret), now)
        _note(request, session, staff, "sign_in", now)
        session.commit()


def _note(request: Request, session: ScopedSession, staff: Staff, action: str, now: datetime) -> None:
    """Write down in the audit log what she did."""
    request_id = str(request.scope.get("request_id", "")) or None
    actor = Actor("staff", staff.id, staff.name, request_id, address_of(request))
    note(session, actor, Deed(action, Thing("staff", staff.id), 303), now=now)


def _attempt(started: Started) -> "Attempt":
    from app.console.provider import Attempt

    return Attempt(started.state, started.nonce, started.verifier)


def _read_started(request: Request) -> Started | None:
    """The sign-in that this browser began. The cookie is the browser's own word, so nothing in it is believed: `state`,
    `nonce` and `verifier` must fit what comes back, `next` and the invitation are checked again."""
    kept = request.cookies.get(browser.cookie_name(request.app.state.settings, _ATTEMPT), "")
    try:
        values = orjson.loads(urlsafe_b64decode(kept + "=" * (-len(kept) % 4)))
        started = Started(**values)
    except (ValueError, TypeError):
        return None
    if not all(isinstance(text, str) and text for text in (started.state, started.nonce, started.verifier)):
        return None
    invitation = started.invitation
    if invitation is not None and not (isinstance(invitation, str) and is_well_formed(invitation)):
        return None
    wanted = started.next if isinstance(started.next, str) else None
    return replace(started, next=own_page(wanted))


def _unreachable(error: Exception) -> SignInFailed:
    log.warning("identity_provider_unreachable", reason=str(error))
    return SignInFailed("unreachable")
