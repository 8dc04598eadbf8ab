"""CallerInfo: who calls, and what it may do; find_caller() reads it from the secret that was presented."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from app.keys import digest_of
from tenants.api_keys.models import ApiKey, ApiKeyStore
from tenants.clients.models import AccessToken, ApiClient
from tenants.ids import encode_id
from tenants.operators.models import SupportGrant
from tenants.problems import Invalid, NotFound, PermissionMissing
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session
from tenants.stores.models import Store

CallerKind = Literal["api_client", "store_key", "partner_key", "staff", "support"]
"""The kinds of credentials that the API takes."""
_PREFIX_OF: Final[dict[str, str]] = {
    "api_client": "client",
    "store_key": "key",
    "partner_key": "key",
    "staff": "staff",
    "support": "grant",
    "till": "till",
}


@dataclass(frozen=True)
class CallerInfo:
    """Who calls, its scope and what it is allowed. `id` is the client's, the key's, the person's, the grant's
    or the till's, which has pages of its own and is no caller of the API."""

    kind: CallerKind | Literal["till"]
    id: UUID
    name: str
    scope: Scope
    permissions: frozenset[str]

    @property
    def outside_id(self) -> str:
        """Its id as it is written outside, by which what it did is signed."""
        return encode_id(_PREFIX_OF[self.kind], self.id)

    @property
    def is_stores(self) -> bool:
        """Whether it speaks for some stores only, and so may not learn what the rest of the brand knows."""
        return self.scope.store_nos is not None

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


OnEnded = Callable[[UUID, str, UUID], None]


def find_caller(engine: Engine, token: str, now: datetime, on_ended: OnEnded | None = None) -> CallerInfo | None:
    """The caller behind a bearer token, or None; `on_ended` is told brand, kind and id of one that has ended.

    It is read in a transaction of its own, closed before the request's opens.
    """
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT brand_id, kind, credential_id FROM find_credential(:digest, :now)"),
            {"digest": digest_of(token), "now": now},
        ).one_or_none()
        connection.rollback()
    if row is None or row.kind not in _READERS:
        return None
    with open_session(engine, Scope(row.brand_id)) as session:
        caller = _READERS[row.kind](session, row.credential_id, now)
    if caller is None and on_ended is not None:
        on_ended(row.brand_id, "support" if row.kind == "support_grant" else row.kind, row.credential_id)
    return caller


def _read_key(session: ScopedSession, key_id: UUID, now: datetime) -> CallerInfo | None:
    key = session.exec(select(ApiKey).where(col(ApiKey.id) == key_id)).one_or_none()
    if key is None or key.revoked_at is not None or _is_over(key.expires_at, now):
        return None
    kind: CallerKind = "partner_key" if key.kind == "partner" else "store_key"
    if key.all_stores:
        return CallerInfo(kind, key.id, key.name, session.scope, frozenset(key.permissions))
    stores = session.exec(select(ApiKeyStore.store_no).where(col(ApiKeyStore.api_key_id) == key_id)).all()
    scope = Scope(session.scope.brand_id, frozenset(stores))
    return CallerInfo(kind, key.id, key.name, scope, frozenset(key.permissions))


def _read_token(session: ScopedSession, token_id: UUID, now: datetime) -> CallerInfo | None:
    found = session.exec(
        select(AccessToken, ApiClient)
        .join(ApiClient, col(ApiClient.id) == col(AccessToken.api_client_id))
        .where(col(AccessToken.id) == token_id)
    ).one_or_none()
    if found is None:
        return None
    token, client = found
    if token.revoked_at is not None or client.revoked_at is not None:
        return None
    if _is_over(token.expires_at, now) or _is_over(client.expires_at, now):
        return None
    granted = frozenset(token.permissions) & frozenset(client.permissions)
    return CallerInfo("api_client", client.id, client.name, session.scope, granted)


def _read_grant(session: ScopedSession, grant_id: UUID, now: datetime) -> CallerInfo | None:
    grant = session.exec(select(SupportGrant).where(col(SupportGrant.id) == grant_id)).one_or_none()
    if grant is None or grant.revoked_at is not None or _is_over(grant.expires_at, now):
        return None
    return CallerInfo("support", grant.id, grant.operator, session.scope, frozenset(grant.permissions))


def _is_over(expires_at: datetime | None, now: datetime) -> bool:
    return expires_at is not None and expires_at <= now


_READERS: dict[str, Callable[[ScopedSession, UUID, datetime], CallerInfo | None]] = {
    "store_key": _read_key,
    "partner_key": _read_key,
    "access_token": _read_token,
    "support_grant": _read_grant,
}
"""How each kind of credential that comes as a bearer token is read. Sessions of staff come as cookies."""
