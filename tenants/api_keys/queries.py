"""Reads of the keys of stores and partners, and of when credentials were last used."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.api_keys.models import ApiKey, ApiKeyStore, CredentialUse, KeyKind
from tenants.problems import NotFound


def live_keys(kind: KeyKind) -> SelectOfScalar[ApiKey]:
    """Keys of a kind that are not revoked; an expired one stays listed until it is."""
    return select(ApiKey).where(col(ApiKey.kind) == kind, col(ApiKey.revoked_at).is_(None))


def get_key(session: Session, kind: KeyKind, key_id: UUID) -> ApiKey:
    """A key of this kind that is not revoked. Raises NotFound, also for a key of the other kind."""
    return _one(session, live_keys(kind).where(col(ApiKey.id) == key_id))


def lock_key(session: Session, kind: KeyKind, key_id: UUID) -> ApiKey:
    """A key of this kind that is not revoked, for changing it. Raises NotFound."""
    return _one(session, live_keys(kind).where(col(ApiKey.id) == key_id).with_for_update())


def _one(session: Session, wanted: SelectOfScalar[ApiKey]) -> ApiKey:
    key = session.exec(wanted).one_or_none()
    if key is None:
        raise NotFound
    return key


def list_store_ids(session: Session, key_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The stores of each of these keys, by number."""
    ties = session.exec(
        select(ApiKeyStore.api_key_id, ApiKeyStore.store_id)
        .where(col(ApiKeyStore.api_key_id).in_(key_ids))
        .order_by(col(ApiKeyStore.store_no))
    ).all()
    found: dict[UUID, list[UUID]] = {key_id: [] for key_id in key_ids}
    for key_id, store_id in ties:
        found[key_id].append(store_id)
    return found


def list_uses(session: Session, credential_ids: Iterable[UUID]) -> dict[UUID, CredentialUse]:
    """The last use of each of these credentials that has been used: keys, API clients, staff, support grants."""
    used = select(CredentialUse).where(col(CredentialUse.credential_id).in_(credential_ids))
    return {use.credential_id: use for use in session.exec(used).all()}
