"""Reads of long work and its files."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.operations.files import unpack
from app.operations.kinds import UPLOAD
from app.operations.models import Operation, OperationFile
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_operations(kinds: Collection[str]) -> Any:
    """Operations of these kinds in the scope, to be paged."""
    return select(Operation).where(col(Operation.kind).in_(kinds))


def get_operation(session: ScopedSession, operation_id: UUID, kinds: Collection[str]) -> Operation:
    """An operation of one of these kinds. Raises NotFound."""
    found: Operation | None = session.exec(
        list_operations(kinds).where(col(Operation.id) == operation_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def map_file_names(session: ScopedSession, operation_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Names of the files that may be fetched, by operation: those with an extension."""
    rows = session.exec(
        select(OperationFile.operation_id, OperationFile.name)
        .where(
            col(OperationFile.operation_id).in_(operation_ids),
            col(OperationFile.no) == 0,
            col(OperationFile.name).contains("."),
        )
        .order_by(col(OperationFile.name))
    ).all()
    names: dict[UUID, list[str]] = defaultdict(list)
    for operation_id, name in rows:
        names[operation_id].append(name)
    return names


def find_piece(session: ScopedSession, operation_id: UUID, name: str, no: int) -> bytes | None:
    """One piece of a file, unpacked; None after the last."""
    piece = session.exec(
        select(OperationFile.content).where(
            col(OperationFile.operation_id) == operation_id,
            col(OperationFile.name) == name,
            col(OperationFile.no) == no,
        )
    ).one_or_none()
    return None if piece is None else unpack(piece)


def iter_file(session: ScopedSession, operation_id: UUID, name: str) -> Iterator[bytes]:
    """A file's pieces in order, one at a time in memory."""
    no = 0
    while (piece := find_piece(session, operation_id, name, no)) is not None:
        yield piece
        no += 1


def list_stuck(session: ScopedSession, before: datetime) -> Sequence[Operation]:
    """Running work that has not moved since then, locked; what somebody works on just now is left out."""
    stuck = select(Operation).where(
        col(Operation.status) == "running", col(Operation.updated_at) < before, col(Operation.kind) != UPLOAD
    )
    return session.exec(stuck.with_for_update(skip_locked=True)).all()
