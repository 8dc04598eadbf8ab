"""Pages that people see in the sandbox: from a folder of templates, with nothing on them from elsewhere."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response


@lru_cache(maxsize=8)
def _templates(folder: Path) -> Environment:
    return Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True)
class Pages:
    """The pages of one part of the sandbox. Scripts run only where `scripts` says so, and only our own files.

    No page of others may frame them; the customer's phone, which is ours, does.
    """

    folder: Path
    scripts: bool = False

    def page(self, name: str, status: int = 200, *, leads_to: str | None = None, **values: Any) -> Response:
        """A page. `leads_to` is where its form leads to in the end: browsers hold redirects against form-action."""
        origin = ""
        if leads_to:
            parts = urlsplit(leads_to)
            origin = f" {parts.scheme}://{parts.netloc}"
        scripts = "script-src 'self'; " if self.scripts else ""
        policy = (
            f"default-src 'none'; style-src 'self'; img-src data:; {scripts}"
            f"form-action 'self'{origin}; frame-ancestors 'self'; base-uri 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        return HTMLResponse(_templates(self.folder).get_template(name).render(**values), status, headers)

    def file(self, name: str, media_type: str) -> Response:
        """A style sheet or script of these pages."""
        return Response(
            (self.folder / name).read_bytes(), media_type=media_type, headers={"Cache-Control": "max-age=300"}
        )
