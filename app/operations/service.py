"""Long work: begun in the request that asks for it, carried on by a task, watched and fetched by its id.

A task takes `lock_running` first in each of its transactions, and writes `report` with its checkpoint in the same one:
so a second worker, a crash or a cancelling in between leaves nothing half done and does nothing twice.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.operations import queries
from app.operations.files import FileWriter, append_file, delete_file
from app.operations.kinds import Kind
from app.operations.models import Operation
from app.operations.problems import OperationCancelled, OperationInterrupted
from app.operations.schemas import OperationFileRead, OperationRead, ProgressRead
from app.problems import describe
from tenants.ids import encode_id
from tenants.problems import Conflict, Problem
from tenants.session import ScopedSession

__all__ = [
    "FileWriter",
    "append_file",
    "cancel",
    "delete_file",
    "fail",
    "fail_stuck",
    "finish",
    "lock_running",
    "report",
    "show",
    "show_all",
    "start",
]

FILES_KEPT = timedelta(days=7)
"""How long files can be fetched after the end."""
STUCK = timedelta(hours=2)
"""After so long without a step the job has failed for good."""


def start(
    session: ScopedSession,
    kind: Kind,
    *,
    arguments: dict[str, Any] | None = None,
    total: int | None = None,
    store_no: int | None = None,
    started_by: str | None = None,
    now: datetime,
) -> Operation:
    """Begin long work; then `defer` its task in the same transaction. `store_no` is the store's that asks for it."""
    operation = Operation(kind=kind.name, arguments=arguments or {}, total=total, store_no=store_no)
    operation.started_by, operation.created_at, operation.updated_at = started_by, now, now
    session.add(operation)
    session.flush()
    return operation


def lock_running(session: ScopedSession, operation_id: UUID) -> Operation | None:
    """The operation, locked for change until the transaction ends; None once it is over or gone."""
    wanted = select(Operation).where(col(Operation.id) == operation_id, col(Operation.status) == "running")
    return session.exec(wanted.with_for_update(key_share=True).execution_options(populate_existing=True)).one_or_none()


def report(
    session: ScopedSession,
    operation: Operation,
    *,
    done: int,
    total: int | None = None,
    checkpoint: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Write down how far a locked operation is; what is None stays."""
    operation.done, operation.updated_at = done, now
    if total is not None:
        operation.total = total
    if checkpoint is not None:
        operation.checkpoint = checkpoint
    session.flush()


def finish(session: ScopedSession, operation: Operation, result: dict[str, Any], now: datetime) -> None:
    """End a locked operation well; its files stay for a week."""
    operation.status, operation.result = "done", result
    operation.total = operation.done if operation.total is None else operation.total
    _end(session, operation, now)


def fail(session: ScopedSession, operation: Operation, problem: Problem, now: datetime) -> None:
    """End a locked operation badly, with the reason."""
    operation.status, operation.problem = "failed", describe(problem)
    _end(session, operation, now)


def cancel(session: ScopedSession, operation: Operation, now: datetime) -> None:
    """Stop an operation where it is. Raises Conflict once it is over."""
    running = lock_running(session, operation.id)
    if running is None:
        raise Conflict("It is over already.")
    fail(session, running, OperationCancelled(), now)


def fail_stuck(session: ScopedSession, now: datetime) -> None:
    """Tell of operations whose job failed for good that they did."""
    for operation in queries.list_stuck(session, now - STUCK):
        fail(session, operation, OperationInterrupted(), now)


def show(session: ScopedSession, operation: Operation) -> OperationRead:
    """One operation as callers see it."""
    return show_all(session, [operation])[0]


def show_all(session: ScopedSession, operations: list[Operation]) -> list[OperationRead]:
    """Operations as callers see them."""
    names = queries.map_file_names(session, [one.id for one in operations])
    return [_read(one, names.get(one.id, [])) for one in operations]


def _end(session: ScopedSession, operation: Operation, now: datetime) -> None:
    operation.finished_at = operation.updated_at = now
    # Set already where somebody was erased while it ran: what it wrote may hold her.
    operation.files_until = now if operation.files_until is not None else now + FILES_KEPT
    operation.checkpoint = None
    session.flush()


def _read(operation: Operation, file_names: list[str]) -> OperationRead:
    public_id = encode_id("op", operation.id)
    return OperationRead(
        id=operation.id,
        kind=operation.kind,
        status=operation.status,
        progress=ProgressRead(done=operation.done, total=operation.total),
        result=operation.result,
        problem=operation.problem,
        files=[
            OperationFileRead(name=name, url=f"/v1/operations/{public_id}/files/{name}", until=operation.files_until)
            for name in file_names
        ],
        created_at=operation.created_at,
        finished_at=operation.finished_at,
    )
