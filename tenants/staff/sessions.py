"""Sessions of browsers that are signed in: judged, rotated, ended. Secrets come as digests only.

A session's secret is replaced every quarter of an hour. The one before it is good for a moment more, for requests that
were under way; later, whoever presents a secret that was replaced has a copy of it, or is the one it was copied from,
and the session ends for both. Only where the new secret was never seen, its answer may simply have been lost, and the
old one gets another.
"""

from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from sqlmodel import col, delete, or_, select

from tenants.api_keys.models import CredentialHash
from tenants.session import ScopedSession
from tenants.staff.models import Staff, StaffSession

LIFE = timedelta(days=7)
IDLE = timedelta(hours=12)
ROTATE_AFTER = timedelta(minutes=15)
GRACE = timedelta(seconds=30)
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""
REMEMBER_REPLACED = timedelta(days=1)
"""How long a replaced secret gives away that it was copied; afterwards it is merely unknown."""


class Verdict(Enum):
    """What follows from a secret that was presented."""

    FRESH = "it opens the session, and nothing needs to be written"
    SEEN = "it opens the session, which was not used for a while, or never yet by this secret"
    DUE = "it opens the session, and is to be replaced"
    LOST = "it was replaced by one that never arrived, and is to be replaced again"
    OVER = "the session has ended"
    COPIED = "it was replaced long ago: somebody has a copy"


def judge(row: StaffSession, secret_id: UUID, now: datetime) -> Verdict:
    """What to do about a secret of this session. It looks at nothing else, so it can be asked again under a lock."""
    if row.ended_at is not None or now >= row.expires_at or now - row.last_seen_at >= IDLE:
        return Verdict.OVER
    was_seen = row.last_seen_at > row.rotated_at
    if secret_id == row.secret_id:
        if now - row.rotated_at >= ROTATE_AFTER:
            return Verdict.DUE
        return Verdict.FRESH if was_seen and now - row.last_seen_at < SEEN_EVERY else Verdict.SEEN
    if secret_id == row.previous_secret_id:
        if now - row.rotated_at <= GRACE:
            return Verdict.FRESH
        if not was_seen:
            return Verdict.LOST
    return Verdict.COPIED


def open_new(session: ScopedSession, staff: Staff, digest: bytes, now: datetime) -> StaffSession:
    """A new session, never an old one continued: nobody can hand a person a session to sign in to."""
    _forget_ended(session, staff, now)
    row = StaffSession(staff_id=staff.id, rotated_at=now, last_seen_at=now, expires_at=now + LIFE)
    session.add(row)
    session.flush()
    _add_secret(session, row, digest)
    staff.last_signed_in_at = now
    return row


def mark_seen(row: StaffSession, now: datetime) -> None:
    """Remember that it is in use."""
    row.last_seen_at = now


def rotate(session: ScopedSession, row: StaffSession, verdict: Verdict, digest: bytes, now: datetime) -> None:
    """Replace the secret: the present one if that is due, or the one that was lost on its way."""
    if verdict is Verdict.DUE:
        row.previous_secret_id = row.secret_id
    row.rotated_at = row.last_seen_at = now
    _add_secret(session, row, digest)
    session.exec(
        delete(CredentialHash).where(
            col(CredentialHash.credential_id) == row.id,
            col(CredentialHash.created_at) < now - REMEMBER_REPLACED,
            col(CredentialHash.id).not_in([row.secret_id, row.previous_secret_id]),
        )
    )


def end(session: ScopedSession, row: StaffSession, now: datetime) -> None:
    """End one session; none of its secrets is known any more."""
    row.ended_at = row.ended_at or now
    session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id) == row.id))


def end_all(session: ScopedSession, staff: Staff, now: datetime) -> None:
    """End every session of a person."""
    wanted = select(StaffSession).where(col(StaffSession.staff_id) == staff.id, col(StaffSession.ended_at).is_(None))
    for row in session.exec(wanted.order_by(col(StaffSession.id)).with_for_update()).all():
        end(session, row, now)


def _add_secret(session: ScopedSession, row: StaffSession, digest: bytes) -> None:
    secret = CredentialHash(
        digest=digest, kind="staff_session", credential_id=row.id, expires_at=row.expires_at, created_at=row.rotated_at
    )
    session.add(secret)
    row.secret_id = secret.id
    session.flush()


def _forget_ended(session: ScopedSession, staff: Staff, now: datetime) -> None:
    over = select(StaffSession.id).where(
        col(StaffSession.staff_id) == staff.id,
        or_(
            col(StaffSession.ended_at).is_not(None),
            col(StaffSession.expires_at) <= now,
            col(StaffSession.last_seen_at) <= now - IDLE,
        ),
    )
    ids = session.exec(over.with_for_update(skip_locked=True)).all()
    if ids:
        session.exec(delete(CredentialHash).where(col(CredentialHash.credential_id).in_(ids)))
        session.exec(delete(StaffSession).where(col(StaffSession.id).in_(ids)))
