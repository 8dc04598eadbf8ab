"""The provider's pages: choosing who one is, and what went wrong. Japanese, without a script, 390 px wide and up."""

from pathlib import Path

from starlette.responses import Response

from app.sandbox.pages import Pages

_PAGES = Pages(Path(__file__).parent / "templates")
page = _PAGES.page


def style() -> Response:
    """The pages' only style sheet."""
    return _PAGES.file("oidc.css", "text/css")
