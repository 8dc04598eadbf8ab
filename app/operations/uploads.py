"""Files on their way in: pieces under an operation that nobody sees until its work begins."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from app.operations.files import add_piece, delete_file
from app.operations.kinds import UPLOAD, Kind
from app.operations.models import Operation
from tenants.problems import NotFound
from tenants.session import ScopedSession

INPUT: Final = "input"
"""The name of the file that came in."""


def begin_upload(session: ScopedSession, now: datetime) -> Operation:
    """An operation of no kind, to which the pieces of a file are added."""
    operation = Operation(kind=UPLOAD, created_at=now, updated_at=now)
    session.add(operation)
    session.flush()
    return operation


def add_upload_piece(session: ScopedSession, upload_id: UUID, no: int, packed: bytes) -> None:
    """Add a piece. All but the last have PIECE_BYTES before they are packed, so that any byte is found."""
    add_piece(session, upload_id, None, INPUT, no, packed)


def take_upload(
    session: ScopedSession, upload_id: UUID, kind: Kind, *, arguments: dict[str, Any], started_by: str, now: datetime
) -> Operation:
    """Make long work of a file that has arrived; then `defer` its task in the same transaction. Raises NotFound."""
    wanted = select(Operation).where(col(Operation.id) == upload_id, col(Operation.kind) == UPLOAD)
    operation = session.exec(wanted.with_for_update()).one_or_none()
    if operation is None:
        raise NotFound
    operation.kind, operation.arguments, operation.started_by = kind.name, arguments, started_by
    operation.created_at = operation.updated_at = now
    session.flush()
    return operation


def discard_upload(session: ScopedSession, upload_id: UUID) -> None:
    """Forget a file of which no work was made."""
    wanted = select(Operation).where(col(Operation.id) == upload_id, col(Operation.kind) == UPLOAD)
    operation = session.exec(wanted.with_for_update()).one_or_none()
    if operation is not None:
        delete_file(session, upload_id)
        session.delete(operation)
        session.flush()
