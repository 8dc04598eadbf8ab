"""Rendering: every page with the headers that keep it ours alone. No script, nothing from elsewhere, no frame."""

from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent
STYLE = _FOLDER / "static" / "console.css"


def page(name: str, status: int = 200, *, leads_to: str = "", **values: Any) -> Response:
    """A page. `leads_to` is another site's origin that one of its forms leads to in the end."""
    template = _templates().get_template(f"{name}.html")
    return protect(HTMLResponse(template.render(**values, style_version=style_version()), status), leads_to)


def go_to(address: str) -> Response:
    """Send the browser on, by GET."""
    return protect(RedirectResponse(address, 303))


def protect(response: Response, leads_to: str = "") -> Response:
    """The headers of every page."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        f"form-action 'self'{' ' + leads_to if leads_to else ''}; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Without a referrer, browsers would send `Origin: null` with our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


@lru_cache(maxsize=1)
def style_version() -> str:
    """What the style sheet's address ends in, so that a new one is fetched at once."""
    return blake2b(STYLE.read_bytes(), digest_size=6).hexdigest()


@lru_cache(maxsize=1)
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)
