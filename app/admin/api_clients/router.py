"""Head office's API clients over HTTP."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import APIRouter, Request

from app.admin import patches
from app.admin.api_clients.schemas import ApiClientCreate, ApiClientPatch, ApiClientRead, ApiClientSecret
from app.admin.api_keys.schemas import Rotation
from app.admin.api_keys.service import check_expiry, describe_use, is_prolonged
from app.admin.grants import check_grant
from app.auth import Caller, Now, ScopedSession, allow
from app.keys import digest_of, new_secret
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import ApiClientId, Page
from tenants.api_keys.queries import list_uses
from tenants.clients import queries, service
from tenants.clients.models import ApiClient
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/api-clients", tags=["api-clients"], route_class=ApiRoute)


@router.get("", dependencies=[allow("keys:read")])
def list_api_clients(session: ScopedSession, paging: PagingParams) -> Page[ApiClientRead]:
    """Head office's clients that are not revoked, newest first."""
    clients, next_cursor = list_page(session, queries.live_clients(), ApiClient.id, paging)
    return Page(items=_read_all(session, clients), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("keys:write")])
def create_api_client(
    body: ApiClientCreate, session: ScopedSession, caller: Caller, request: Request, now: Now
) -> ApiClientSecret:
    """Create a client. You can give no permission that you lack."""
    request.state.answer_is_secret = True
    check_grant(caller, body.permissions)
    check_expiry(body.expires_at, now)
    secret = new_secret("client")
    client = service.create_client(
        session,
        name=body.name,
        permissions=sorted(set(body.permissions)),
        digest=digest_of(secret),
        expires_at=body.expires_at,
    )
    return _read_secret(session, client, secret)


@router.get("/{client_id}", dependencies=[allow("keys:read")])
def read_api_client(client_id: ApiClientId, session: ScopedSession) -> ApiClientRead:
    """A client, without its secret."""
    return _read(session, queries.get_client(session, client_id))


@router.patch("/{client_id}", dependencies=[allow("keys:write")])
def change_api_client(
    client_id: ApiClientId,
    body: ApiClientPatch,
    session: ScopedSession,
    caller: Caller,
    now: Now,
    if_match: Precondition,
) -> ApiClientRead:
    """Change a client. It counts from the next request on, for tokens that it has, too."""
    client = queries.lock_client(session, client_id)
    if_match.check(_read(session, client))
    changes = patches.changes_of(body)
    if "permissions" in changes or is_prolonged(client.expires_at, changes):
        check_grant(caller, changes.get("permissions", client.permissions))
    if "permissions" in changes:
        changes["permissions"] = sorted(set(body.permissions))
    check_expiry(body.expires_at, now)
    client.sqlmodel_update(changes)
    return _read(session, client)


@router.post("/{client_id}/rotate", dependencies=[allow("keys:write")])
def rotate_api_client(
    client_id: ApiClientId,
    session: ScopedSession,
    caller: Caller,
    request: Request,
    now: Now,
    body: Rotation | None = None,
) -> ApiClientSecret:
    """Give a client a new secret. The old one is accepted until the overlap ends, which without a body is at once;
    tokens live out their hour."""
    request.state.answer_is_secret = True
    client = queries.lock_client(session, client_id)
    check_grant(caller, client.permissions)
    secret = new_secret("client")
    overlap = timedelta(seconds=(body or Rotation()).overlap_seconds)
    service.rotate_secret(client, digest=digest_of(secret), overlap=overlap, now=now)
    return _read_secret(session, client, secret)


@router.delete("/{client_id}", status_code=204, dependencies=[allow("keys:write")])
def revoke_api_client(client_id: ApiClientId, session: ScopedSession, now: Now) -> None:
    """End a client and all of its tokens at once."""
    service.revoke_client(session, queries.lock_client(session, client_id), now)


def _read(session: Session, client: ApiClient) -> ApiClientRead:
    return _read_all(session, [client])[0]


def _read_secret(session: Session, client: ApiClient, secret: str) -> ApiClientSecret:
    shown = _read(session, client).model_dump()
    return ApiClientSecret.model_validate({**shown, "client_id": client.id, "client_secret": secret})


def _read_all(session: Session, clients: Sequence[ApiClient]) -> list[ApiClientRead]:
    uses = list_uses(session, [client.id for client in clients])
    return [
        ApiClientRead.model_validate({**client.model_dump(), **describe_use(uses.get(client.id))}) for client in clients
    ]
