"""Reads of tills."""

from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.problems import NotFound
from tenants.tills.models import TillDevice


def live_devices() -> SelectOfScalar[TillDevice]:
    """Tills, and invitations to be one, that are not revoked."""
    return select(TillDevice).where(col(TillDevice.revoked_at).is_(None))


def get_device(session: Session, device_id: UUID) -> TillDevice:
    """A till that is not revoked. Raises NotFound."""
    return _one(session, live_devices().where(col(TillDevice.id) == device_id))


def lock_device(session: Session, device_id: UUID) -> TillDevice:
    """A till that is not revoked, for changing it. Raises NotFound."""
    wanted = live_devices().where(col(TillDevice.id) == device_id).with_for_update()
    return _one(session, wanted.execution_options(populate_existing=True))


def find_device(session: Session, device_id: UUID) -> TillDevice | None:
    """A till, whatever became of it."""
    return session.exec(select(TillDevice).where(col(TillDevice.id) == device_id)).one_or_none()


def _one(session: Session, wanted: SelectOfScalar[TillDevice]) -> TillDevice:
    device = session.exec(wanted).one_or_none()
    if device is None:
        raise NotFound
    return device
