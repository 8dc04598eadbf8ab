"""Store keys over HTTP."""

from typing import Any

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.api_keys import service
from app.admin.api_keys.schemas import Rotation
from app.admin.store_keys.schemas import StoreKeyCreate, StoreKeyPatch, StoreKeyRead, StoreKeySecret
from app.auth import Caller, Now, ScopedSession, allow
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import ApiKeyId, Page
from tenants.api_keys import queries
from tenants.api_keys.models import ApiKey
from tenants.api_keys.service import revoke_key
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/store-keys", tags=["store-keys"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_store_keys(session: ScopedSession, paging: PagingParams) -> Page[StoreKeyRead]:
    """The keys of stores that are not revoked, newest first."""
    keys, next_cursor = list_page(session, queries.live_keys("store"), ApiKey.id, paging)
    items = [StoreKeyRead.model_validate(one) for one in service.describe_keys(session, keys)]
    return Page(items=items, next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("keys:write")])
def create_store_key(
    body: StoreKeyCreate, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> StoreKeySecret:
    """Create a key. You can give no permission that you lack."""
    request.state.answer_is_secret = True
    key, secret = service.create_key(session, caller, "store", body.model_dump(), now)
    return StoreKeySecret.model_validate({**_describe(session, key), "key": secret})


@router.get("/{key_id}", dependencies=[allow("keys:read")])
def read_store_key(key_id: ApiKeyId, session: ScopedSession) -> StoreKeyRead:
    """A key, without its secret."""
    return StoreKeyRead.model_validate(_describe(session, queries.get_key(session, "store", key_id)))


@router.patch("/{key_id}", dependencies=[allow("keys:write")])
def change_store_key(
    key_id: ApiKeyId, body: StoreKeyPatch, session: ScopedSession, caller: Caller, now: Now, if_match: Precondition
) -> StoreKeyRead:
    """Change a key. It counts from the next request on."""
    key = queries.lock_key(session, "store", key_id)
    if_match.check(StoreKeyRead.model_validate(_describe(session, key)))
    service.change_key(session, caller, key, patches.changes_of(body), now)
    return StoreKeyRead.model_validate(_describe(session, key))


@router.post("/{key_id}/rotate", dependencies=[allow("keys:write")])
def rotate_store_key(
    key_id: ApiKeyId, session: ScopedSession, caller: Caller, request: Request, now: Now, body: Rotation | None = None
) -> StoreKeySecret:
    """Give a key a new secret. The old one works until the overlap ends, which without a body is at once."""
    request.state.answer_is_secret = True
    key = queries.lock_key(session, "store", key_id)
    secret = service.rotate_key(session, caller, key, body or Rotation(), now)
    return StoreKeySecret.model_validate({**_describe(session, key), "key": secret})


@router.delete("/{key_id}", status_code=204, dependencies=[allow("keys:write")])
def revoke_store_key(key_id: ApiKeyId, session: ScopedSession, now: Now) -> None:
    """End a key at once, with every secret it has."""
    revoke_key(session, queries.lock_key(session, "store", key_id), now)


def _describe(session: Session, key: ApiKey) -> dict[str, Any]:
    return service.describe_keys(session, [key])[0]
