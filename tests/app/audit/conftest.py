"""What tests of the audit log read."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.audit.gather import Gatherer
from app.audit.models import AuditEntry
from tests.conftest import BrandHome

ListEntries = Callable[..., list[AuditEntry]]


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
