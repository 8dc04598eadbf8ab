"""What a till's browser is served: the page, what it is made of, and the question for the PIN."""

from functools import cache
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from app.languages import language_of
from tenants.problems import NotFound

_FOLDER: Final = Path(__file__).parent / "static"
_SCRIPT: Final = Path(__file__).parent / "script"
_PARTS: Final = (
    "texts", "state", "nodes", "calls", "panel", "asking", "scanning", "offline", "list", "device", "sheets", "sound",
    "camera", "start",
)  # fmt: skip
"""What `till.js` is made of, in this order: plain ES5 without modules, so that a tablet of 2019 runs it as it is."""

_TYPES: Final = {
    "till.js": "text/javascript",
    "till.css": "text/css",
    "till.webmanifest": "application/manifest+json",
    "icon.svg": "image/svg+xml",
    "icon.png": "image/png",
}
_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "title": ("レジを登録", "Register this till"),
    "lead": (
        "この端末を、お店のレジとして登録します。リンクと一緒に渡された6桁の番号を入れてください。",
        "This makes the device a till of your store. Type the six digits that you were given with the link.",
    ),
    "label": ("6桁の番号（PIN）", "PIN of six digits"),
    "open": ("登録する", "Register"),
    "digits": ("数字6桁で入れてください。", "Please type six digits."),
    "wrong": ("番号が違います。あと{left}回まで試せます。", "That is not the PIN. You can try {left} more times."),
    "spent": ("このリンクは使えません", "This link does not work"),
    "spent_text": (
        "一度使われたか、期限（3日）が過ぎたか、番号を5回間違えたリンクです。店長か本部に、新しいリンクを頼んでください。",
        "It was used before, is older than three days, or the PIN was typed wrongly five times. Please ask your "
        "manager or head office for a new one.",
    ),
}


def show_till() -> Response:
    """The page."""
    return _protect(HTMLResponse(_shell()))


def serve_static(name: str) -> Response:
    """A file that the page is made of. Raises NotFound."""
    if name not in _TYPES:
        raise NotFound
    response = Response(_read(name), media_type=_TYPES[name])
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def serve_worker() -> Response:
    """The service worker; it differs whenever anything that it keeps does, and so is taken up anew."""
    script = _read("sw.js").replace(b"%VERSION%", version().encode())
    response = Response(script, media_type="text/javascript")
    # Its own address lies below /till/, and the page that it keeps is /till itself.
    response.headers["Service-Worker-Allowed"] = "/till"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def ask_pin(request: Request, secret: str, notice: str | None = None, *, left: int = 0) -> Response:
    """The question for the PIN, and what was wrong with the last answer."""
    told = f'<p class="notice" role="alert">{_say(request, notice, left=left)}</p>' if notice else ""
    body = (
        f"<h1>{_say(request, 'title')}</h1><p>{_say(request, 'lead')}</p>{told}"
        f'<form method="post" action="/till/{escape(secret)}"><label for="pin">{_say(request, "label")}</label>'
        '<input id="pin" name="pin" class="pin" inputmode="numeric" autocomplete="one-time-code" maxlength="12" '
        f'required autofocus><button class="go">{_say(request, "open")}</button></form>'
    )
    return _page(request, _say(request, "title"), body, 200 if notice is None else 403)


def show_spent(request: Request) -> Response:
    """A link that leads nowhere."""
    body = f"<h1>{_say(request, 'spent')}</h1><p>{_say(request, 'spent_text')}</p>"
    return _page(request, _say(request, "spent"), body, 404)


def go_to_till() -> Response:
    """On to the page."""
    return _protect(RedirectResponse("/till", 303))


@cache
def version() -> str:
    """A name for what the page is made of, as it is now."""
    files = b"".join(path.read_bytes() for path in sorted(_FOLDER.iterdir()))
    return blake2b(files + _read("till.js"), digest_size=6).hexdigest()


@cache
def _shell() -> str:
    return _read("till.html").decode().replace("%VERSION%", version())


@cache
def _read(name: str) -> bytes:
    if name != "till.js":
        return (_FOLDER / name).read_bytes()
    parts = b"\n".join((_SCRIPT / f"{part}.js").read_bytes() for part in _PARTS)
    return b"(function () {\n'use strict';\n\n" + parts + b"}());\n"


def _say(request: Request, text: str, **values: object) -> str:
    said = _TEXTS[text][1 if language_of(request) == "en" else 0]
    return escape(said.format(**values))


def _page(request: Request, title: str, body: str, status: int) -> Response:
    document = (
        f'<!doctype html>\n<html lang="{language_of(request)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n<link rel="stylesheet" href="/till/static/till.css?{version()}">\n</head>\n'
        f'<body class="plain">\n<main class="sheet">\n{body}\n</main>\n</body>\n</html>\n'
    )
    response = _protect(HTMLResponse(document, status))
    response.headers["Vary"] = "Accept-Language"
    return response


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The link's secret stands in the address of the page that asks for the PIN, and goes nowhere else. With
    # no-referrer browsers would send `Origin: null` with our own form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "no-store"
    return response
