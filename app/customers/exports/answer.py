"""An export of one person as an answer: written to the end before it leaves, in bounded memory."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from fastapi import Response
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

IN_MEMORY: Final = 1024 * 1024
CHUNK: Final = 64 * 1024


def make_answer(pieces: Iterable[bytes], file_name: str) -> Response:
    """The pieces as one JSON document to be kept as a file, with its version.

    All are read now, while the transaction stands; a caller who reads slowly holds a file and no connection.
    """
    file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - it is closed when the answer has left
    size, digest = 0, blake2b(digest_size=10)
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Content-Length": str(size),
        "Cache-Control": "private, no-store",
    }
    if size <= IN_MEMORY:  # an answer in one piece, whose version the route tells
        with file:
            return Response(file.read(), 200, headers, "application/json")
    headers["ETag"] = f'"{digest.hexdigest()}"'
    return StreamingResponse(_chunks(file), 200, headers, "application/json", BackgroundTask(file.close))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
