"""Partner keys over HTTP."""

from typing import Any

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.api_keys import service
from app.admin.api_keys.schemas import Rotation
from app.admin.partner_keys.schemas import PartnerKeyCreate, PartnerKeyPatch, PartnerKeyRead, PartnerKeySecret
from app.auth import Caller, Now, ScopedSession, allow
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import ApiKeyId, Page
from tenants.api_keys import queries
from tenants.api_keys.models import ApiKey
from tenants.api_keys.service import revoke_key
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/partner-keys", tags=["partner-keys"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_partner_keys(session: ScopedSession, paging: PagingParams) -> Page[PartnerKeyRead]:
    """The keys of partners that are not revoked, newest first."""
    keys, next_cursor = list_page(session, queries.live_keys("partner"), ApiKey.id, paging)
    items = [PartnerKeyRead.model_validate(one) for one in service.describe_keys(session, keys)]
    return Page(items=items, next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("keys:write")])
def create_partner_key(
    body: PartnerKeyCreate, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> PartnerKeySecret:
    """Create a key. You can give no permission that you lack."""
    request.state.answer_is_secret = True
    key, secret = service.create_key(session, caller, "partner", body.model_dump(), now)
    return PartnerKeySecret.model_validate({**_describe(session, key), "key": secret})


@router.get("/{key_id}", dependencies=[allow("keys:read")])
def read_partner_key(key_id: ApiKeyId, session: ScopedSession) -> PartnerKeyRead:
    """A key, without its secret."""
    return PartnerKeyRead.model_validate(_describe(session, queries.get_key(session, "partner", key_id)))


@router.patch("/{key_id}", dependencies=[allow("keys:write")])
def change_partner_key(
    key_id: ApiKeyId, body: PartnerKeyPatch, session: ScopedSession, caller: Caller, now: Now, if_match: Precondition
) -> PartnerKeyRead:
    """Change a key. It counts from the next request on."""
    key = queries.lock_key(session, "partner", key_id)
    if_match.check(PartnerKeyRead.model_validate(_describe(session, key)))
    service.change_key(session, caller, key, patches.changes_of(body), now)
    return PartnerKeyRead.model_validate(_describe(session, key))


@router.post("/{key_id}/rotate", dependencies=[allow("keys:write")])
def rotate_partner_key(
    key_id: ApiKeyId, session: ScopedSession, caller: Caller, request: Request, now: Now, body: Rotation | None = None
) -> PartnerKeySecret:
    """Give a key a new secret. The old one works until the overlap ends, which without a body is at once."""
    request.state.answer_is_secret = True
    key = queries.lock_key(session, "partner", key_id)
    secret = service.rotate_key(session, caller, key, body or Rotation(), now)
    return PartnerKeySecret.model_validate({**_describe(session, key), "key": secret})


@router.delete("/{key_id}", status_code=204, dependencies=[allow("keys:write")])
def revoke_partner_key(key_id: ApiKeyId, session: ScopedSession, now: Now) -> None:
    """End a key at once, with every secret it has."""
    revoke_key(session, queries.lock_key(session, "partner", key_id), now)


def _describe(session: Session, key: ApiKey) -> dict[str, Any]:
    return service.describe_keys(session, [key])[0]
