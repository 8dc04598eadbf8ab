"""A brand, its events, and partners who are told of them."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.events.projector import project
from app.settings import Settings
from app.webhooks.deliver import Deliverer
from app.webhooks.projection import wake_endpoints
from tenants.ids import decode_id
from tenants.sealing import Keyring
from tests.app.webhooks.receiver import Receiver
from tests.conftest import BrandHome


@dataclass
class Post:
    """A brand whose endpoints are told what happens, by a worker whose clock is the test's."""

    api: TestClient
    home: BrandHome
    engine: Engine
    settings: Settings
    keyring: Keyring
    ahead: timedelta = field(default_factory=timedelta)
    """How far the test's clock is ahead of the true one."""

    def now(self) -> datetime:
        """The present instant by the test's clock."""
        return datetime.now(UTC) + self.ahead

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The document of an answer that must be a success."""
        answer = self.api.request(method, path, json=body, headers=self.home.headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def listen(self, receiver: Receiver, **values: Any) -> str:
        """Make a receiver an endpoint; its id."""
        made = self.call("POST", "/v1/webhook-endpoints", {"url": receiver.url, **values})
        receiver.secret = made["secret"]
        return str(made["id"])

    def endpoint(self, endpoint_id: str) -> dict[str, Any]:
        """An endpoint as it is told."""
        read: dict[str, Any] = self.call("GET", f"/v1/webhook-endpoints/{endpoint_id}")
        return read

    def deliveries(self, endpoint_id: str) -> list[dict[str, Any]]:
        """What went to an endpoint, in the order of the feed."""
        found = self.call("GET", f"/v1/webhook-deliveries?limit=200&endpoint_id={endpoint_id}")["items"]
        return sorted(found, key=lambda one: one["id"])

    def customer(self, name: str = "春") -> str:
        """A new customer, which is an event; her id."""
        made = self.call("POST", "/v1/customers", {"external_id": f"X{datetime.now(UTC).timestamp()}", "name": name})
        return str(made["id"])

    def rename(self, customer_id: str, name: str) -> None:
        """A further event of hers."""
        self.call("PATCH", f"/v1/customers/{customer_id}", {"name": name})

    def project(self) -> None:
        """Give what was recorded its place in the feed."""
        while project(self.engine, self.home.scope.brand_id, datetime.now(UTC), (wake_endpoints,)):
            pass

    def turn(self, endpoint_id: str) -> float | None:
        """One turn of a worker at an endpoint; in how many seconds it wants another."""
        key: UUID = decode_id("whe", endpoint_id)

        async def work() -> float | None:
            deliverer = Deliverer(self.engine, self.keyring, self.settings, self.now)
            try:
                return await deliverer.work_lane(self.home.scope.brand_id, key)
            finally:
                await deliverer.close()

        self.project()
        return asyncio.run(work())

    def wait_out(self, endpoint_id: str, span: timedelta) -> None:
        """Let the worker work while this time passes on the test's clock."""
        until = self.ahead + span
        while (wait := self.turn(endpoint_id)) is not None and self.ahead + timedelta(seconds=wait) <= until:
            self.ahead += timedelta(seconds=wait + 0.001)
        self.ahead = until


@pytest.fixture
def post(api: TestClient, home: BrandHome, engine: Engine, settings: Settings, keyring: Keyring) -> Post:
    return Post(api, home, engine, settings, keyring)


@pytest.fixture
def new_receiver() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers, which end with the test."""
    made: list[Receiver] = []

    def make_receiver() -> Receiver:
        made.append(Receiver())
        return made[-1]

    yield make_receiver
    for one in made:
        one.close()


@pytest.fixture
def receiver(new_receiver: Callable[[], Receiver]) -> Receiver:
    return new_receiver()
