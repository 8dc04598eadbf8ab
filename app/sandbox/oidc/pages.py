"""The provider's pages: choosing who one is, and what went wrong. Japanese, without a script, 390 px wide and up."""

from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

_FOLDER = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)


def page(name: str, status: int = 200, *, leads_to: str | None = None, **values: Any) -> Response:
    """A page. `leads_to` is where its form leads to in the end: browsers hold redirects, too, against form-action."""
    origin = ""
    if leads_to:
        parts = urlsplit(leads_to)
        origin = f" {parts.scheme}://{parts.netloc}"
    policy = (
        "default-src 'none'; style-src 'self'; img-src data:; "
        f"form-action 'self'{origin}; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(_templates().get_template(name).render(**values), status, headers)


def style() -> Response:
    """The pages' only style sheet."""
    return Response(
        (_FOLDER / "oidc.css").read_bytes(), media_type="text/css", headers={"Cache-Control": "max-age=300"}
    )
