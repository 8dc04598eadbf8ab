"""The API's page at /docs: Swagger UI from our own files, so that it works without the internet and without a CDN."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from tenants.problems import NotFound

STATIC = Path(__file__).parent / "static"
FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-start.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Noren API</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/static/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/static/swagger-ui-bundle.js"></script>
<script src="/static/swagger-start.js"></script></body></html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)

router = APIRouter(include_in_schema=False)


@router.get("/")
def show_start() -> RedirectResponse:
    """The way to the reference, for whoever opens the address itself. It names no host, so it stays on the caller's."""
    return RedirectResponse("/docs")


@router.get("/docs")
def show_docs() -> HTMLResponse:
    """The API's reference, where each operation can be tried."""
    headers = {"Content-Security-Policy": _POLICY + "; frame-ancestors 'none'; base-uri 'none'"}
    return HTMLResponse(_PAGE, headers=headers)


@router.get("/static/{name}")
def get_static(name: str) -> Response:
    """One of our own files. Raises NotFound for any other name."""
    if name not in FILES:
        raise NotFound
    return FileResponse(STATIC / name, media_type=FILES[name], headers={"Cache-Control": "public, max-age=86400"})


routers = [router]
