"""Caller, allow(), ScopedSession, BrandWide, Now: all that a handler may ask for."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from anyio import CapacityLimiter
from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from app import idempotency
from tenants.api_keys.models import StoreKey, StoreKeyStore
from tenants.brands.models import Brand
from tenants.clients.models import AccessToken, ApiClient
from tenants.problems import Invalid, NotFound, PermissionMissing, Unauthorized
from tenants.scope import Scope
from tenants.sealing import BrandKey, Keyring
from tenants.session import ScopedSession as Session_
from tenants.session import open_session
from tenants.stores.models import Store


@dataclass(frozen=True)
class CallerInfo:
    """Who calls: a client of head office or a store's key, its scope and what it is allowed."""

    kind: Literal["api_client", "store_key"]
    id: UUID
    name: str
    scope: Scope
    permissions: frozenset[str]

    def store(self, session: Session, store_id: UUID) -> Store:
        """One of the caller's own stores. Raises NotFound for any other."""
        store = session.exec(select(Store).where(col(Store.id) == store_id)).one_or_none()
        if store is None or not self.scope.sees_store(store.no):
            raise NotFound
        return store

    def owner(self, session: Session, store_id: UUID | None) -> Store | None:
        """The store that owns what the caller makes: the one it names, or its key's only one. None is head office.

        Raises NotFound for a store that is not the caller's, Invalid when a key of several stores names none.
        """
        if store_id is not None:
            return self.store(session, store_id)
        if self.scope.store_nos is None:
            return None
        mine = session.exec(select(Store).where(col(Store.no).in_(self.scope.store_nos)).limit(2)).all()
        if len(mine) != 1:
            raise Invalid.at("/store_id", "Name one of your stores.")
        return mine[0]

    def require(self, permission: str) -> None:
        """Raises PermissionMissing."""
        if permission not in self.permissions:
            raise PermissionMissing(permission)


def digest_of(secret: str) -> bytes:
    """The SHA-256 under which a secret is found; secrets hold 256 random bits, so they need no slow hash."""
    return sha256(secret.encode()).digest()


def find_caller(engine: Engine, token: str, now: datetime) -> CallerInfo | None:
    """The caller behind a bearer token, or None.

    It is read in a transaction of its own, closed before the request's opens.
    """
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT brand_id, kind, credential_id FROM find_credential(:digest, :now)"),
            {"digest": digest_of(token), "now": now},
        ).one_or_none()
        connection.rollback()
    if row is None:
        return None
    with open_session(engine, Scope(row.brand_id)) as session:
        if row.kind == "store_key":
            return _store_key_caller(session, row.credential_id, now)
        return _token_caller(session, row.credential_id, now)


def _store_key_caller(session: Session_, key_id: UUID, now: datetime) -> CallerInfo | None:
    key = session.exec(select(StoreKey).where(col(StoreKey.id) == key_id)).one_or_none()
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    stores = session.exec(select(StoreKeyStore.store_no).where(col(StoreKeyStore.store_key_id) == key_id)).all()
    scope = Scope(session.scope.brand_id, frozenset(stores))
    return CallerInfo("store_key", key.id, key.name, scope, frozenset(key.permissions))


def _token_caller(session: Session_, token_id: UUID, now: datetime) -> CallerInfo | None:
    found = session.exec(
        select(AccessToken, ApiClient)
        .join(ApiClient, col(ApiClient.id) == col(AccessToken.api_client_id))
        .where(col(AccessToken.id) == token_id)
    ).one_or_none()
    if found is None:
        return None
    token, client = found
    if token.revoked_at is not None or client.revoked_at is not None or token.expires_at <= now:
        return None
    granted = frozenset(token.permissions) & frozenset(client.permissions)
    return CallerInfo("api_client", client.id, client.name, Scope(session.scope.brand_id), granted)


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


_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer")


def read_caller(
    request: Request,
    now: Now,
    slot: Annotated[None, Depends(hold_slot, scope="function")],
    credential: Annotated[Any, Security(_bearer)],
) -> CallerInfo:
    """The caller of this request. Raises Unauthorized."""
    token = credential.credentials if credential else ""
    caller = None
    if 20 <= len(token) <= 200 and token.isascii() and token.isprintable():
        caller = find_caller(request.app.state.engine, token, now)
    if caller is None:
        raise Unauthorized
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


def _open(request: Request, caller: CallerInfo, scope: Scope, now: datetime) -> Iterator[Session_]:
    with open_session(request.app.state.engine, scope) as session:
        if request.method == "POST" and "idempotency-key" in request.headers:
            brand_key = brand_key_of(session, request.app.state.keyring)
            request.state.idempotency_claim = idempotency.claim_key(session, request, caller.id, brand_key, now)
        yield session
        session.commit()


def open_scoped(request: Request, caller: Caller, now: Now) -> Iterator[Session_]:
    """The request's transaction in the caller's scope; it commits before the answer leaves."""
    yield from _open(request, caller, caller.scope, now)


def open_brand_wide(request: Request, caller: Caller, now: Now) -> Iterator[Session_]:
    """The request's transaction in the scope of the whole brand, for verbs that must look over the stores' wall.

    The handler checks the permission in the caller's scope and cuts the answer to what the caller may see.
    """
    yield from _open(request, caller, caller.scope.brand_wide(), now)


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
