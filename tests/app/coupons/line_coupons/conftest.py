"""The stage of the sending tests, with an application over the same database."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from tests.app.messaging.conftest import engine, line, settings, stage, urls

__all__ = ["engine", "line", "settings", "stage", "urls"]


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[TestClient]:
    """The application over that database."""
    with TestClient(create_app(settings), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client
