"""Verbs on head office's OAuth clients and their tokens. They see digests of secrets only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hmac import compare_digest

from sqlmodel import col, delete, select

from tenants.api_keys.models import CredentialHash
from tenants.clients.models import AccessToken, ApiClient
from tenants.session import ScopedSession

TOKEN_LIFE = timedelta(hours=1)


def create_client(
    session: ScopedSession,
    *,
    name: str,
    permissions: Sequence[str],
    digest: bytes,
    expires_at: datetime | None = None,
) -> ApiClient:
    """A new client with these permissions."""
    client = ApiClient(name=name, permissions=list(permissions), secret_digest=digest, expires_at=expires_at)
    session.add(client)
    session.flush()
    return client


def rotate_secret(client: ApiClient, *, digest: bytes, overlap: timedelta, now: datetime) -> None:
    """Give a client a new secret; the one before it is accepted until the overlap ends, those before that no more."""
    client.previous_digest, client.previous_until = client.secret_digest, now + overlap
    client.secret_digest = digest


def knows_secret(client: ApiClient, digest: bytes, now: datetime) -> bool:
    """Whether a secret of this digest opens the client now: one that has expired, none does."""
    if client.expires_at is not None and client.expires_at <= now:
        return False
    if compare_digest(client.secret_digest, digest):
        return True
    if client.previous_digest is None or client.previous_until is None or client.previous_until <= now:
        return False
    return compare_digest(client.previous_digest, digest)


def revoke_client(session: ScopedSession, client: ApiClient, now: datetime) -> None:
    """End a client and all of its tokens at once."""
    client.revoked_at = now
    issued = select(AccessToken.id).where(col(AccessToken.api_client_id) == client.id)
    _forget_tokens(session, session.exec(issued).all())


def issue_token(
    session: ScopedSession, client: ApiClient, permissions: Sequence[str], digest: bytes, now: datetime
) -> AccessToken:
    """A token of an hour, or less if the client ends before, with these permissions. Tokens that have ended go."""
    ended = select(AccessToken.id).where(
        col(AccessToken.api_client_id) == client.id, col(AccessToken.expires_at) <= now
    )
    _forget_tokens(session, session.exec(ended.with_for_update(skip_locked=True)).all())
    token = AccessToken(api_client_id=client.id, permissions=list(permissions), expires_at=token_end(client, now))
    session.add(token)
    session.flush()
    session.add(CredentialHash(digest=digest, kind="access_token", credential_id=token.id, expires_at=token.expires_at))
    session.flush()
    return token


def token_end(client: ApiClient, now: datetime) -> datetime:
    """When a token issued now ends: in an hour, or with its client."""
    return now + TOKEN_LIFE if client.expires_at is None else min(now + TOKEN_LIFE, client.expires_at)


def end_token(session: ScopedSession, token: AccessToken) -> None:
    """End a token before its hour."""
    _forget_tokens(session, [token.id])


def _forget_tokens(session: ScopedSession, token_ids: Sequence[object]) -> None:
    if token_ids:
        session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id).in_(token_ids)))
        session.exec(delete(AccessToken).where(col(AccessToken.id).in_(token_ids)))
