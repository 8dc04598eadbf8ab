"""LINE's look-alike, an application that calls it, and a brand with accounts under two providers."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.main import create_app
from app.settings import Settings
from tenants.sealing import Keyring
from tests.app.liff.served import Site, serve
from tests.app.liff.stage import Stage, open_stage
from tests.app.sandbox.phone.browser import Page, find_chromium, open_browser
from tests.app.sandbox.process import Shop
from tests.conftest import BrandHome
from tests.running import RunningSandbox


@pytest.fixture
def hands() -> Iterator[Shop]:
    """Where the sandbox's webhook calls come, for a test to pass them on."""
    server = Shop()
    yield server
    server.close()


@pytest.fixture(scope="session")
def line_settings(settings: Settings, sandbox: RunningSandbox) -> Settings:
    """Settings by which LINE is the sandbox."""
    url = sandbox.url
    return settings.model_copy(
        update={"line_api_url": url, "line_data_url": url, "line_login_url": url, "line_app_url": url}
    )


@pytest.fixture(scope="session")
def line_app(line_settings: Settings) -> Iterator[TestClient]:
    """The application, calling the sandbox. Tests clear its cookies."""
    with TestClient(create_app(line_settings), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def stage(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    line_settings: Settings,
    line_app: TestClient,
    sandbox: RunningSandbox,
    hands: Shop,
) -> Stage:
    """Two providers, one account each, and a Login channel for both."""
    return open_stage(home, keyring, engine, line_settings, line_app, sandbox, hands)


@pytest.fixture(scope="session")
def site(line_settings: Settings) -> Iterator[Site]:
    """The application at an address that a browser can open, calling the sandbox."""
    with serve(line_settings) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    if find_chromium() is None:
        pytest.skip("there is no Chromium here")
    with open_browser() as page:
        yield page


@pytest.fixture
def shown(
    home: BrandHome,
    keyring: Keyring,
    engine: Engine,
    line_settings: Settings,
    site: Site,
    sandbox: RunningSandbox,
    hands: Shop,
) -> Stage:
    """The stage, with pages at the site's address."""
    site.is_down = False
    return open_stage(home, keyring, engine, line_settings, site.app, sandbox, hands, site.url)
