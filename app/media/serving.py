"""Images for whoever knows their address: LINE's apps, above all.

A message to many is seen by many at once, so what was sent out last is kept in memory for a while.
"""

import re
from collections import OrderedDict
from threading import Lock
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from app.auth import hold_slot
from app.media.queries import Served, find_file

router = APIRouter(include_in_schema=False)
routers = [router]

Slot = Annotated[None, Depends(hold_slot, scope="function")]
KEPT_BYTES: Final = 32_000_000
_CODE: Final = re.compile("[0-9A-Za-z_-]{32}")
_SIZES: Final = frozenset({"original", "preview", "1040", "700", "460", "300", "240"})


class Shelf:
    """The files that were sent out last, as many as there is room for."""

    def __init__(self, room_bytes: int = KEPT_BYTES) -> None:
        self._room, self._largest = room_bytes, room_bytes // 4
        self._files = OrderedDict[tuple[str, str], Served]()
        self._lock = Lock()

    def find(self, key: tuple[str, str]) -> Served | None:
        """The file, if it is kept."""
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
            return self._files.get(key)

    def keep(self, key: tuple[str, str], file: Served) -> None:
        """Keep a file; those that were not asked for longest make room."""
        with self._lock:
            if key in self._files or len(file.content) > self._largest:
                return
            self._files[key] = file
            self._room -= len(file.content)
            while self._room < 0:
                _, gone = self._files.popitem(last=False)
                self._room += len(gone.content)


@router.get("/media/{code}/{size}")
def read_file(code: str, size: str, request: Request, slot: Slot) -> Response:
    """One size of an image. It never changes, so whoever has it need not come again."""
    if not _CODE.fullmatch(code) or size not in _SIZES:
        return _absent()
    tag = f'"{code[:16]}-{size}"'
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "ETag": tag,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
    shelf = _shelf_of(request)
    file = shelf.find((code, size))
    if file is None:
        file = find_file(request.app.state.engine, code, size)
        if file is None:
            return _absent()
        shelf.keep((code, size), file)
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _shelf_of(request: Request) -> Shelf:
    state = request.app.state
    if not hasattr(state, "media_shelf"):
        state.media_shelf = Shelf()
    shelf: Shelf = state.media_shelf
    return shelf


def _absent() -> Response:
    return Response(status_code=404, headers={"Cache-Control": "no-store"})
