"""LINE's look-alike, and an application that calls it."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.sandbox.process import Shop
from tests.running import RunningSandbox, run_sandbox


@pytest.fixture(scope="session")
def line_api() -> Iterator[RunningSandbox]:
    """A sandbox shared by this process's tests; each makes channels and people of its own."""
    with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def hands() -> Iterator[Shop]:
    """Where the sandbox's webhook calls come, for a test to pass them on."""
    server = Shop()
    yield server
    server.close()


@pytest.fixture(scope="session")
def line_settings(settings: Settings, line_api: RunningSandbox) -> Settings:
    """Settings by which LINE is the sandbox."""
    url = line_api.url
    return settings.model_copy(
        update={"line_api_url": url, "line_data_url": url, "line_login_url": url, "line_app_url": url}
    )


@pytest.fixture(scope="session")
def line_app(line_settings: Settings) -> Iterator[TestClient]:
    """The application, calling the sandbox. Tests clear its cookies."""
    with TestClient(create_app(line_settings), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client
