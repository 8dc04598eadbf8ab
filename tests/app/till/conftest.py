"""The till's page at an address, and a browser that opens it."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.app.liff.served import Site, serve
from tests.app.sandbox.phone.browser import Page, find_chromium, open_browser
from tests.app.till.desk import Desk
from tests.conftest import BrandHome


@pytest.fixture(scope="session")
def site(settings: Settings) -> Iterator[Site]:
    """The application at an address that a browser can open."""
    with serve(settings) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    if find_chromium() is None:
        pytest.skip("there is no Chromium here")
    with open_browser() as page:
        yield page


@pytest.fixture
def desk(home: BrandHome, site: Site, browser: Page) -> Iterator[Desk]:
    """A store's counter with a till on it, ready to scan."""
    found = Desk(home, site, browser)
    found.sign_in()
    yield found
    site.is_down = False
    assert browser.mistakes == []
