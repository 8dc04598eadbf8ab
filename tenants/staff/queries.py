"""Reads of staff, their stores and their sessions."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlmodel import Session, and_, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.api_keys.models import CredentialHash
from tenants.brands.models import Brand
from tenants.problems import NotFound
from tenants.scope import Scope
from tenants.session import open_session
from tenants.staff.models import Staff, StaffSession, StaffStore
from tenants.stores.models import Store


def working_staff() -> SelectOfScalar[Staff]:
    """Those who may sign in, or are invited to."""
    return select(Staff).where(col(Staff.disabled_at).is_(None))


def staff_by(status: str | None, role: str | None) -> SelectOfScalar[Staff]:
    """Staff of one status and role; without a status, all but those who are disabled."""
    match status:
        case "disabled":
            found = select(Staff).where(col(Staff.disabled_at).is_not(None))
        case "invited":
            found = working_staff().where(col(Staff.subject).is_(None))
        case "active":
            found = working_staff().where(col(Staff.subject).is_not(None))
        case _:
            found = working_staff()
    return found if role is None else found.where(col(Staff.role) == role)


def get_staff(session: Session, staff_id: UUID) -> Staff:
    """A member of staff, disabled or not. Raises NotFound."""
    return _one(session, select(Staff).where(col(Staff.id) == staff_id))


def lock_staff(session: Session, staff_id: UUID) -> Staff:
    """A member of staff, disabled or not, for changing her. Raises NotFound.

    Admins are locked along, all in one order: two who remove each other would otherwise each hold what the other wants.
    """
    hers_or_an_admins = or_(
        col(Staff.id) == staff_id, and_(col(Staff.role) == "hq_admin", col(Staff.disabled_at).is_(None))
    )
    locked = select(Staff).where(hers_or_an_admins).order_by(col(Staff.id)).with_for_update()
    for staff in session.exec(locked.execution_options(populate_existing=True)).all():
        if staff.id == staff_id:
            return staff
    raise NotFound


def _one(session: Session, wanted: SelectOfScalar[Staff]) -> Staff:
    staff = session.exec(wanted).one_or_none()
    if staff is None:
        raise NotFound
    return staff


def lock_admins(session: Session) -> Sequence[Staff]:
    """Everyone who is hq_admin and not disabled, in one order, so that two who remove each other do it in turn."""
    wanted = working_staff().where(col(Staff.role) == "hq_admin").order_by(col(Staff.id)).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).all()


def list_store_ids(session: Session, staff_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The stores that each of these works for, by number, as far as the scope sees them."""
    ties = session.exec(
        select(StaffStore.staff_id, StaffStore.store_id)
        .where(col(StaffStore.staff_id).in_(staff_ids))
        .order_by(col(StaffStore.store_no))
    ).all()
    found: dict[UUID, list[UUID]] = {staff_id: [] for staff_id in staff_ids}
    for staff_id, store_id in ties:
        found[staff_id].append(store_id)
    return found


def list_store_nos(session: Session, staff_id: UUID) -> Sequence[int]:
    """The numbers of the stores that she works for."""
    return session.exec(select(StaffStore.store_no).where(col(StaffStore.staff_id) == staff_id)).all()


def list_store_names(session: Session, staff: Staff) -> Sequence[str]:
    """The names of the live stores that she works for, by number."""
    live = select(Store.name).where(col(Store.archived_at).is_(None)).order_by(col(Store.no))
    if not staff.all_stores:
        mine = select(StaffStore.store_id).where(col(StaffStore.staff_id) == staff.id)
        live = live.where(col(Store.id).in_(mine))
    return session.exec(live).all()


def count_sessions(session: Session, staff_id: UUID, now: datetime, seen_after: datetime) -> int:
    """How many browsers she is signed in with."""
    live = (
        select(func.count())
        .select_from(StaffSession)
        .where(
            col(StaffSession.staff_id) == staff_id,
            col(StaffSession.ended_at).is_(None),
            col(StaffSession.expires_at) > now,
            col(StaffSession.last_seen_at) > seen_after,
        )
    )
    return session.exec(live).one()


def find_session(session: Session, session_id: UUID, digest: bytes) -> tuple[StaffSession, Staff, UUID] | None:
    """A browser's session, whose it is, and the id of the secret with this hash."""
    return session.exec(
        select(StaffSession, Staff, CredentialHash.id)
        .join(Staff, col(Staff.id) == col(StaffSession.staff_id))
        .join(CredentialHash, col(CredentialHash.credential_id) == col(StaffSession.id))
        .where(col(StaffSession.id) == session_id, col(CredentialHash.digest) == digest)
    ).one_or_none()


def lock_session(session: Session, session_id: UUID) -> StaffSession:
    """A browser's session as it stands now, for changing it. Raises NotFound."""
    wanted = select(StaffSession).where(col(StaffSession.id) == session_id).with_for_update()
    row = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    return row


def find_invited(engine: Engine, digest: bytes, now: datetime) -> tuple[Scope, UUID] | None:
    """The brand and the person of an invitation that still holds."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT brand_id, kind, credential_id FROM find_credential(:digest, :now)"),
            {"digest": digest, "now": now},
        ).one_or_none()
        connection.rollback()
    if found is None or found.kind != "staff_invitation":
        return None
    return Scope(found.brand_id), found.credential_id


def list_memberships(engine: Engine, issuer: str, subject: str) -> list[tuple[Scope, Staff, str]]:
    """Where this person of this identity provider is staff, with the brands' names; where she was last, first."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT brand_id, staff_id FROM find_staff(:issuer, :subject)"),
            {"issuer": issuer, "subject": subject},
        ).all()
        connection.rollback()
    found = []
    for row in rows:
        scope = Scope(row.brand_id)
        with open_session(engine, scope) as session:
            wanted = working_staff().where(col(Staff.id) == row.staff_id)
            # She may have been disabled since the look-up.
            for staff in session.exec(wanted).all():
                name = session.exec(select(Brand.name).where(col(Brand.id) == row.brand_id)).one()
                found.append((scope, staff, name))
    return sorted(found, key=lambda one: _seconds(one[1].last_signed_in_at), reverse=True)


def _seconds(instant: datetime | None) -> float:
    return instant.timestamp() if instant else 0.0
