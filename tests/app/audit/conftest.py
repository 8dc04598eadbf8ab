"""What tests of the audit log read."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, make_url
from sqlmodel import col, select

from app.audit.gather import Gatherer
from app.audit.models import AuditEntry
from app.database import Urls, make_engine
from tests.conftest import BrandHome

ListEntries = Callable[..., list[AuditEntry]]


@pytest.fixture
def admin_engine(urls: Urls) -> Iterator[Engine]:
    """The database as a superuser reaches it."""
    assert urls.admin is not None
    url = make_url(urls.admin).set(database=make_url(urls.app).database)
    engine = make_engine(url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


@pytest.fixture
def admin(admin_engine: Engine) -> Iterator[Connection]:
    """A superuser's transaction, rolled back at the end of the test."""
    with admin_engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def gatherer(api: TestClient) -> Gatherer:
    """The application's buffer."""
    found: Gatherer = api.app.state.audit  # type: ignore[attr-defined]
    return found


@pytest.fixture
def list_entries(home: BrandHome, gatherer: Gatherer) -> ListEntries:
    """The brand's entries so far, oldest first, those gathered included."""

    def read(kind: str | None = None, of: BrandHome = home) -> list[AuditEntry]:
        gatherer.flush(everything=True)
        with of.open() as session:
            entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        return [entry for entry in entries if kind in (None, entry.kind)]

    return read
