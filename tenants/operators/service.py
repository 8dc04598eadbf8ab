"""Verbs of the service's operator. They see digests of secrets only: the secret itself never comes this far."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, delete

from tenants.api_keys.models import ApiKey, CredentialHash
from tenants.brands.models import Brand
from tenants.clients.models import AccessToken, ApiClient
from tenants.operators.models import DeletionReceipt, OperatorKey, SupportGrant
from tenants.problems import Conflict, Invalid
from tenants.session import ScopedSession
from tenants.staff.models import Staff

USE_NOTED_EVERY = timedelta(minutes=1)
MOST_MINUTES = 480
"""How long support may look in at a time."""


def create_operator_key(
    session: Session, *, name: str, prefix: str, digest: bytes, expires_at: datetime | None
) -> OperatorKey:
    """A new credential of the operator."""
    key = OperatorKey(name=name, prefix=prefix, digest=digest, expires_at=expires_at)
    session.add(key)
    session.flush()
    return key


def revoke_operator_key(session: Session, key: OperatorKey, now: datetime) -> None:
    """End an operator's credential at once."""
    key.revoked_at = now
    session.add(key)
    session.flush()


def note_use(session: Session, key: OperatorKey, now: datetime) -> bool:
    """Note when a key was last used, to the minute; whether there was anything to note."""
    if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
        return False
    key.last_used_at = now
    session.add(key)
    return True


def grant_support(
    session: ScopedSession,
    brand: Brand,
    *,
    operator: str,
    reason: str,
    permissions: Sequence[str],
    life: timedelta,
    digest: bytes,
    now: datetime,
) -> SupportGrant:
    """Let the operator see into a brand for a while. Raises Conflict for a brand that is being deleted."""
    if brand.status == "deleting":
        raise Conflict("The brand is being deleted.")
    grant = SupportGrant(
        operator=operator, reason=reason, permissions=sorted(set(permissions)), expires_at=now + life, created_at=now
    )
    session.add(grant)
    session.flush()
    kind, expires_at = "support_grant", grant.expires_at
    session.add(CredentialHash(digest=digest, kind=kind, credential_id=grant.id, expires_at=expires_at))
    session.flush()
    return grant


def end_grant(session: ScopedSession, grant: SupportGrant, now: datetime) -> None:
    """End a support grant at once. One that has ended stays as it is."""
    if grant.revoked_at is None and grant.expires_at > now:
        grant.revoked_at = now
        session.add(grant)
    session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id) == grant.id))


def begin_deletion(
    session: ScopedSession, brand: Brand, *, confirm: str, operator: str, now: datetime
) -> DeletionReceipt:
    """Mark a suspended brand for deletion, end every credential of it at once, and open its receipt.

    Raises Conflict unless the brand is suspended, Invalid when `confirm` is not its name.
    """
    if brand.status != "suspended":
        raise Conflict(f"The brand is {brand.status}; suspend it first.")
    if confirm != brand.name:
        raise Invalid.at("/confirm", "Must be the brand's name, to the letter.")
    brand.status = "deleting"
    session.add(brand)
    for credential in (ApiClient, ApiKey, AccessToken, SupportGrant):
        living = update(credential).where(col(credential.revoked_at).is_(None))
        session.exec(living.values(revoked_at=now))
    session.exec(update(Staff).where(col(Staff.disabled_at).is_(None)).values(disabled_at=now))
    ended = session.exec(delete(CredentialHash)).rowcount
    receipt = DeletionReceipt(
        requested_at=now,
        deleted_brand_id=brand.id,
        brand_name=brand.name,
        operator=operator,
        rows={"credential_hash": ended} if ended else {},
    )
    session.add(receipt)
    session.flush()
    return receipt
