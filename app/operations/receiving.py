"""Large files over HTTP: taken in piece by piece, so that neither this process nor the database holds one whole.

A caller who sends slowly holds a slot of this process, as every request does, but no connection to the database in
between; so only some of the slots are there for files.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Final, TypeVar
from uuid import UUID

from anyio import CancelScope
from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.operations import uploads
from app.operations.files import PIECE_BYTES, pack
from app.operations.problems import TooManyUploads, UploadInterrupted
from app.problems import Refused
from app.routes import ApiRoute, check_length
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

_Out = TypeVar("_Out")
SILENCE_SECONDS: Final = 30.0
"""How long a caller may send nothing."""
RETRY_SECONDS: Final = 10


@dataclass
class Upload:
    """A file that has arrived."""

    id: UUID
    media_type: str
    size: int = 0
    lines: int = 0
    digest: bytes = field(default=b"")


def upload_route(*media_types: str) -> type[ApiRoute]:
    """The class of a route that takes files of these types; its handler reads the body by `receive`."""

    class UploadRoute(ApiRoute):
        async def take_body(self, request: Request) -> None:
            check_length(request, request.app.state.settings.max_upload_bytes)
            if media_type_of(request) not in media_types:
                raise Refused(415, f"Send the file as {' or '.join(media_types)}.")
            if request.headers.get("content-encoding", "identity") not in ("identity", "gzip"):
                raise Refused(415, "Send the file as it is, or with Content-Encoding: gzip.")

    return UploadRoute


def media_type_of(request: Request) -> str:
    """The type of the body, without its parameters."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


@asynccontextmanager
async def receive(request: Request, scope: Scope, now: datetime) -> AsyncIterator[Upload]:
    """The file in the body of a request, once all of it is there; forgotten again unless the block made work of it.

    Raises TooManyUploads, UploadInterrupted, 400 and 413.
    """
    places: BoundedSemaphore = request.app.state.upload_places
    if not places.acquire(blocking=False):
        raise TooManyUploads(RETRY_SECONDS)
    upload: Upload | None = None
    try:
        try:
            upload = Upload(await _run(request, scope, _begin(now)), media_type_of(request))
            await _receive_pieces(request, scope, upload)
        finally:
            places.release()
        # By these the request is known again when it comes twice with one Idempotency-Key.
        request._body = upload.digest + bytes(request.scope["query_string"])
        yield upload
    finally:
        # Also where all went well: what was done before with the same key is answered without a word to this block.
        if upload is not None:
            left = upload.id
            with CancelScope(shield=True):
                await _run(request, scope, lambda session: uploads.discard_upload(session, left))


def _begin(now: datetime) -> Callable[[ScopedSession], UUID]:
    return lambda session: uploads.begin_upload(session, now).id


async def _receive_pieces(request: Request, scope: Scope, upload: Upload) -> None:
    digest = sha256()
    waiting = bytearray()
    no = 0

    async def add(content: bytes) -> None:
        nonlocal no
        number = no
        await _run(request, scope, lambda session: uploads.add_upload_piece(session, upload.id, number, pack(content)))
        no += 1

    async for chunk in _chunks(request):
        upload.size += len(chunk)
        upload.lines += chunk.count(b"\n")
        digest.update(chunk)
        waiting += chunk
        while len(waiting) >= PIECE_BYTES:
            await add(bytes(waiting[:PIECE_BYTES]))
            del waiting[:PIECE_BYTES]
    if waiting:
        upload.lines += not waiting.endswith(b"\n")
        await add(bytes(waiting))
    upload.digest = digest.digest()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives, unpacked, within the limit."""
    limit: int = request.app.state.settings.max_upload_bytes
    size = 0
    stream = request.stream()
    inflating = zlib.decompressobj(wbits=31) if request.headers.get("content-encoding") == "gzip" else None
    while True:
        try:
            raw = await asyncio.wait_for(anext(stream, None), SILENCE_SECONDS)
        except (TimeoutError, ClientDisconnect) as error:
            raise UploadInterrupted from error
        if raw is None:
            break
        for chunk in _inflate(inflating, raw) if inflating else [raw]:
            size += len(chunk)
            if size > limit:
                raise HTTPException(413, headers={"Connection": "close"})
            yield chunk
    if inflating is not None and not inflating.eof:
        raise UploadInterrupted


def _inflate(inflating: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """What packed bytes hold, a megabyte at a time: a small body may unpack to a huge one."""
    while raw:
        try:
            yield inflating.decompress(raw, PIECE_BYTES)
        except zlib.error as error:
            raise Refused(400, "The body is not gzip.") from error
        raw = inflating.unconsumed_tail


async def _run(request: Request, scope: Scope, work: Callable[[ScopedSession], _Out]) -> _Out:
    """Do something in a short transaction of its own, in a thread."""

    def run() -> _Out:
        with open_session(request.app.state.engine, scope) as session:
            result = work(session)
            session.commit()
            return result

    return await run_in_threadpool(run)
