"""The application with the sandbox as its identity provider, and browsers that sign in there."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.console.browser import CLIENT_ID, CLIENT_SECRET, HTTPS, PUBLIC, Browser, People
from tests.running import RunningSandbox


@pytest.fixture(scope="session")
def registered(sandbox: RunningSandbox) -> RunningSandbox:
    """The sandbox, which knows the application."""
    application = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "name": "Noren",
        "redirect_uris": [f"{PUBLIC}/console/callback", f"{HTTPS}/console/callback"],
        "post_logout_redirect_uris": [f"{PUBLIC}/console/signed-out"],
    }
    sandbox.call("PUT", "/oidc", {"applications": [application]})
    return sandbox


def signing_in(settings: Settings, sandbox: RunningSandbox, **changes: object) -> Settings:
    """Settings with the sandbox as identity provider."""
    return settings.model_copy(
        update={
            "oidc_issuer": f"{sandbox.url}/oidc",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": Settings(oidc_client_secret=CLIENT_SECRET).oidc_client_secret,
            **changes,
        }
    )


@pytest.fixture(scope="session")
def console(settings: Settings, registered: RunningSandbox) -> Iterator[TestClient]:
    """The application on loopback, without TLS."""
    app = create_app(signing_in(settings, registered))
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def secure_console(settings: Settings, registered: RunningSandbox) -> Iterator[TestClient]:
    """The application behind TLS."""
    app = create_app(signing_in(settings, registered, public_url=HTTPS))
    with TestClient(app, base_url=HTTPS, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def people(registered: RunningSandbox) -> Iterator[People]:
    """Those who can sign in at the sandbox; what it was told to do wrong is over after the test."""
    yield People(registered)
    registered.call("PUT", "/faults", {"faults": []})


@pytest.fixture
def open_browser(console: TestClient, people: People) -> Callable[[], Browser]:
    """A further browser, with cookies of its own."""
    return lambda: Browser.beside(console, people)


@pytest.fixture
def browser(open_browser: Callable[[], Browser]) -> Browser:
    """A browser that nobody has signed in with."""
    return open_browser()
