"""The scripts of our pages: few, small, ours, and named by what they hold, so that browsers may keep them."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "static"
NAMES: Final = ("rotating.js", "forget.js", "pages.js", "card.js")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_SHORTLY: Final = "public, max-age=300"


@lru_cache
def version() -> str:
    """What changes with any of the scripts: part of their addresses, and so of those that they name each other by."""
    digest = blake2b(digest_size=6)
    for name in NAMES:
        digest.update((_FOLDER / name).read_bytes())
    return digest.hexdigest()


def address_of(name: str) -> str:
    """Where a script is."""
    return f"/liff/static/{version()}/{name}"


@router.get("/liff/static/{of}/{name}")
def get_script(of: str, name: str) -> Response:
    """A script; who asks for an older one, having kept its page, gets it as it is now."""
    if name not in NAMES:
        return Response(status_code=404)
    return _answer(name, _FOR_EVER if of == version() else _SHORTLY)


@router.get("/liff/card-worker.js")
def get_worker() -> Response:
    """What opens the card without a network. It stands where it may serve pages under /liff."""
    return _answer("worker.js", "no-cache")


def _answer(name: str, kept: str) -> Response:
    headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
    return Response(_read(name), media_type="text/javascript", headers=headers)


@lru_cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
