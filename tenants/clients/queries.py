"""Reads of head office's OAuth clients."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.api_keys.models import CredentialHash
from tenants.clients.models import AccessToken, ApiClient
from tenants.problems import NotFound


def live_clients() -> SelectOfScalar[ApiClient]:
    """Clients that are not revoked."""
    return select(ApiClient).where(col(ApiClient.revoked_at).is_(None))


def find_client(session: Session, client_id: UUID) -> ApiClient | None:
    """A client that is not revoked."""
    return session.exec(live_clients().where(col(ApiClient.id) == client_id)).one_or_none()


def get_client(session: Session, client_id: UUID) -> ApiClient:
    """A client that is not revoked. Raises NotFound."""
    client = find_client(session, client_id)
    if client is None:
        raise NotFound
    return client


def lock_client(session: Session, client_id: UUID) -> ApiClient:
    """A client that is not revoked, for changing it. Raises NotFound."""
    wanted = live_clients().where(col(ApiClient.id) == client_id).with_for_update()
    client = session.exec(wanted).one_or_none()
    if client is None:
        raise NotFound
    return client


def find_token(session: Session, digest: bytes) -> AccessToken | None:
    """The access token of this hash in the session's brand, for ending it."""
    found = (
        select(AccessToken)
        .join(CredentialHash, col(CredentialHash.credential_id) == col(AccessToken.id))
        .where(col(CredentialHash.digest) == digest, col(CredentialHash.kind) == "access_token")
    )
    return session.exec(found.with_for_update(of=AccessToken)).one_or_none()


def find_live_token(session: Session, digest: bytes, now: datetime) -> tuple[AccessToken, ApiClient] | None:
    """The access token of this hash in the session's brand with its client, while both are good."""
    found = session.exec(
        select(AccessToken, ApiClient)
        .join(CredentialHash, col(CredentialHash.credential_id) == col(AccessToken.id))
        .join(ApiClient, col(ApiClient.id) == col(AccessToken.api_client_id))
        .where(col(CredentialHash.digest) == digest, col(CredentialHash.kind) == "access_token")
        .where(col(AccessToken.expires_at) > now, col(AccessToken.revoked_at).is_(None))
        .where(col(ApiClient.revoked_at).is_(None))
        .where(or_(col(ApiClient.expires_at).is_(None), col(ApiClient.expires_at) > now))
    ).one_or_none()
    return (found[0], found[1]) if found is not None else None
