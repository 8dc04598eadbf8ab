"""A page as it leaves us: its document, and the headers that keep it ours and hers alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from fastapi.responses import HTMLResponse, Response


@dataclass(frozen=True)
class Document:
    """A page's parts. Body and navigation are written safely already."""

    language: str
    title: str
    body: str
    style: str
    logins: Sequence[str] = ()
    """The hosts to which its forms may lead in the end."""
    script: str | None = None
    """The address of its script, a module of ours."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What its script is told, as `data-…` of the body."""
    nav: str = ""
    preloads: Sequence[str] = ()
    """What its script imports."""
    status: int = 200
    kept_seconds: int | None = None
    """How long a browser may keep it, where it holds nothing of anybody."""


def show(page: Document) -> Response:
    """The page as an answer."""
    told = "".join(f' data-{name}="{escape(value)}"' for name, value in page.attributes.items())
    script = f'<script type="module" src="{escape(page.script)}"></script>\n' if page.script else ""
    preloads = "".join(f'<link rel="modulepreload" href="{escape(one)}">\n' for one in page.preloads)
    document = (
        f'<!doctype html>\n<html lang="{page.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(page.title)}</title>\n{preloads}{script}<style>{page.style}</style>\n</head>\n"
        f"<body{told}>\n<main>\n{page.body}\n</main>\n{page.nav}</body>\n</html>\n"
    )
    answer = protect(HTMLResponse(document, page.status), page.logins, is_scripted=page.script is not None)
    if page.kept_seconds is not None:
        answer.headers["Cache-Control"] = f"private, max-age={page.kept_seconds}"
        # It is the same whoever is signed in; with `Cookie` it would be another page after each use of her session.
        answer.headers["Vary"] = "Accept-Language"
    return answer


def protect(response: Response, logins: Sequence[str], *, is_scripted: bool = False) -> Response:
    """The same answer, which nobody keeps, frames or makes do anything but what it is for."""
    # Browsers hold the way on from a form to LINE Login for part of the form's action.
    actions = " ".join(["'self'", *logins])
    scripts = "script-src 'self'; connect-src 'self'; worker-src 'self'; " if is_scripted else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {scripts}style-src 'unsafe-inline'; base-uri 'none'; form-action {actions};"
        " frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # With no-referrer browsers would send `Origin: null` with our own form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Vary"] = "Accept-Language, Cookie"
    forbid_storing(response)
    return response


def forbid_storing(response: Response) -> None:
    """Have nobody keep an answer that holds what is one person's."""
    response.headers["Cache-Control"] = "no-store"
