"""The recount finds what differs from the details and mends it, and is not misled by who writes meanwhile."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.commerce.schemas import OrderUpsert, VisitUpsert
from app.commerce.service import upsert_orders, upsert_visits
from app.customers import recount as recounting
from app.customers.recount import COLUMNS, recount
from app.customers.tags.service import tag
from app.settings import Settings
from tenants.ids import encode_id
from tenants.scope import Scope
from tenants.session import ScopedSession
from tests import make
from tests.app.audit.test_router import run as run_command
from tests.app.commerce.test_orders_api import World, order
from tests.app.customers.test_customers_api import NOON
from tests.conftest import BrandHome

pytestmark = pytest.mark.every_brand

LATER = NOON + timedelta(days=1)


def run(home: BrandHome, *, mends: bool = True) -> Counter[str]:
    """What a recount of the whole brand finds."""

    @contextmanager
    def opened() -> Iterator[ScopedSession]:
        with home.open() as session:
            yield session
            session.commit()

    found: Counter[str] = Counter()
    for part in recount(opened, LATER, mends=mends):
        found += part.differences
    return found


def person(session: ScopedSession, number: int) -> UUID:
    """Somebody with an account, a tag, two stores, two orders and a visit."""
    first, second = make.store(session), make.store(session)
    customer = make.customer(session)
    make.friend(session, make.line_account(session, first), customer)
    tag(session, customer.id, [make.tag(session, name=f"tag-{number}")], source="test", now=NOON)
    scope = Scope(session.scope.brand_id)
    told = {"customer_id": customer.id, "store_id": second.id}
    orders = [OrderUpsert(external_id=f"o-{number}-{at}", amount_yen=700, ordered_at=NOON, **told) for at in (1, 2)]
    upsert_orders(session, orders, scope=scope, now=NOON)
    visit = VisitUpsert(external_id=f"v-{number}", visited_at=NOON, **told)
    upsert_visits(session, [visit], scope=scope, now=NOON)
    return customer.id


PLANTED = {
    "tag_nos": "UPDATE customer SET tag_nos = '{}'",
    "store_nos": "UPDATE customer SET store_nos = store_nos || 999",
    "account_nos": "UPDATE customer SET account_nos = account_nos || account_nos",
    "order_count": "UPDATE customer SET order_count = order_count + 1",
    "spend_yen": "UPDATE customer SET spend_yen = spend_yen - 1",
    "last_order_at": "UPDATE customer SET last_order_at = last_order_at + interval '1 second'",
    "visit_count": "UPDATE customer SET visit_count = 0",
    "last_visit_at": "UPDATE customer SET last_visit_at = NULL",
    "usual_store_no": "UPDATE customer SET usual_store_no = 1000",
    "customer_store": "DELETE FROM customer_store",
    "customer_store.order_count": "UPDATE customer_store SET order_count = order_count + 1",
    "customer_store.spend_yen": "UPDATE customer_store SET spend_yen = spend_yen + 1",
    "customer_store.last_order_at": "UPDATE customer_store SET last_order_at = now()",
    "customer_store.visit_count": "UPDATE customer_store SET visit_count = visit_count + 1",
    "customer_store.last_visit_at": "UPDATE customer_store SET last_visit_at = now()",
}
SUMMARIES = """
SELECT to_jsonb(customer) - 'updated_at' - 'store_nos', ARRAY(SELECT unnest(store_nos) ORDER BY 1),
    ARRAY(SELECT to_jsonb(at_store) - 'updated_at' FROM customer_store AS at_store
          WHERE at_store.brand_id = customer.brand_id AND customer_id = customer.id ORDER BY store_no)
FROM customer WHERE brand_id = :brand ORDER BY id
"""


def test_a_difference_in_each_column_is_found_and_mended(home: BrandHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounting, "AT_ONCE", 4)
    with home.open() as session:
        people = {column: person(session, number) for number, column in enumerate(COLUMNS)}
        session.commit()
    assert run(home) == Counter()
    before = rows(home, SUMMARIES)
    with home.open() as session:
        for column, customer_id in people.items():
            key = "customer_id" if "customer_store" in column else "id"
            changed = session.execute(
                text(f"{PLANTED[column]} WHERE brand_id = :brand AND {key} = :id"),
                {"brand": session.scope.brand_id, "id": customer_id},
            )
            assert changed.rowcount > 0  # type: ignore[attr-defined]
        session.commit()
    assert rows(home, SUMMARIES) != before
    assert run(home, mends=False) == run(home) == dict.fromkeys(COLUMNS, 1)
    assert rows(home, SUMMARIES) == before
    assert run(home) == Counter()


def rows(home: BrandHome, query: str) -> list[Any]:
    with home.open() as session:
        return [tuple(row) for row in session.execute(text(query), {"brand": session.scope.brand_id}).all()]


def test_whoever_writes_meanwhile_makes_no_difference(api: TestClient, home: BrandHome) -> None:
    world, is_done = World(home), Event()

    def write(thread: int) -> int:
        sent = 0
        while not is_done.is_set():
            sent += 1
            who = [world.hanako_id, world.taro_id][sent % 2]
            body = order(world, external_id=f"o-{thread}-{sent % 3}", customer_id=who, amount_yen=sent)
            assert api.post("/v1/orders", json=body, headers=home.headers).status_code in (200, 201)
            assert api.put(f"/v1/customers/{who}/tags/t{sent % 3}", headers=home.headers).status_code == 200
        return sent

    with ThreadPoolExecutor(2) as pool:
        threads = [pool.submit(write, number) for number in range(2)]
        found = [run(home) for _ in range(40)]
        is_done.set()
        assert min(thread.result() for thread in threads) > 0
    assert found == [Counter()] * 40


def test_the_erased_are_not_recounted(api: TestClient, home: BrandHome) -> None:
    world = World(home)
    api.post("/v1/orders", json=order(world), headers=home.headers)
    api.delete(f"/v1/customers/{world.hanako_id}", headers=home.headers)
    assert run(home) == Counter()


def test_the_command_prints_what_it_found(
    home: BrandHome, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with home.open() as session:
        who = person(session, 1)
        session.execute(
            text("UPDATE customer SET visit_count = 9 WHERE brand_id = :brand AND id = :id"),
            {"brand": session.scope.brand_id, "id": who},
        )
        session.commit()
    brand = encode_id("brand", home.scope.brand_id)

    def noren(*arguments: str) -> tuple[int, str]:
        status = run_command(["recount", "--brand", brand, *arguments], settings, monkeypatch)
        return status, capsys.readouterr().out

    assert noren("--dry-run")[0] == 1
    status, printed = noren()
    assert (status, f"{brand}: 1 customers recounted" in printed) == (1, True)
    assert "visit_count                           1" in printed
    status, printed = noren("--json")
    assert (status, json.loads(printed)["brands"][0]["differences"]) == (0, dict.fromkeys(COLUMNS, 0))
