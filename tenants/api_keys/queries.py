"""Reads of store keys."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.api_keys.models import ApiKey, ApiKeyStore, CredentialUse
from tenants.problems import NotFound


def live_keys() -> SelectOfScalar[ApiKey]:
    """Keys that are not revoked; an expired one stays listed until it is."""
    return select(ApiKey).where(col(ApiKey.revoked_at).is_(None))


def get_key(session: Session, key_id: UUID) -> ApiKey:
    """A key that is not revoked. Raises NotFound."""
    key = session.exec(live_keys().where(col(ApiKey.id) == key_id)).one_or_none()
    if key is None:
        raise NotFound
    return key


def lock_key(session: Session, key_id: UUID) -> ApiKey:
    """A key that is not revoked, for changing it. Raises NotFound."""
    key = session.exec(live_keys().where(col(ApiKey.id) == key_id).with_for_update()).one_or_none()
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


def list_uses(session: Session, credential_ids: Sequence[UUID]) -> dict[UUID, CredentialUse]:
    """When and from where each of these credentials, of whatever kind, was last used; those never used are left out.

    It is at most some seconds behind: processes gather uses and write them together.
    """
    used = select(CredentialUse).where(col(CredentialUse.credential_id).in_(credential_ids))
    return {use.credential_id: use for use in session.exec(used)}
