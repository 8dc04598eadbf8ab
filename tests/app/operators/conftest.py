"""The operator of the service: her key over HTTP, her commands, and the owner role behind them."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import typer
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, make_url
from sqlmodel import Session
from typer.testing import CliRunner

from app.admin import commands as client_commands
from app.database import Urls, make_engine
from app.keys import digest_of, new_secret
from app.operators import commands
from app.settings import get_settings
from tenants.ids import encode_id
from tenants.operators import service
from tests.app.messaging.conftest import line, stage
from tests.app.operators import furnished
from tests.conftest import MASTER_KEYS, BrandHome

__all__ = ["line", "stage"]

Call = Callable[..., Any]
Furnish = Callable[..., None]


@pytest.fixture
def operator_token(engine: Engine) -> str:
    """A key of the operator's own for each test."""
    secret = new_secret("operator")
    with Session(engine) as session:
        service.create_operator_key(session, name="当直", prefix=secret[:19], digest=digest_of(secret), expires_at=None)
        session.commit()
    return secret


@pytest.fixture
def operate(api: TestClient, operator_token: str) -> Call:
    """Call the operator's API: `operate("POST", "/brands", json={…})`."""

    def call(method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
        sent = {"Authorization": f"Bearer {operator_token}", **(headers or {})}
        return api.request(method, f"/operator/v1{path}", headers=sent, **options)

    return call


def path_of(home: BrandHome) -> str:
    """The brand's address."""
    return f"/brands/{id_of(home)}"


def id_of(home: BrandHome) -> str:
    """The brand's id outside."""
    return encode_id("brand", home.scope.brand_id)


@pytest.fixture
def owner(urls: Urls) -> Iterator[Engine]:
    """Connections as the owner role."""
    engine = make_engine(urls.owner, pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture
def admin(urls: Urls) -> Iterator[Connection]:
    """A superuser's connection, which sees the rows of every brand."""
    assert urls.admin is not None
    url = make_url(urls.admin).set(database=make_url(urls.app).database)
    engine = make_engine(url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def furnish(admin: Connection) -> Iterator[Furnish]:
    """Rows of a brand in every table: `furnish(home, rows=3)`; they are gone after the test."""
    furnished_ids: list[UUID] = []

    def fill(home: BrandHome, rows: int = 1) -> None:
        furnished_ids.append(home.scope.brand_id)
        furnished.furnish(admin, home.scope.brand_id, rows)

    yield fill
    for brand_id in furnished_ids:
        furnished.clear(admin, brand_id)


@pytest.fixture
def noren(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The command line over the tests' database: `noren("brand", "list")`."""
    monkeypatch.setenv("NOREN_DATABASE_URL", urls.app)
    monkeypatch.setenv("NOREN_OWNER_DATABASE_URL", urls.owner)
    monkeypatch.setenv("NOREN_MASTER_KEYS", MASTER_KEYS)
    get_settings.cache_clear()
    cli = typer.Typer()
    commands.register(cli)
    client_commands.register(cli)
    yield lambda *arguments: CliRunner().invoke(cli, list(arguments))
    get_settings.cache_clear()
