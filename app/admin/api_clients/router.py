"""Head office's API clients over HTTP."""

from datetime import timedelta

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.api_clients.schemas import ApiClientCreate, ApiClientPatch, ApiClientRead, ApiClientSecret
from app.admin.grants import check_grant
from app.admin.store_keys.schemas import Rotation
from app.auth import Caller, Now, ScopedSession, allow
from app.keys import digest_of, new_secret
from app.paging import PagingParams, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import ApiClientId, Page
from tenants.clients import queries, service
from tenants.clients.models import ApiClient

router = APIRouter(prefix="/v1/api-clients", tags=["api-clients"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_api_clients(session: ScopedSession, paging: PagingParams) -> Page[ApiClientRead]:
    """Head office's clients that are not revoked, newest first."""
    return make_page(session, queries.live_clients(), ApiClient.id, paging, ApiClientRead.model_validate)


@router.post("", status_code=201, dependencies=[allow("keys:write")])
def create_api_client(
    body: ApiClientCreate, session: ScopedSession, caller: Caller, request: Request
) -> ApiClientSecret:
    """Create a client. You can give no permission that you lack."""
    request.state.answer_is_secret = True
    check_grant(caller, body.permissions)
    secret = new_secret("client")
    permissions = sorted(set(body.permissions))
    client = service.create_client(session, name=body.name, permissions=permissions, digest=digest_of(secret))
    return _read_secret(client, secret)


@router.get("/{client_id}", dependencies=[allow("keys:read")])
def read_api_client(client_id: ApiClientId, session: ScopedSession) -> ApiClientRead:
    """A client, without its secret."""
    return ApiClientRead.model_validate(queries.get_client(session, client_id))


@router.patch("/{client_id}", dependencies=[allow("keys:write")])
def change_api_client(
    client_id: ApiClientId, body: ApiClientPatch, session: ScopedSession, caller: Caller, if_match: Precondition
) -> ApiClientRead:
    """Change a client. It counts from the next request on, for tokens that it has, too."""
    client = queries.lock_client(session, client_id)
    if_match.check(ApiClientRead.model_validate(client))
    changes = patches.changes_of(body)
    if "permissions" in changes:
        check_grant(caller, body.permissions)
        changes["permissions"] = sorted(set(body.permissions))
    client.sqlmodel_update(changes)
    return ApiClientRead.model_validate(client)


@router.post("/{client_id}/rotate", dependencies=[allow("keys:write")])
def rotate_api_client(
    client_id: ApiClientId, body: Rotation, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> ApiClientSecret:
    """Give a client a new secret. The old one is accepted until the overlap ends; tokens live out their hour."""
    request.state.answer_is_secret = True
    client = queries.lock_client(session, client_id)
    check_grant(caller, client.permissions)
    secret = new_secret("client")
    service.rotate_secret(client, digest=digest_of(secret), overlap=timedelta(seconds=body.overlap_seconds), now=now)
    return _read_secret(client, secret)


@router.delete("/{client_id}", status_code=204, dependencies=[allow("keys:write")])
def revoke_api_client(client_id: ApiClientId, session: ScopedSession, now: Now) -> None:
    """End a client and all of its tokens at once."""
    service.revoke_client(session, queries.lock_client(session, client_id), now)


def _read_secret(client: ApiClient, secret: str) -> ApiClientSecret:
    return ApiClientSecret.model_validate({**client.model_dump(), "client_id": client.id, "client_secret": secret})
