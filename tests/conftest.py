"""A real Postgres for the whole test run, a database for each worker process, a brand for each test that needs one."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.database import (
    Urls,
    create_roles,
    embedded_postgres,
    embedded_urls,
    make_engine,
    migrate,
    stop_embedded,
)
from app.settings import Settings
from tenants.scope import Scope
from tenants.sealing import Keyring
from tenants.session import ScopedSession, open_session
from tests import document, make
from tests.order import deal, is_slow_run, longest_first

ROOT = Path(__file__).parents[1]
MASTER_KEYS = "test:" + "A" * 43
_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Once, before any worker process starts: the server, a migrated template to copy, and the API's document."""
    if hasattr(config, "workerinput") or "NOREN_TEST_ADMIN_URL" in os.environ or config.option.collectonly:
        return
    # A run starts some hundred processes of ours: each would compile all of it anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folder = config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="noren-test-"))
    file = folder / "openapi.json"
    writing = subprocess.Popen([sys.executable, "-m", document.__name__, str(file)], cwd=ROOT)  # noqa: S603
    admin = embedded_postgres(folder)
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes"):  # for power cuts, which no test outlives either
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
    create_roles(admin, "noren_template", {})
    migrate(_urls("noren_template", admin).owner)
    os.environ["NOREN_TEST_ADMIN_URL"] = admin
    if writing.wait(timeout=110) == 0:  # otherwise each process finds by itself what is wrong with it
        os.environ[document.FILE] = str(file)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        stop_embedded(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = longest_first(items) if is_slow_run(items) else deal(items, processes)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Without looking for garbage among what is loaded, which stays: that took a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _urls(database: str, admin: str) -> Urls:
    return embedded_urls(str(psycopg.conninfo.conninfo_to_dict(admin)["host"]), database, admin)


@pytest.fixture(scope="session")
def urls(worker_id: str) -> Urls:
    """A database of this worker process's own, as each role reaches it."""
    return copy_template(f"noren_{worker_id}")


def copy_template(name: str) -> Urls:
    """A migrated database of this name, empty, as each role reaches it."""
    admin = os.environ["NOREN_TEST_ADMIN_URL"]
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE noren_template OWNER noren_owner')
    return _urls(name, admin)


@pytest.fixture(scope="session")
def settings(urls: Urls) -> Settings:
    """Settings as an installation with a given database has them."""
    return Settings(
        database_url=urls.app,
        owner_database_url=urls.owner,
        master_keys=MASTER_KEYS,
        pool_size=10,
        rate_limit=10_000_000,
        anonymous_rate_limit=10_000_000,  # all tests call from one address
        line_api_url="http://127.0.0.1:9",  # nobody is there, unless a test names a sandbox
    )


@pytest.fixture(scope="session")
def engine(urls: Urls) -> Iterator[Engine]:
    """Connections as the restricted role."""
    engine = make_engine(urls.app, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """The master key of the tests."""
    return Keyring.parse(MASTER_KEYS)


@pytest.fixture
def session(engine: Engine, keyring: Keyring) -> Iterator[ScopedSession]:
    """A transaction in the scope of a new brand, rolled back at the end of the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        brand = make.new_brand(keyring)
        with open_session(connection, Scope(brand.id), join_transaction_mode="create_savepoint") as session:
            session.add(brand)
            session.flush()
            yield session
        transaction.rollback()


@dataclass
class BrandHome:
    """A committed brand of a test's own, for tests that go over HTTP, use workers or several transactions."""

    engine: Engine
    scope: Scope
    token: str
    """A bearer token of head office with every permission."""
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def open(self, scope: Scope | None = None) -> ScopedSession:
        """A session in this brand; commit it yourself."""
        return open_session(self.engine, scope or self.scope)


@pytest.fixture
def home(engine: Engine, keyring: Keyring) -> BrandHome:
    """A brand of this test's own."""
    return new_home(engine, keyring)


@pytest.fixture
def other_home(engine: Engine, keyring: Keyring) -> BrandHome:
    """A second brand, which must never be seen from the first."""
    return new_home(engine, keyring)


def new_home(engine: Engine, keyring: Keyring) -> BrandHome:
    """Commit a brand with a client of head office."""
    brand = make.new_brand(keyring)
    scope = Scope(brand.id)
    with open_session(engine, scope) as session:
        session.add(brand)
        session.flush()
        token = make.access_token(session)
        session.commit()
    return BrandHome(engine, scope, token)


@pytest.fixture(autouse=True)
def _forgotten_cookies(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whoever signed in by the application that tests share is unknown to the next one."""
    yield
    if "api" in request.fixturenames:
        request.getfixturevalue("api").cookies.clear()


@pytest.fixture(scope="session")
def api(settings: Settings) -> Iterator[TestClient]:
    """The application over its real database. Errors of ours surface as 500 answers, as they do for callers."""
    from app.main import create_app

    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client
