"""One browser for all these tests."""

from collections.abc import Iterator

import pytest

from tests.app.sandbox.phone.browser import Page, find_chromium, open_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    if find_chromium() is None:
        pytest.skip("there is no Chromium here")
    with open_browser() as page:
        yield page
