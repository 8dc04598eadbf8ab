"""`POST /_sandbox/save`: everything on disk now, as a snapshot. `GET /_sandbox/save`: how saving goes."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import storage
from app.sandbox.controls import JsonObject, Mistaken, answer, control
from app.sandbox.state import Sandbox
from app.sandbox.storage import Store


def routes(sandbox: Sandbox, store: Store | None) -> list[Route]:
    """How the saved state is doing, and a snapshot at once; 409 if there is no file.

    Both answer {"file", "saving", "snapshot_bytes", "changes_bytes", "calls", "longest_pause_ms"}.
    """

    async def post_save(request: Request) -> Response:
        await storage.sum_up(sandbox, _given(store))
        return answer(_shown(_given(store)))

    async def get_save(request: Request) -> Response:
        return answer(_shown(_given(store)))

    return [control("/save", "POST", post_save), control("/save", "GET", get_save)]


def _given(store: Store | None) -> Store:
    if store is None:
        raise Mistaken("this sandbox was started without a file to keep its state", 409)
    return store


def _shown(store: Store) -> JsonObject:
    return {
        "file": str(store.file),
        "saving": store.lock.locked(),
        "snapshot_bytes": store.snapshot_bytes,
        "changes_bytes": store.changes_bytes,
        "calls": store.calls_saved,
        "longest_pause_ms": round(store.longest_pause_seconds * 1000, 1),
    }
