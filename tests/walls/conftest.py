"""One world and its credentials for all tests of the walls in this process, and the coverage at the end."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, make_url

from app.database import Urls, make_engine
from app.main import create_app
from app.settings import Settings
from tenants.sealing import Keyring
from tests.app.line.answering import run_answering
from tests.document import document
from tests.walls.calls import Calls
from tests.walls.credentials import Credentials
from tests.walls.document import Document
from tests.walls.matrix import Matrix
from tests.walls.vocabulary import MESSAGE_ID
from tests.walls.world import World


@pytest.fixture(scope="session")
def walls_api(settings: Settings) -> Iterator[TestClient]:
    """The application, which counts no requests, before a LINE that has one picture, makes link tokens for everybody,
    and knows of nothing else."""
    with run_answering() as line:
        line.answers[f"/v2/bot/message/{MESSAGE_ID}/content"] = (200, b"a picture")
        line.otherwise = answer_link_token
        changes = {
            "line_api_url": line.url,
            "line_data_url": line.url,
            "rate_limit": 10**9,
            "anonymous_rate_limit": 10**9,
            "unknown_code_limit": 10**9,
            "log_level": "error",
        }
        with TestClient(create_app(settings.model_copy(update=changes)), raise_server_exceptions=False) as client:
            yield client


def answer_link_token(path: str) -> tuple[int, bytes]:
    """A link token for whomever it is asked for."""
    return (200, b'{"linkToken":"walls"}') if path.endswith("/linkToken") else (404, b'{"message":"Not found"}')


@pytest.fixture(scope="session")
def admin_engine(urls: Urls) -> Iterator[Engine]:
    """A superuser's connections to this process's database, to see what nobody else may."""
    assert urls.admin is not None
    url = make_url(urls.admin).set(database=make_url(urls.app).database)
    engine = make_engine(url.render_as_string(hide_password=False), pool_size=1)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def matrix(walls_api: TestClient, engine: Engine, admin_engine: Engine, keyring: Keyring) -> Matrix:
    """The application with a world of two brands, and everyone who might call."""
    world = World(engine, admin_engine, keyring)
    return Matrix(Document(document()), Calls(walls_api), world, Credentials(world))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much of the API was tried: operations × places for ids × credentials."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "walls"
    ]
    if not rows or terminalreporter.stats.get("failed"):
        return
    places, tried, expected, requests = (sum(row[column] for row in rows) for column in range(1, 5))
    terminalreporter.section("walls")
    terminalreporter.write_line(
        f"{len(rows)} operations, {places} places for ids, {tried} of {expected} cells of operation × place ×"
        f" credential tried: {100 * tried / expected:.0f} %, by {requests} requests"
    )
