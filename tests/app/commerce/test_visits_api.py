"""Visits over HTTP, and what orders and visits together say of where somebody is at home."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from app.commerce.models import Order, Visit
from app.customers.models import Customer, CustomerStore
from app.events.models import Event
from app.schemas import write_instant
from tenants.ids import encode_id, uuid7
from tenants.tables import utc_now
from tests.app.commerce.test_orders_api import AT, World, order
from tests.app.commerce.test_orders_api import post as post_order
from tests.app.customers.test_customers_api import NOON
from tests.conftest import BrandHome


@pytest.fixture
def world(home: BrandHome) -> World:
    return World(home)


def visit(world: World, **changes: Any) -> dict[str, Any]:
    """A visit of Hanako's to store A."""
    body = {"external_id": "v-1", "store_id": world.a_id, "visited_at": AT}
    named = changes.keys() & {"customer_external_id", "member_number", "phone"}
    return {**body, **({} if named else {"customer_id": world.hanako_id}), **changes}


def post(api: TestClient, headers: dict[str, str], body: Any) -> Any:
    return api.post("/v1/visits", json=body, headers=headers)


def figures(home: BrandHome, customer: Customer) -> tuple[int, datetime | None, int | None]:
    """Visits, the last of them, and the number of the usual store."""
    with home.open() as session:
        row = session.exec(select(Customer).where(col(Customer.id) == customer.id)).one()
        return row.visit_count, row.last_visit_at, row.usual_store_no


def test_a_visit_is_recorded_and_counted(api: TestClient, home: BrandHome, world: World) -> None:
    answer = post(api, home.headers, visit(world))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["customer_id"], made["store_id"], made["visited_at"]) == (world.hanako_id, world.a_id, AT)
    shown = api.get(f"/v1/visits/{made['id']}", headers=home.headers)
    assert (shown.json(), "etag" in shown.headers) == (made, True)
    assert figures(home, world.hanako) == (1, NOON, world.a.no)
    assert api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_a).json()["last_visit_at"] == AT
    with home.open() as session:
        (fact,) = session.exec(select(Event).where(col(Event.type) == "visit.recorded")).all()
    assert (fact.customer_id, fact.store_no, fact.occurred_at) == (world.hanako.id, world.a.no, NOON)
    assert fact.data["visits_delta"] == 1


def test_the_same_visit_again_changes_nothing(api: TestClient, home: BrandHome, world: World) -> None:
    first = post(api, home.headers, visit(world))
    again = post(api, home.headers, visit(world))
    assert (again.status_code, again.json()) == (200, first.json())
    assert figures(home, world.hanako)[0] == 1
    with home.open() as session:
        assert len(session.exec(select(Event).where(col(Event.type) == "visit.recorded")).all()) == 1


def test_a_visit_moves_to_another_customer_store_and_time(api: TestClient, home: BrandHome, world: World) -> None:
    earlier = NOON - timedelta(days=2)
    post(api, home.headers, visit(world, external_id="v-0", visited_at=write_instant(earlier)))
    post(api, home.headers, visit(world))
    post(api, home.headers, visit(world, store_id=world.b_id, customer_id=world.taro_id))
    assert figures(home, world.hanako) == (1, earlier, world.a.no)
    assert figures(home, world.taro) == (1, NOON, world.b.no)
    with home.open() as session:
        facts = session.exec(select(Event).where(col(Event.type) == "visit.recorded").order_by(col(Event.id))).all()
    assert [(fact.store_no, fact.data["visits_delta"]) for fact in facts[2:]] == [(world.a.no, -1), (world.b.no, 1)]


def test_a_till_names_who_came_and_is_not_told_whom_the_brand_knows(
    api: TestClient, home: BrandHome, world: World
) -> None:
    at_b = {"store_id": world.b_id}
    known = post(api, world.key_b, visit(world, phone="090-1234-5678", **at_b))
    new = post(api, world.key_b, visit(world, external_id="v-2", phone="090-9999-9999", **at_b))
    assert (known.status_code, known.json()["customer_id"]) == (200, world.hanako_id)
    assert (new.status_code, new.json().keys()) == (200, known.json().keys())
    assert post(api, home.headers, visit(world, external_id="v-3", phone="090-8888-8888")).status_code == 404
    shown = api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_b).json()
    assert (shown["last_visit_at"], shown["store_ids"]) == (AT, [world.b_id])


def test_a_list_of_visits_is_taken_one_by_one(api: TestClient, home: BrandHome, world: World) -> None:
    wrong = [
        visit(world, visited_at="yesterday"),
        visit(world, store_id=encode_id("store", uuid7())),
        visit(world, amount_yen=1),
    ]
    body = {"items": [*wrong, visit(world), visit(world)]}
    items = post(api, home.headers, body).json()["items"]
    assert [item["status"] for item in items] == [422, 404, 422, 201, 422]
    pointers = [item["problem"]["errors"][0]["pointer"] for item in items if item["status"] == 422]
    assert pointers == ["/items/0/visited_at", "/items/2/amount_yen", "/items/4/external_id"]
    assert figures(home, world.hanako)[0] == 1


def test_a_store_sees_and_writes_visits_of_its_own_only(api: TestClient, home: BrandHome, world: World) -> None:
    made = post(api, home.headers, visit(world)).json()
    assert api.get(f"/v1/visits/{made['id']}", headers=world.key_a).status_code == 200
    assert api.get(f"/v1/visits/{made['id']}", headers=world.key_b).status_code == 404
    assert api.get("/v1/visits", headers=world.key_b).json()["items"] == []
    assert api.get(f"/v1/visits?store_id={world.a_id}", headers=world.key_b).status_code == 404
    assert post(api, world.key_b, visit(world, external_id="new")).status_code == 404
    taken = visit(world, store_id=world.b_id, customer_id=world.taro_id)
    assert post(api, world.key_b, taken).status_code == 409


def test_lists_filter_by_customer_store_and_id(api: TestClient, home: BrandHome, world: World) -> None:
    first = post(api, home.headers, visit(world)).json()["id"]
    second = post(api, home.headers, visit(world, external_id="v-2", customer_id=world.taro_id)).json()["id"]
    third = post(api, home.headers, visit(world, external_id="v-3", store_id=world.b_id)).json()["id"]

    def found(**query: str) -> list[str]:
        items = api.get("/v1/visits", params=query, headers=home.headers).json()["items"]
        return [item["id"] for item in items]

    assert found() == [third, second, first]
    assert found(customer_id=world.hanako_id) == [third, first]
    assert found(store_id=world.b_id) == [third]
    assert found(external_id="v-2") == [second]


def test_the_usual_store_is_where_she_comes_most_then_came_last(api: TestClient, home: BrandHome, world: World) -> None:
    def usual() -> int | None:
        return figures(home, world.hanako)[2]

    assert usual() is None
    post_order(api, home.headers, order(world, store_id=world.b_id))
    assert usual() == world.b.no
    post(api, home.headers, visit(world, visited_at=write_instant(NOON - timedelta(days=9))))
    assert usual() == world.b.no, "as often at both: where she was last"
    post(api, home.headers, visit(world))
    assert usual() == min(world.a.no, world.b.no), "as often and as lately: the lower number"
    post(api, home.headers, visit(world, external_id="v-2"))
    assert usual() == world.a.no, "an order and a visit count alike"
    for external_id in ("v-1", "v-2"):
        post(api, home.headers, visit(world, external_id=external_id, customer_id=world.taro_id))
    assert usual() == world.b.no, "and what goes to another takes it back"


def test_a_store_is_not_told_of_the_usual_store_even_where_it_is_its_own(
    api: TestClient, home: BrandHome, world: World
) -> None:
    post(api, world.key_a, visit(world))
    alone = api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_a)
    for at in range(3):
        post(api, home.headers, visit(world, external_id=f"b-{at}", store_id=world.b_id))
    with home.open() as session:
        row = session.exec(select(Customer).where(col(Customer.id) == world.hanako.id)).one()
        assert (row.usual_store_no, row.home_store_no) == (world.b.no, None)
    after = api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_a)
    assert (after.json(), after.headers["etag"]) == (alone.json(), alone.headers["etag"])
    assert after.json()["home_store_id"] is None


Change = tuple[int, bool, int, int, int]


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 1), st.integers(0, 2), st.integers(-4, 0)),
        min_size=1,
        max_size=10,
    )
)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_is_sent_figures_and_usual_stores_are_what_a_recount_says(
    api: TestClient, home: BrandHome, world: World, changes: list[Change]
) -> None:
    stores, people = [world.a_id, world.b_id], [world.hanako_id, world.taro_id, None]
    for which, is_order, store, who, days in changes:
        at = write_instant(NOON + timedelta(days=days))
        named = {"store_id": stores[store], "customer_id": people[who]}
        if is_order:
            answer = post_order(api, home.headers, order(world, external_id=f"o-{which}", ordered_at=at, **named))
        else:
            answer = post(api, home.headers, visit(world, external_id=f"v-{which}", visited_at=at, **named))
        assert answer.status_code in (200, 201)
    with home.open() as session:
        happened = [(one.customer_id, one.store_no, one.ordered_at) for one in session.exec(select(Order)).all()]
        visits = [(one.customer_id, one.store_no, one.visited_at) for one in session.exec(select(Visit)).all()]
        for customer in (world.hanako, world.taro):
            row = session.exec(select(Customer).where(col(Customer.id) == customer.id)).one()
            hers = [(no, at) for who, no, at in visits if who == customer.id]
            assert (row.visit_count, row.last_visit_at) == (len(hers), max((at for _, at in hers), default=None))
            for tie in session.exec(select(CustomerStore).where(col(CustomerStore.customer_id) == customer.id)).all():
                there = [at for no, at in hers if no == tie.store_no]
                assert (tie.visit_count, tie.last_visit_at) == (len(there), max(there, default=None))
            both = [(no, at) for who, no, at in happened + visits if who == customer.id]
            times = Counter(no for no, _ in both)
            ranked = sorted(times, key=lambda no: (-times[no], -max(at for n, at in both if n == no).timestamp(), no))
            assert row.usual_store_no == (ranked[0] if ranked else None)
        told = session.exec(select(Event.data).where(col(Event.type) == "visit.recorded")).all()
    assert sum(data["visits_delta"] for data in told) == len(visits)


@pytest.mark.parametrize(("minutes", "status"), [(3, 201), (7, 422)])
def test_what_is_still_to_come_is_not_recorded(
    api: TestClient, home: BrandHome, world: World, minutes: int, status: int
) -> None:
    at = write_instant(utc_now() + timedelta(minutes=minutes))
    bought = post_order(api, home.headers, order(world, ordered_at=at))
    came = post(api, home.headers, visit(world, visited_at=at))
    assert (bought.status_code, came.status_code) == (status, status)
    if status == 422:
        assert [one.json()["errors"][0]["pointer"] for one in (bought, came)] == ["/ordered_at", "/visited_at"]
        assert figures(home, world.hanako)[:2] == (0, None)


def test_of_a_list_only_what_is_still_to_come_is_refused(api: TestClient, home: BrandHome, world: World) -> None:
    later = visit(world, visited_at=write_instant(utc_now() + timedelta(days=1)))
    items = post(api, home.headers, {"items": [visit(world, external_id="v-0"), later]}).json()["items"]
    assert [item["status"] for item in items] == [201, 422]
    assert items[1]["problem"]["errors"][0]["pointer"] == "/items/1/visited_at"
