"""Who a browser at the counter is: its link opened with the PIN, and from then on its cookie."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import text

from app import sessions as browser
from app.audit import requests as audit
from app.audit.service import Deed, Thing, follow, note
from app.auth import Now, brand_key_of, hold_slot, open_as
from app.callers import CallerInfo
from app.keys import digest_of, is_well_formed, new_secret
from app.limits.service import Limits
from app.till.problems import TillSignedOut
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store
from tenants.stores.queries import get_store
from tenants.tills import queries, service
from tenants.tills.models import TillDevice

COOKIE: Final = "-till"
COOKIE_SECONDS: Final = 400 * 24 * 3600
"""As long as browsers keep any cookie; it is handed out anew whenever the page is opened."""
PERMISSIONS: Final = frozenset({"coupons:redeem"})


def find_link(request: Request, secret: str, now: datetime) -> tuple[UUID, UUID] | None:
    """The brand and the till whose invitation this link is; None once it is spent, over or taken back."""
    return _find(request, secret, service.LINK, now)


@dataclass(frozen=True)
class WrongPin:
    """A PIN that was not right, and how many more may be typed."""

    left: int


def open_link(request: Request, secret: str, pin: str, now: datetime) -> WrongPin | None:
    """Make this browser the till of a link, if the PIN is right. Raises NotFound for a link that leads nowhere.

    A wrong PIN is counted in a transaction of its own, whatever is answered.
    """
    found = find_link(request, secret, now)
    if found is None:
        raise NotFound
    brand_id, device_id = found
    with open_session(request.app.state.engine, Scope(brand_id)) as session:
        follow(session)
        device = queries.lock_device(session, device_id)
        if service.status_of(device, now) != "invited":  # spent by somebody else while we waited for the lock
            raise NotFound
        if not service.is_right_pin(device, pin, brand_key_of(session, request.app.state.keyring)):
            left = service.count_wrong_pin(session, device)
            _note(request, session, device, "mistype_till_pin", 403, now)
            session.commit()
            return WrongPin(left)
        mine = new_secret("till")
        service.open_device(session, device, digest=digest_of(mine), now=now)
        _note(request, session, device, "open_till", 303, now)
        session.commit()
    browser.set_cookie(request, COOKIE, mine, COOKIE_SECONDS)
    return None


def read_till(request: Request, now: Now, slot: Annotated[None, Depends(hold_slot, scope="function")]) -> CallerInfo:
    """The till that this request's cookie names. Raises TillSignedOut, RequestForged, RateLimited."""
    secret = request.cookies.get(browser.cookie_name(request.app.state.settings, COOKIE), "")
    limits: Limits = request.app.state.limits
    found = _find(request, secret, service.DEVICE, now)
    device = None
    if found is not None:
        with open_session(request.app.state.engine, Scope(found[0])) as session:
            device = queries.find_device(session, found[1])
    if found is None or device is None or service.status_of(device, now) != "active":
        limits.disown(request.scope)
        raise TillSignedOut
    till = CallerInfo("till", device.id, device.name, Scope(found[0], frozenset({device.store_no})), PERMISSIONS)
    if request.method not in browser.SAFE_METHODS:
        browser.refuse_untokened(request, device.id, request.headers.get(browser.CSRF_HEADER, ""))
    audit.note_caller(request, till, now)
    limits.accept(request.scope, request.app.state.engine, found[0], device.id, now)
    return till


Till = Annotated[CallerInfo, Depends(read_till, scope="function")]


def open_till(request: Request, till: Till, now: Now) -> Iterator[ScopedSession]:
    """The request's transaction over the whole brand: what is shown may come from any store of it."""
    yield from open_as(request, till, till.scope.brand_wide(), now)


Counter = Annotated[ScopedSession, Depends(open_till, scope="function")]


def renew_cookie(request: Request) -> None:
    """Have the browser keep its cookie for as long again."""
    name = browser.cookie_name(request.app.state.settings, COOKIE)
    browser.set_cookie(request, COOKIE, request.cookies[name], COOKIE_SECONDS)


def store_of(session: ScopedSession, till: CallerInfo) -> Store:
    """The store whose till it is. Raises TillSignedOut when it is archived."""
    device = queries.get_device(session, till.id)
    try:
        return get_store(session, device.store_id)
    except NotFound as error:
        raise TillSignedOut from error


def _find(request: Request, secret: str, kind: str, now: datetime) -> tuple[UUID, UUID] | None:
    if not is_well_formed(secret):
        return None
    with request.app.state.engine.connect() as connection:
        known = connection.execute(
            text("SELECT brand_id, kind, credential_id FROM find_credential(:digest, :now)"),
            {"digest": digest_of(secret), "now": now},
        ).one_or_none()
        connection.rollback()
    return (known.brand_id, known.credential_id) if known is not None and known.kind == kind else None


def _note(
    request: Request, session: ScopedSession, device: TillDevice, action: str, status: int, now: datetime
) -> None:
    actor = audit.actor_of(request, "till", device.id, device.name)
    note(session, actor, Deed(action, Thing("till", device.id), status), now=now)
