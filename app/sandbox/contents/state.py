"""What there is of contents: a row each in memory, uploaded bytes in a file, made-up ones nowhere until read."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.sandbox.contents import making
from app.sandbox.world import Changes

PIECE_BYTES = 65_536


@dataclass(slots=True)
class Content:
    """What one message carried. Times are of the sandbox's clock."""

    message_id: str
    channel_no: int
    person_no: int
    kind: str
    """image, video, audio or file."""
    content_type: str
    size: int
    sent_at: float
    ready_at: float
    """Until then LINE prepares it."""
    failed: bool = False
    """LINE could not prepare it."""
    position: int | None = None
    """Where its bytes are in the file; None if they are made up when they are read."""
    unsent: bool = False


@dataclass(slots=True)
class Contents:
    """All contents, by message id. A `Noted` part: each change is told for itself."""

    _kept: dict[str, Content] = field(default_factory=dict)
    _file: int | None = None
    _end: int = 0

    def open(self, path: Path | None) -> None:
        """Keep bytes in this file, or in one that is gone when the sandbox is."""
        if path is None:
            self._file, self._end = None, 0
            return
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._end = os.fstat(self._file).st_size

    def find(self, message_id: str) -> Content | None:
        return self._kept.get(message_id)

    def put(self, content: Content, changes: Changes) -> None:
        self._kept[content.message_id] = content
        changes.note("note", "contents", "put", asdict(content))

    def unsend(self, message_id: str, changes: Changes) -> None:
        """The content is gone, for everybody and for good."""
        self._kept[message_id].unsent = True
        changes.note("note", "contents", "unsend", message_id)

    async def store(self, pieces: AsyncIterator[bytes], size: int) -> int | None:
        """Write an upload that says its size: the position of its bytes, None if it had more or fewer of them."""
        file = self._open_file()
        position, self._end = self._end, self._end + size
        written = 0
        async for piece in pieces:
            if written + len(piece) > size:
                return None
            os.pwrite(file, piece, position + written)
            written += len(piece)
        return position if written == size else None

    def read(self, content: Content) -> Iterator[bytes]:
        """The bytes, piece by piece."""
        if content.position is None:
            yield from making.make(content.kind, content.content_type, content.message_id, content.size)
            return
        file = self._open_file()
        for start in range(0, content.size, PIECE_BYTES):
            yield os.pread(file, min(PIECE_BYTES, content.size - start), content.position + start)

    def reset(self, changes: Changes) -> None:
        """Forget all of them."""
        self._kept.clear()
        self._end = 0
        if self._file is not None:
            os.truncate(self._file, 0)
        changes.note("note", "contents", "reset")

    def saved(self) -> Any:
        """The rows; uploaded bytes are in the file already."""
        return {"contents": [asdict(each) for each in self._kept.values()]}

    def restore(self, value: Any) -> None:
        """Take them back."""
        self._kept = {row["message_id"]: Content(**row) for row in value["contents"]}

    def replay(self, *change: Any) -> None:
        """Make a change again that was noted."""
        match change:
            case ("put", row):
                self._kept[row["message_id"]] = Content(**row)
            case ("unsend", message_id):
                if message_id in self._kept:
                    self._kept[message_id].unsent = True
            case ("reset",):
                self._kept.clear()
            case _:
                raise ValueError(f"contents know no change {change[:1]}")

    def _open_file(self) -> int:
        if self._file is None:
            with tempfile.TemporaryFile(prefix="sandbox-contents-") as file:
                self._file = os.dup(file.fileno())
        return self._file
