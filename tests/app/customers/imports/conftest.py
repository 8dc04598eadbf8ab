"""A brand into which files are taken."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.imports.tasks import import_customers
from app.customers.models import Customer
from app.jobs.queue import Work
from app.settings import Settings
from tenants.ids import decode_id
from tenants.sealing import Keyring
from tests.conftest import BrandHome


@dataclass
class Desk:
    """Sends files in, and works them off."""

    api: TestClient
    home: BrandHome
    settings: Settings
    keyring: Keyring

    def send(self, content: str | bytes, media_type: str = "text/csv", **query: Any) -> Any:
        """The answer to a file."""
        body = content.encode() if isinstance(content, str) else content
        headers = {**self.home.headers, "Content-Type": media_type}
        return self.api.post("/v1/customers/import", params=query, content=body, headers=headers)

    def begin(self, content: str | bytes, media_type: str = "text/csv", **query: Any) -> str:
        """The operation of a file."""
        answer = self.send(content, media_type, **query)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def work(self) -> Work:
        """What a job has."""
        return Work(self.home.engine, self.keyring, self.settings, datetime.now(UTC), self.home.scope.brand_id)

    def run(self, content: str | bytes, media_type: str = "text/csv", **query: Any) -> Any:
        """The operation once a file is worked off."""
        operation_id = self.begin(content, media_type, **query)
        return self.finish(operation_id)

    def finish(self, operation_id: str) -> Any:
        """Work an operation off, and answer it."""
        while (operation := self.look(operation_id))["status"] == "running":
            import_customers(self.work(), decode_id("op", operation_id))  # one job's turn
        return operation

    def look(self, operation_id: str) -> Any:
        """An operation as it stands."""
        return self.api.get(f"/v1/operations/{operation_id}", headers=self.home.headers).json()

    def errors(self, operation: Mapping[str, Any]) -> list[dict[str, str]]:
        """The rows of its file of errors."""
        url = operation["files"][0]["url"]
        answer = self.api.get(url, headers=self.home.headers)
        assert answer.content.startswith(b"\xef\xbb\xbf")
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    def people(self) -> Sequence[Customer]:
        """Everybody, in the order of their rows in the file."""
        with self.home.open() as session:
            return session.exec(select(Customer).order_by(col(Customer.id))).all()


@pytest.fixture
def desk(api: TestClient, home: BrandHome, settings: Settings, keyring: Keyring) -> Desk:
    return Desk(api, home, settings, keyring)
