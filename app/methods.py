"""Which methods a path knows, for the Allow header of a 405. Starlette names those of the first fitting route only."""

import re
from functools import cache

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path


def allowed_methods(app: FastAPI, path: str) -> str:
    """The methods of the resource at this path, as Allow lists them; empty where nothing is."""
    for pattern, methods in _list_resources(app):
        if pattern.match(path):
            return ", ".join(sorted(methods))
    return ""


def refuse_shadowed(request: Request) -> None:
    """Raises 405 where the path is another resource's that knows no such method: PATCH /v1/stores/nearby.

    Starlette takes the next route that fits, /v1/stores/{store_id}. Ids hold an underscore, words in paths do not.
    """
    path = request.scope["path"]
    if "_" not in path.rpartition("/")[2] and request.method not in allowed_methods(request.app, path).split(", "):
        raise HTTPException(405)


@cache
def _list_resources(app: FastAPI) -> list[tuple[re.Pattern[str], set[str]]]:
    """Paths with their methods, in the order in which they are looked at: /stores/nearby before /stores/{store_id}."""
    found: dict[str, set[str]] = {}
    for context in iter_route_contexts(app.routes):
        if context.path and context.methods:
            found.setdefault(str(context.path), set()).update(context.methods)
    return [(compile_path(path)[0], methods) for path, methods in found.items()]
