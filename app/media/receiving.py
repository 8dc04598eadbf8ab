"""An image on its way in: as the body itself, or as `file` of a form; small enough to be held whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import BoundedSemaphore
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.auth import Caller
from app.media.making import MOST_BYTES, Made, make
from app.operations.problems import TooManyUploads
from app.operations.receiving import media_type_of
from app.problems import Refused
from app.routes import ApiRoute, read_body
from tenants.problems import Invalid

FORM: Final = "multipart/form-data"
TYPES: Final = ("image/jpeg", "image/png", FORM)
_AROUND_BYTES: Final = 10_000
"""What a form writes around its file."""
RETRY_SECONDS: Final = 5
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The image itself, at most {MOST_BYTES:,} bytes; or a form with it as `file`.",
        "content": {
            "image/jpeg": {"schema": {"type": "string", "format": "binary"}},
            "image/png": {"schema": {"type": "string", "format": "binary"}},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "additionalProperties": False,
                }
            },
        },
    }
}


class ImageRoute(ApiRoute):
    """A route that takes an image."""

    async def take_body(self, request: Request) -> None:
        if media_type_of(request) not in TYPES:
            raise Refused(415, f"Send the image as {', '.join(TYPES)}.")
        await read_body(request, MOST_BYTES + (_AROUND_BYTES if media_type_of(request) == FORM else 0))


async def make_sizes(request: Request, caller: Caller) -> AsyncIterator[Made]:
    """The uploaded image in all its sizes, made before the transaction of the answer begins.

    Raises ImageUnusable, Invalid, TooManyUploads.
    """
    content = await _find_content(request)
    async with _place(request):
        made = await run_in_threadpool(make, content)
    yield made


async def _find_content(request: Request) -> bytes:
    if media_type_of(request) != FORM:
        return await request.body()
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid.at("/file", "The form must hold the image as file.")
            return await file.read()
    except HTTPException as error:
        raise Refused(400, "The body is no form with one file.") from error


@asynccontextmanager
async def _place(request: Request) -> AsyncIterator[None]:
    """One of the few places for work on files: each picture takes some hundred megabytes while it is made."""
    places: BoundedSemaphore = request.app.state.upload_places
    if not places.acquire(blocking=False):
        raise TooManyUploads(RETRY_SECONDS)
    try:
        yield
    finally:
        places.release()


Sizes = Annotated[Made, Depends(make_sizes, scope="function")]
