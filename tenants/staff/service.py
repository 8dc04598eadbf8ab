"""Verbs on staff. They see digests of secrets only: the secret itself never comes this far."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select

from tenants.api_keys.models import CredentialHash
from tenants.constraints import violates
from tenants.session import ScopedSession
from tenants.staff import queries, sessions
from tenants.staff.models import Staff, StaffStore
from tenants.staff.problems import (
    AlreadyAccepted,
    AlreadyStaff,
    InvitationNotYours,
    InvitationOver,
    LastAdmin,
    StaffEmailTaken,
)
from tenants.stores.models import Store

INVITATION_LIFE = timedelta(days=7)


def status_of(staff: Staff) -> str:
    """`disabled`; `invited` until the first sign-in; then `active`."""
    if staff.disabled_at is not None:
        return "disabled"
    return "active" if staff.subject else "invited"


def normalise_email(email: str) -> str:
    """An address as it is compared: in small letters."""
    return email.strip().lower()


def invite(
    session: ScopedSession,
    *,
    name: str,
    email: str,
    role: str,
    stores: Sequence[Store] | None,
    digest: bytes,
    now: datetime,
) -> Staff:
    """A new member of staff, over all stores (None) or these, and her invitation. Raises StaffEmailTaken."""
    staff = Staff(name=name, email=normalise_email(email), role=role, all_stores=stores is None)
    session.add(staff)
    _flush(session, staff)
    set_stores(session, staff, stores)
    _write_invitation(session, staff, digest, now)
    return staff


def invite_again(session: ScopedSession, staff: Staff, *, digest: bytes, now: datetime) -> None:
    """A new invitation for who has not accepted, or was disabled. The one before it is over.

    Raises AlreadyAccepted, StaffEmailTaken.
    """
    if status_of(staff) == "active":
        raise AlreadyAccepted
    staff.disabled_at = None
    _flush(session, staff)
    _write_invitation(session, staff, digest, now)


def accept(
    session: ScopedSession, staff: Staff, *, issuer: str, subject: str, email: str, digest: bytes, now: datetime
) -> None:
    """Tie an invited person to who she proved to be, once. `staff` is locked.

    Raises InvitationOver, InvitationNotYours, AlreadyStaff.
    """
    held = select(CredentialHash.id).where(
        col(CredentialHash.credential_id) == staff.id,
        col(CredentialHash.digest) == digest,
        col(CredentialHash.expires_at) > now,
    )
    if status_of(staff) != "invited" or session.exec(held).one_or_none() is None:
        raise InvitationOver
    if normalise_email(email) != staff.email:
        raise InvitationNotYours
    _forget_invitations(session, staff)
    staff.issuer, staff.subject = issuer, subject
    try:
        session.flush()
    except IntegrityError as error:
        if violates(error, "uq_staff_brand_id_issuer_subject"):
            raise AlreadyStaff from error
        raise


def rename(session: ScopedSession, staff: Staff, *, name: str, email: str) -> None:
    """Give her another name or address. A new address ends an invitation that is out. Raises StaffEmailTaken."""
    email = normalise_email(email)
    if email != staff.email:
        _forget_invitations(session, staff)
    staff.name, staff.email = name, email
    _flush(session, staff)


def change_role(session: ScopedSession, staff: Staff, role: str, stores: Sequence[Store] | None) -> None:
    """Give her another role, over all stores (None) or these; it counts from her next request on. Raises LastAdmin."""
    if staff.disabled_at is None and staff.role == "hq_admin" and role != "hq_admin":
        _keep_an_admin(session, staff)
    staff.role, staff.all_stores = role, stores is None
    set_stores(session, staff, stores)


def set_stores(session: ScopedSession, staff: Staff, stores: Sequence[Store] | None) -> None:
    """Let her work for these stores and no others; None keeps no list, since she works for all."""
    session.exec(delete(StaffStore).where(col(StaffStore.staff_id) == staff.id))
    session.add_all(StaffStore(staff_id=staff.id, store_id=one.id, store_no=one.no) for one in stores or ())
    session.flush()


def leave_staff(session: ScopedSession, store: Store) -> None:
    """Let nobody work for this store any more."""
    session.exec(delete(StaffStore).where(col(StaffStore.store_id) == store.id))


def disable(session: ScopedSession, staff: Staff, now: datetime) -> None:
    """Let her sign in no more, and end her sessions and her invitation at once. Raises LastAdmin."""
    if staff.disabled_at is not None:
        return
    if staff.role == "hq_admin":
        _keep_an_admin(session, staff)
    staff.disabled_at = now
    # Whoever she is to the identity provider may be invited anew, as somebody else's successor too.
    staff.issuer = staff.subject = None
    _forget_invitations(session, staff)
    sessions.end_all(session, staff, now)


def _keep_an_admin(session: ScopedSession, staff: Staff) -> None:
    """Raises LastAdmin if nobody could do what she does: somebody else active, or while she herself has never signed
    in, at least invited."""
    others = [one for one in queries.lock_admins(session) if one.id != staff.id]
    if not any(one.subject is not None or staff.subject is None for one in others):
        raise LastAdmin


def _write_invitation(session: ScopedSession, staff: Staff, digest: bytes, now: datetime) -> None:
    _forget_invitations(session, staff)
    ends_at = now + INVITATION_LIFE
    session.add(CredentialHash(digest=digest, kind="staff_invitation", credential_id=staff.id, expires_at=ends_at))
    session.flush()


def _forget_invitations(session: ScopedSession, staff: Staff) -> None:
    session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id) == staff.id))


def _flush(session: ScopedSession, staff: Staff) -> None:
    email = staff.email  # a failed flush forgets it
    try:
        session.flush()
    except IntegrityError as error:
        if violates(error, "uq_staff_brand_id_email"):
            raise StaffEmailTaken(email) from error
        raise
