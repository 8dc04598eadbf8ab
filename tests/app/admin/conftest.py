"""An application whose LINE is the sandbox."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.running import RunningSandbox


@pytest.fixture(scope="session")
def line_api(settings: Settings, sandbox: RunningSandbox) -> Iterator[TestClient]:
    """The application over the same database, with the sandbox in LINE's place."""
    at_sandbox = settings.model_copy(update={"line_api_url": sandbox.url, "public_url": "https://noren.example"})
    with TestClient(create_app(at_sandbox), raise_server_exceptions=False) as client:
        yield client
