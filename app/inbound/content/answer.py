"""An answer that passes content on from LINE as it comes, holding neither a connection to the database nor the file."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from anyio import CapacityLimiter, WouldBlock, to_thread
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.audit.requests import record_shown
from app.inbound.content.problems import ContentGone, ContentPreparing
from app.line.client import LineClient
from app.line.errors import (
    LineContentPreparing,
    LineError,
    LineGone,
    LineInvalid,
    LineNotFound,
    LineOversized,
    LineRateLimited,
    LineUnavailable,
)
from app.line.transport import Download
from app.problems import plain_problem, render_problem
from tenants.problems import Conflict, Invalid, Problem

log = structlog.get_logger("content")

MOST_AT_ONCE: Final = 16
"""Downloads of one process. Each holds a thread while it waits for LINE, and none that requests need."""
PREPARING_SECONDS: Final = 5
SAFE_TYPES: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/mpeg": "mp3",
}
"""What no browser runs, with the ending of its files. All else is passed on as bytes that nobody opens by itself."""

_places = CapacityLimiter(MOST_AT_ONCE)
_threads = CapacityLimiter(MOST_AT_ONCE)


class ContentAnswer(Response):
    """The content of a message: LINE is asked when the request has given back its connection and its place."""

    media_type = "application/octet-stream"

    def __init__(
        self, request: Request, line: LineClient, *, message_id: str, preview: bool, customer_id: UUID
    ) -> None:
        super().__init__()
        self._request = request
        self._line = line
        self._message_id = message_id
        self._preview = preview
        self._customer_id = customer_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _places.acquire_on_behalf_of_nowait(self)
        except WouldBlock:
            busy = plain_problem(self._request, 503, "Too much content is on its way; try again.")
            await busy(scope, receive, send)
            return
        try:
            await self._pass_on(scope, receive, send)
        finally:
            _places.release_on_behalf_of(self)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        open_content = partial(self._line.open_content, self._message_id, preview=self._preview)
        try:
            download = await to_thread.run_sync(open_content, limiter=_threads)
        except LineError as error:
            await self._explain(error)(scope, receive, send)
            return
        try:
            try:
                await record_shown(self._request, 200, [self._customer_id])
            except HTTPException as refused:
                await plain_problem(self._request, refused.status_code)(scope, receive, send)
                return
            streaming = StreamingResponse(_chunks(download), 200, self._describe(download))
            await streaming(scope, receive, send)
        finally:
            download.close()

    def _describe(self, download: Download) -> dict[str, str]:
        ending = SAFE_TYPES.get(download.media_type)
        headers = {
            "Content-Type": download.media_type if ending else "application/octet-stream",
            "Content-Disposition": f'attachment; filename="line-{self._message_id}.{ending or "bin"}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        }
        if download.length is not None:
            headers["Content-Length"] = str(download.length)
        return headers

    def _explain(self, error: LineError) -> Response:
        """LINE's refusal in our words."""
        log.info("content_refused", outcome=error.outcome, request_id_of_line=error.request_id)
        problem: Problem
        if isinstance(error, LineContentPreparing):
            problem = ContentPreparing(PREPARING_SECONDS)
        elif isinstance(error, LineNotFound | LineGone):
            problem = ContentGone()  # the account received it, so LINE had it once
        elif isinstance(error, LineInvalid) and self._preview:
            problem = Invalid.at("/query/preview", "LINE has no preview of this message.")
        elif isinstance(error, LineOversized):
            problem = Conflict("The content is larger than this installation passes on.")
        elif isinstance(error, LineInvalid | LineRateLimited | LineUnavailable):
            return plain_problem(self._request, 503, "LINE cannot give the content just now; try again.")
        else:
            problem = Conflict("LINE refuses this account; check the account to learn why.")
        return render_problem(self._request, problem)


async def _chunks(download: Download) -> AsyncIterator[bytes]:
    """The content, each part read in a thread when the one before has left."""
    parts: Iterator[bytes] = download.chunks()
    while (part := await to_thread.run_sync(next, parts, None, limiter=_threads)) is not None:
        yield part
