"""Caller, allow(), ScopedSession, BrandWide, Now: all that a handler may ask for."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from sqlmodel import select

from app import idempotency, sessions
from app.audit import requests as audit
from app.callers import CallerInfo, find_caller
from app.keys import is_well_formed
from app.limits.service import Limits
from tenants.brands.models import Brand
from tenants.problems import Problem, Unauthorized
from tenants.scope import Scope
from tenants.sealing import BrandKey, Keyring
from tenants.session import ScopedSession as Session_
from tenants.session import open_session


def read_now() -> datetime:
    """The instant of this request."""
    return datetime.now(UTC)


Now = Annotated[datetime, Depends(read_now)]


async def hold_slot(request: Request) -> AsyncIterator[None]:
    """One of as many slots as the pool has connections, from before the first statement until after the commit.

    Without it, requests that hold a connection and wait for a thread, and threads that wait for a connection, lock
    each other out.
    """
    limiter: CapacityLimiter = request.app.state.slots
    async with limiter:
        yield


async def wait_for_line(request: Request) -> AsyncIterator[None]:
    """One of the few turns of those who keep a thread waiting while LINE is asked, without a slot of the database's.

    The others wait in line without a thread: anybody may come here, and LINE may be slow.
    """
    limiter: CapacityLimiter = request.app.state.waiting_for_line
    async with limiter:
        yield


_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer")


def read_caller(
    request: Request,
    now: Now,
    slot: Annotated[None, Depends(hold_slot, scope="function")],
    credential: Annotated[Any, Security(_bearer)],
) -> CallerInfo:
    """The caller of this request: by the bearer token if there is an `Authorization` header, else by the cookie of a
    signed-in member of staff. Raises Unauthorized, RequestForged, RateLimited."""
    if "authorization" not in request.headers and (signed_in := sessions.read_signed_in(request, now)):
        sessions.refuse_forgery(request, signed_in, request.headers.get(sessions.CSRF_HEADER, ""))
        return _count(request, signed_in.caller, now)
    token = credential.credentials if credential else ""
    caller = None
    if is_well_formed(token):  # what is garbage, or mistyped, never reaches the database
        caller = find_caller(request.app.state.engine, token, now, partial(audit.record_ended, request))
    if caller is None:
        request.app.state.limits.disown(request.scope)
        raise Unauthorized
    return _count(request, caller, now)


def _count(request: Request, caller: CallerInfo, now: datetime) -> CallerInfo:
    """The caller, whose limit this request counts towards. Raises RateLimited."""
    audit.note_caller(request, caller, now)
    limits: Limits = request.app.state.limits
    limits.accept(request.scope, request.app.state.engine, caller.scope.brand_id, caller.id, now)
    return caller


Caller = Annotated[CallerInfo, Depends(read_caller, scope="function")]


def allow(permission: str) -> Any:
    """A route dependency: 403 unless the caller has this permission. It is also written into the OpenAPI document."""

    def check(caller: Caller) -> None:
        caller.require(permission)

    check.__name__ = f"allow {permission}"
    dependency = Depends(check)
    PERMISSION_OF[check] = permission
    return dependency


PERMISSION_OF: dict[Callable[..., Any], str] = {}
"""Which permission a route dependency checks, for the OpenAPI document."""


def open_as(request: Request, caller: CallerInfo, scope: Scope, now: datetime) -> Iterator[Session_]:
    """The request's transaction in a scope, with its Idempotency-Key taken and its changes followed for the audit log;
    it commits before the answer leaves."""
    with open_session(request.app.state.engine, scope) as session:
        if request.method == "POST" and "idempotency-key" in request.headers:
            brand_key = brand_key_of(session, request.app.state.keyring)
            request.state.idempotency_claim = idempotency.claim_key(
                session, request, caller.id, brand_key, now, caller.scope
            )
        audit.follow_session(request, session)
        try:
            yield session
        except Problem as problem:
            session.rollback()
            if problem.leave_note(session):
                session.commit()
            raise
        session.commit()


def open_scoped(request: Request, caller: Caller, now: Now) -> Iterator[Session_]:
    """The request's transaction in the caller's scope; it commits before the answer leaves."""
    yield from open_as(request, caller, caller.scope, now)


def open_brand_wide(request: Request, caller: Caller, now: Now) -> Iterator[Session_]:
    """The request's transaction in the scope of the whole brand, for verbs that must look over the stores' wall.

    The handler checks the permission in the caller's scope and cuts the answer to what the caller may see.
    """
    yield from open_as(request, caller, caller.scope.brand_wide(), now)


ScopedSession = Annotated[Session_, Depends(open_scoped, scope="function")]
BrandWide = Annotated[Session_, Depends(open_brand_wide, scope="function")]


def brand_key_of(session: Session_, keyring: Keyring) -> BrandKey:
    """The opened data key of the session's brand."""
    row = session.exec(select(Brand.master_key_id, Brand.wrapped_key)).one()
    return _open_key(keyring, session.scope.brand_id, row[0], bytes(row[1]))


@lru_cache(maxsize=4096)
def _open_key(keyring: Keyring, brand_id: UUID, master_key_id: str, wrapped: bytes) -> BrandKey:
    return keyring.open(brand_id, master_key_id, wrapped)


def read_brand_key(request: Request, session: ScopedSession) -> BrandKey:
    """The brand's data key, for handlers that seal or open a secret."""
    return brand_key_of(session, request.app.state.keyring)


OpenedKey = Annotated[BrandKey, Depends(read_brand_key, scope="function")]
