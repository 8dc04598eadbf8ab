"""A brand with a points programme, two stores and two people, and the jobs of points run by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.commerce.models import Order
from app.events.projector import project
from app.jobs.queue import Work
from app.loyalty import tasks
from app.loyalty.projection import earn_by_events
from app.schemas import write_instant
from app.settings import Settings
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests.app.commerce.test_orders_api import World
from tests.conftest import BrandHome

PROGRAMME: dict[str, Any] = {"orders": {"yen_per_point": 100}, "expires_after_months": 12}


class Club(World):
    """Hanako is known to store A and Taro to store B; ten yen in a thousand come back as points."""

    def __init__(self, api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings) -> None:
        super().__init__(home)
        self.api, self.home = api, home
        self._keyring, self._settings = keyring, settings

    def set_up(self, **rules: Any) -> None:
        """Have this programme from now on."""
        answer = self.api.put("/v1/points/programme", json=rules or PROGRAMME, headers=self.home.headers)
        assert answer.status_code == 200, answer.text

    def post(self, delta: int, source_ref: str | None = None, headers: Any = None, **more: Any) -> Any:
        """Give Hanako points, or take some."""
        body = {"customer_id": self.hanako_id, "delta": delta, "source_ref": source_ref or str(uuid7()), **more}
        return self.api.post("/v1/points", json=body, headers=headers or self.home.headers)

    def standing(self, customer_id: str | None = None, headers: Any = None) -> dict[str, Any]:
        """What somebody has, Hanako unless another is named."""
        path = f"/v1/customers/{customer_id or self.hanako_id}/points"
        answer = self.api.get(path, headers=headers or self.home.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def has(self, customer_id: str | None = None) -> int:
        """What she may spend, less her debt; and it is what her entries add up to."""
        found = self.standing(customer_id)
        entries = self.list_entries(customer_id)
        assert sum(one["delta"] for one in entries) == found["points"] - found["debt"]
        assert found["points"] == 0 or found["debt"] == 0
        return int(found["points"] - found["debt"])

    def list_entries(self, customer_id: str | None = None, headers: Any = None) -> list[dict[str, Any]]:
        """Somebody's entries, newest first."""
        path = f"/v1/points?limit=200&customer_id={customer_id or self.hanako_id}"
        found: list[dict[str, Any]] = self.api.get(path, headers=headers or self.home.headers).json()["items"]
        return found

    def buy(self, amount_yen: int, external_id: str | None = None, **more: Any) -> str:
        """An order of Hanako's at store A, and what it earns."""
        body = {
            "external_id": external_id or str(uuid7()),
            "store_id": self.a_id,
            "customer_id": self.hanako_id,
            "amount_yen": amount_yen,
            "ordered_at": write_instant(utc_now()),
            **more,
        }
        answer = self.api.post("/v1/orders", json=body, headers=self.home.headers)
        assert answer.status_code in (200, 201), answer.text
        self.work_off()
        return str(answer.json()["id"])

    def come(self, visited_at: datetime | None = None, external_id: str | None = None, **more: Any) -> None:
        """A visit of Hanako's at store A, and what it earns."""
        body = {
            "external_id": external_id or str(uuid7()),
            "store_id": self.a_id,
            "customer_id": self.hanako_id,
            "visited_at": write_instant(visited_at or utc_now()),
            **more,
        }
        answer = self.api.post("/v1/visits", json=body, headers=self.home.headers)
        assert answer.status_code in (200, 201), answer.text
        self.work_off()

    def work(self, now: datetime | None = None) -> Work:
        """What a job of the brand has, at a moment."""
        return Work(self.home.engine, self._keyring, self._settings, now or utc_now(), self.home.scope.brand_id)

    def work_off(self, now: datetime | None = None) -> int:
        """Project what waits, and run the jobs of points that came of it; answers how many they were."""
        while project(self.home.engine, self.home.scope.brand_id, utc_now(), [earn_by_events]):
            pass
        waiting = text("DELETE FROM procrastinate_jobs WHERE args->>'brand_id' = :brand RETURNING task_name, args")
        with self.home.open() as session:
            jobs = session.execute(waiting, {"brand": str(self.home.scope.brand_id)}).all()
            session.commit()
        run = {
            "loyalty.tasks.give_points": tasks.give_points,
            "loyalty.tasks.rank_members": tasks.rank_members,
            "loyalty.tasks.expire_points": tasks.expire_points,
        }
        done = [(run[name], arguments) for name, arguments in jobs if name in run]
        for task, arguments in done:
            task(self.work(now), **{key: value for key, value in arguments.items() if key != "brand_id"})
        return len(done)

    def expire(self, now: datetime) -> None:
        """Let go what has expired by then."""
        tasks.expire_points(self.work(now))

    def merge(self, from_id: str, into_id: str) -> str:
        """Make two people one; the merge's path."""
        body = {"from": from_id, "into": into_id}
        answer = self.api.post("/v1/customers/merge", json=body, headers=self.home.headers)
        assert answer.status_code in (200, 201), answer.text
        self.work_off()
        return f"/v1/customer-merges/{answer.json()['id']}"

    def part(self, merge: str) -> None:
        """Make two people of one again."""
        answer = self.api.post(f"{merge}/undo", headers=self.home.headers)
        assert answer.status_code == 200, answer.text
        self.work_off()


def order_id(order: Order) -> str:
    return encode_id("ord", UUID(str(order.id)))


@pytest.fixture
def club(api: TestClient, home: BrandHome, keyring: Keyring, settings: Settings) -> Club:
    return Club(api, home, keyring, settings)
