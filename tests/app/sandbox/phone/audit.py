"""What anybody must be able to use, checked on the page as it is drawn: names, roles, order, contrast, size."""

from pathlib import Path

from tests.app.sandbox.phone.browser import Page

_AUDIT = (Path(__file__).parent / "audit.js").read_text()


def list_barriers(page: Page) -> list[str]:
    """What keeps people from using the page as it is now: nothing, if all is well."""
    found: list[str] = page.run(_AUDIT)
    return found
