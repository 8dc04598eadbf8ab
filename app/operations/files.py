"""Files of long work: pieces of at most 1 MB, packed with zlib, so that neither side holds a file in memory whole."""

import zlib
from uuid import UUID

from sqlalchemy import delete, func, insert
from sqlmodel import col, select

from app.operations.models import Operation, OperationFile
from tenants.session import ScopedSession

PIECE_BYTES = 1_000_000
"""Before packing."""


def pack(content: bytes) -> bytes:
    """A piece as it is kept. The fastest level: a quarter of the size for a fifth of the time of the default."""
    return zlib.compress(content, 1)


def unpack(piece: bytes) -> bytes:
    """What was packed."""
    return zlib.decompress(piece)


class FileWriter:
    """Writes a file of an operation piece by piece, after what it holds already; `close` adds the rest.

    `with FileWriter(session, operation, "customers.csv") as file: file.write(line)`. A name with an extension may be
    fetched by callers, one without is the work's own.
    """

    def __init__(self, session: ScopedSession, operation: Operation, name: str) -> None:
        self._session = session
        self._operation = operation
        self._name = name
        self._waiting = bytearray()
        self._no = _next_no(session, operation.id, name)

    def write(self, content: bytes) -> None:
        """Add to the end."""
        self._waiting += content
        while len(self._waiting) >= PIECE_BYTES:
            self._add(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]

    def close(self) -> None:
        """Add what is left."""
        if self._waiting:
            self._add(bytes(self._waiting))
            self._waiting.clear()

    def _add(self, content: bytes) -> None:
        add_piece(self._session, self._operation.id, self._operation.store_no, self._name, self._no, pack(content))
        self._no += 1

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.close()


def append_file(session: ScopedSession, operation: Operation, name: str, content: bytes) -> None:
    """Add to the end of a file, which begins with it."""
    with FileWriter(session, operation, name) as file:
        file.write(content)


def delete_file(session: ScopedSession, operation_id: UUID, name: str | None = None) -> None:
    """Drop a file of an operation, or all of them."""
    doomed = delete(OperationFile).where(col(OperationFile.operation_id) == operation_id)
    session.execute(doomed if name is None else doomed.where(col(OperationFile.name) == name))


def _next_no(session: ScopedSession, operation_id: UUID, name: str) -> int:
    last = session.exec(
        select(func.max(OperationFile.no)).where(
            col(OperationFile.operation_id) == operation_id, col(OperationFile.name) == name
        )
    ).one()
    return 0 if last is None else last + 1


def add_piece(
    session: ScopedSession, operation_id: UUID, store_no: int | None, name: str, no: int, packed: bytes
) -> None:
    """Add one piece of a file at its place."""
    # Past the session's memory of rows: a file may be larger than it should hold.
    row = {"brand_id": session.scope.brand_id, "operation_id": operation_id, "name": name, "no": no}
    session.connection().execute(insert(OperationFile).values(**row, store_no=store_no, content=packed))
