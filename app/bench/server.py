"""The API server with one route more, which answers an empty 200: what the intake is measured against.

As a module: `python -m app.bench.server PORT`. It is started as `noren serve` starts it, so that both figures come from
the same process.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from app.main import create_app as create_product
from app.serving import serve

EMPTY_PATH = "/healthz/empty"

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Empty:
    """Reads the body and answers 200 with nothing: the least that any route can do."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body", False):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def create_app() -> FastAPI:
    """The product, and before all of its routes the empty one."""
    app = create_product()
    app.router.routes.insert(0, Route(EMPTY_PATH, Empty(), methods=["POST"]))
    return app


if __name__ == "__main__":
    serve("app.bench.server:create_app", "127.0.0.1", int(sys.argv[1]))
