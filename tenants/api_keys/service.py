"""Verbs on the keys of stores and partners. They see digests only: a secret itself never comes this far."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, delete, update

from tenants.api_keys.models import ApiKey, ApiKeyStore, CredentialHash, KeyKind
from tenants.session import ScopedSession
from tenants.stores.models import Store


def create_key(
    session: ScopedSession,
    values: Mapping[str, Any],
    *,
    kind: KeyKind,
    stores: Sequence[Store] | None,
    prefix: str,
    digest: bytes,
) -> ApiKey:
    """A new key of these stores, or of the whole brand (None), which only a partner's may be.

    `values` are columns by name; `prefix` is what people may know of the secret.
    """
    assert stores is not None or kind == "partner"
    key = ApiKey(kind=kind, prefix=prefix, **values)
    session.add(key)
    session.flush()
    set_stores(session, key, stores)
    _add_secret(session, key, digest)
    return key


def set_stores(session: ScopedSession, key: ApiKey, stores: Sequence[Store] | None) -> None:
    """Let a key speak for these stores and no others, or for the whole brand (None)."""
    key.all_stores = stores is None
    session.exec(delete(ApiKeyStore).where(col(ApiKeyStore.api_key_id) == key.id))
    session.add_all(ApiKeyStore(api_key_id=key.id, store_id=store.id, store_no=store.no) for store in stores or ())
    session.flush()


def leave_keys(session: ScopedSession, store: Store) -> None:
    """Let no key speak for this store any more. One that spoke for no other sees nothing from then on."""
    session.exec(delete(ApiKeyStore).where(col(ApiKeyStore.store_id) == store.id))


def rotate_key(
    session: ScopedSession, key: ApiKey, *, prefix: str, digest: bytes, overlap: timedelta, now: datetime
) -> None:
    """Give a key a new secret; those before it end after the overlap, or sooner where that was set already."""
    ends_at = func.least(func.coalesce(col(CredentialHash.expires_at), now + overlap), now + overlap)
    session.exec(update(CredentialHash).where(col(CredentialHash.credential_id) == key.id).values(expires_at=ends_at))
    session.exec(
        delete(CredentialHash).where(col(CredentialHash.credential_id) == key.id, col(CredentialHash.expires_at) <= now)
    )
    key.prefix = prefix
    _add_secret(session, key, digest)


def revoke_key(session: ScopedSession, key: ApiKey, now: datetime) -> None:
    """End a key and all of its secrets at once."""
    key.revoked_at = now
    session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id) == key.id))


def _add_secret(session: ScopedSession, key: ApiKey, digest: bytes) -> None:
    session.add(CredentialHash(digest=digest, kind=f"{key.kind}_key", credential_id=key.id))
    session.flush()
