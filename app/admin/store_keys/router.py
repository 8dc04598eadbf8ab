"""Store keys over HTTP."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.grants import check_grant
from app.admin.store_keys.schemas import Rotation, StoreKeyCreate, StoreKeyPatch, StoreKeyRead, StoreKeySecret
from app.auth import Caller, Now, ScopedSession, allow
from app.keys import digest_of, new_secret
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import Page, StoreKeyId
from tenants.api_keys import queries, service
from tenants.api_keys.models import ApiKey
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session
from tenants.stores.queries import get_stores

PREFIX_LENGTH = len("nrn_store_") + 6

router = APIRouter(prefix="/v1/store-keys", tags=["store-keys"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_store_keys(session: ScopedSession, paging: PagingParams) -> Page[StoreKeyRead]:
    """The keys of stores that are not revoked, newest first."""
    keys, next_cursor = list_page(session, queries.live_keys(), ApiKey.id, paging)
    return Page(items=_read_all(session, keys), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("keys:write")])
def create_store_key(
    body: StoreKeyCreate, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> StoreKeySecret:
    """Create a key. You can give no permission that you lack."""
    request.state.answer_is_secret = True
    check_grant(caller, body.permissions)
    _check_expiry(body.expires_at, now)
    secret = new_secret("store")
    values = {"name": body.name, "permissions": sorted(set(body.permissions)), "expires_at": body.expires_at}
    stores = get_stores(session, body.store_ids)
    key = service.create_key(session, values, stores=stores, prefix=secret[:PREFIX_LENGTH], digest=digest_of(secret))
    return _read_secret(session, key, secret)


@router.get("/{key_id}", dependencies=[allow("keys:read")])
def read_store_key(key_id: StoreKeyId, session: ScopedSession) -> StoreKeyRead:
    """A key, without its secret."""
    return _read(session, queries.get_key(session, key_id))


@router.patch("/{key_id}", dependencies=[allow("keys:write")])
def change_store_key(
    key_id: StoreKeyId, body: StoreKeyPatch, session: ScopedSession, caller: Caller, now: Now, if_match: Precondition
) -> StoreKeyRead:
    """Change a key. It counts from the next request on."""
    key = queries.lock_key(session, key_id)
    if_match.check(_read(session, key))
    changes = patches.changes_of(body)
    store_ids = changes.pop("store_ids", None)
    if "permissions" in changes:
        check_grant(caller, body.permissions)
        changes["permissions"] = sorted(set(body.permissions))
    _check_expiry(body.expires_at, now)
    key.sqlmodel_update(changes)
    if store_ids is not None:
        service.set_stores(session, key, get_stores(session, store_ids))
    return _read(session, key)


@router.post("/{key_id}/rotate", dependencies=[allow("keys:write")])
def rotate_store_key(
    key_id: StoreKeyId, body: Rotation, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> StoreKeySecret:
    """Give a key a new secret. The old one works until the overlap ends."""
    request.state.answer_is_secret = True
    key = queries.lock_key(session, key_id)
    check_grant(caller, key.permissions)
    secret = new_secret("store")
    overlap = timedelta(seconds=body.overlap_seconds)
    service.rotate_key(session, key, prefix=secret[:PREFIX_LENGTH], digest=digest_of(secret), overlap=overlap, now=now)
    return _read_secret(session, key, secret)


@router.delete("/{key_id}", status_code=204, dependencies=[allow("keys:write")])
def revoke_store_key(key_id: StoreKeyId, session: ScopedSession, now: Now) -> None:
    """End a key at once, with every secret it has."""
    service.revoke_key(session, queries.lock_key(session, key_id), now)


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise Invalid.at("/expires_at", "Must lie in the future.")


def _read(session: Session, key: ApiKey) -> StoreKeyRead:
    return _read_all(session, [key])[0]


def _read_secret(session: Session, key: ApiKey, secret: str) -> StoreKeySecret:
    stores = queries.list_store_ids(session, [key.id])
    return StoreKeySecret.model_validate({**key.model_dump(), "store_ids": stores[key.id], "key": secret})


def _read_all(session: Session, keys: Sequence[ApiKey]) -> list[StoreKeyRead]:
    stores = queries.list_store_ids(session, [key.id for key in keys])
    return [StoreKeyRead.model_validate({**key.model_dump(), "store_ids": stores[key.id]}) for key in keys]
