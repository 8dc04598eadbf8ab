"""Orders over HTTP, and the customers' figures that must follow them to the yen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func
from sqlmodel import col, select

from app.commerce.models import Order
from app.customers.models import Customer, CustomerStore
from app.events.models import Event
from app.schemas import write_instant
from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.customers.test_customers_api import NOON, Shops
from tests.conftest import BrandHome

AT = write_instant(NOON)


class World(Shops):
    """Two stores and two people, the first known to store A and the second to store B."""

    def __init__(self, home: BrandHome) -> None:
        super().__init__(home)
        with home.open() as session:
            self.hanako = make.customer(session, self.a, member_number="M-1", phone="+819012345678", external_id="h")
            self.taro = make.customer(session, self.b, member_number="M-2")
            session.commit()
        self.hanako_id, self.taro_id = encode_id("cus", self.hanako.id), encode_id("cus", self.taro.id)


@pytest.fixture
def world(home: BrandHome) -> World:
    return World(home)


def order(world: World, **changes: Any) -> dict[str, Any]:
    """An order of Hanako's at store A."""
    body = {"external_id": "o-1", "store_id": world.a_id, "amount_yen": 1200, "ordered_at": AT}
    return {**body, **({} if _names_her(changes) else {"customer_id": world.hanako_id}), **changes}


def _names_her(changes: dict[str, Any]) -> bool:
    return bool(changes.keys() & {"customer_external_id", "member_number", "phone"})


def post(api: TestClient, headers: dict[str, str], body: Any) -> Any:
    return api.post("/v1/orders", json=body, headers=headers)


def figures(home: BrandHome, customer: Customer) -> tuple[int, int, datetime | None]:
    with home.open() as session:
        row = session.exec(select(Customer).where(col(Customer.id) == customer.id)).one()
        return row.order_count, row.spend_yen, row.last_order_at


def test_an_order_is_recorded_and_counted(api: TestClient, home: BrandHome, world: World) -> None:
    answer = post(api, home.headers, order(world))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["customer_id"], made["store_id"], made["amount_yen"]) == (world.hanako_id, world.a_id, 1200)
    assert made["ordered_at"] == AT
    assert api.get(f"/v1/orders/{made['id']}", headers=home.headers).json() == made
    assert figures(home, world.hanako) == (1, 1200, NOON)
    shown = api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_a).json()
    assert (shown["order_count"], shown["spend_yen"], shown["last_order_at"]) == (1, 1200, AT)


def test_the_same_order_again_changes_nothing(api: TestClient, home: BrandHome, world: World) -> None:
    first = post(api, home.headers, order(world))
    again = post(api, home.headers, order(world))
    assert (again.status_code, again.json()) == (200, first.json())
    assert figures(home, world.hanako) == (1, 1200, NOON)
    with home.open() as session:
        (fact,) = session.exec(select(Event).where(col(Event.type) == "order.paid")).all()
    assert (fact.customer_id, fact.store_no, fact.occurred_at) == (world.hanako.id, world.a.no, NOON)
    assert (fact.data["amount_yen"], fact.data["orders_delta"]) == (1200, 1)


def test_another_amount_adjusts_the_sums_by_the_difference(api: TestClient, home: BrandHome, world: World) -> None:
    post(api, home.headers, order(world))
    assert post(api, home.headers, order(world, amount_yen=1000)).status_code == 200
    assert figures(home, world.hanako) == (1, 1000, NOON)
    with home.open() as session:
        facts = session.exec(select(Event.data).where(col(Event.type) == "order.paid").order_by(col(Event.id))).all()
    assert [(data["amount_yen"], data["orders_delta"]) for data in facts] == [(1200, 1), (-200, 0)]


def test_an_order_moves_to_another_customer_store_and_time(api: TestClient, home: BrandHome, world: World) -> None:
    earlier = NOON - timedelta(days=2)
    post(api, home.headers, order(world, external_id="o-0", amount_yen=100, ordered_at=write_instant(earlier)))
    post(api, home.headers, order(world))
    post(api, home.headers, order(world, store_id=world.b_id, customer_id=world.taro_id))
    assert figures(home, world.hanako) == (1, 100, earlier)
    assert figures(home, world.taro) == (1, 1200, NOON)
    assert api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_a).json()["spend_yen"] == 100
    with home.open() as session:
        facts = session.exec(select(Event).where(col(Event.type) == "order.paid").order_by(col(Event.id))).all()
    assert [(fact.store_no, fact.data["amount_yen"]) for fact in facts[2:]] == [(world.a.no, -1200), (world.b.no, 1200)]


def test_an_order_without_a_customer_gets_one_later_and_keeps_her(
    api: TestClient, home: BrandHome, world: World
) -> None:
    anonymous = order(world, customer_id=None)
    assert post(api, home.headers, anonymous).json()["customer_id"] is None
    assert post(api, home.headers, order(world)).json()["customer_id"] == world.hanako_id
    assert post(api, home.headers, {**anonymous, "amount_yen": 900}).json()["customer_id"] == world.hanako_id
    assert figures(home, world.hanako) == (1, 900, NOON)


@pytest.mark.parametrize("named", [{"customer_external_id": "h"}, {"member_number": "M-1"}, {"phone": "090-1234-5678"}])
def test_a_till_names_a_customer_by_what_it_reads(
    api: TestClient, home: BrandHome, world: World, named: dict[str, str]
) -> None:
    answer = post(api, world.key_b, order(world, store_id=world.b_id, **named))
    assert (answer.status_code, answer.json()["customer_id"]) == (200, world.hanako_id)
    shown = api.get(f"/v1/customers/{world.hanako_id}", headers=world.key_b).json()
    assert (shown["order_count"], shown["store_ids"]) == (1, [world.b_id])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"member_number": "nobody"}, 404),
        ({"customer_id": encode_id("cus", uuid7())}, 404),
        ({"store_id": encode_id("store", uuid7())}, 404),
        ({"customer_id": "acc_x"}, 422),
        ({"member_number": "M-1", "phone": "09012345678"}, 422),
        ({"amount_yen": -1}, 422),
        ({"amount_yen": "1"}, 422),
        ({"amount_yen": 1.5}, 422),
        ({"amount_yen": 10**13}, 422),
        ({"ordered_at": "2026-11-21T12:00:00"}, 422),
        ({"ordered_at": 1}, 422),
        ({"ordered_at": "1"}, 422),
        ({"external_id": ""}, 422),
        ({"colour": "red"}, 422),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_alone_and_in_a_list(
    api: TestClient, home: BrandHome, world: World, changes: dict[str, Any], status: int
) -> None:
    alone = post(api, home.headers, order(world, **changes))
    assert alone.status_code == status, alone.text
    listed = post(api, home.headers, {"items": [order(world, **changes), order(world, external_id="good")]})
    assert listed.status_code == 200
    bad, good = listed.json()["items"]
    assert (bad["status"], bad["id"], good["status"], good["problem"]) == (status, None, 201, None)
    assert bad["problem"]["type"] == alone.json()["type"]
    if status == 422:
        assert bad["problem"]["errors"][0]["pointer"] == "/items/0" + alone.json()["errors"][0]["pointer"]
    assert figures(home, world.hanako) == (1, 1200, NOON)


@pytest.mark.parametrize(
    "body",
    [[], {}, {"items": None}, {"items": {}}, {"items": [1] * 1001}, {"items": [], "external_id": "x"}, None, "x", 3],
)
def test_what_is_no_order_and_no_list_is_malformed(api: TestClient, home: BrandHome, body: Any) -> None:
    assert post(api, home.headers, body).status_code == 422


def test_a_list_of_a_thousand_is_taken_whole(api: TestClient, home: BrandHome, world: World) -> None:
    people = [world.hanako_id, world.taro_id, None]
    items = [order(world, external_id=f"o-{at}", amount_yen=at, customer_id=people[at % 3]) for at in range(1000)]
    answer = post(api, home.headers, {"items": items})
    assert [item["status"] for item in answer.json()["items"]] == [201] * 1000
    assert figures(home, world.hanako)[:2] == (334, sum(range(0, 1000, 3)))
    assert figures(home, world.taro)[:2] == (333, sum(range(1, 1000, 3)))
    again = post(api, home.headers, {"items": items[:3]}).json()["items"]
    assert [item["status"] for item in again] == [200] * 3


def test_an_order_named_twice_in_a_list_is_taken_once(api: TestClient, home: BrandHome, world: World) -> None:
    items = post(api, home.headers, {"items": [order(world), order(world, amount_yen=5)]}).json()["items"]
    assert [item["status"] for item in items] == [201, 422]
    assert items[1]["problem"]["errors"][0]["pointer"] == "/items/1/external_id"
    assert figures(home, world.hanako)[:2] == (1, 1200)


def test_fifty_orders_of_one_person_at_once_are_all_counted(api: TestClient, home: BrandHome, world: World) -> None:
    def one(at: int) -> int:
        store_id, headers = [(world.a_id, world.key_a), (world.b_id, world.key_b)][at % 2]
        body = order(world, external_id=f"o-{at}", store_id=store_id, amount_yen=100 + at, member_number="M-1")
        return int(post(api, headers, body).status_code)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(one, range(50))) == {200}
    assert figures(home, world.hanako)[:2] == (50, sum(range(100, 150)))
    with home.open() as session:
        ties = session.exec(select(CustomerStore).where(col(CustomerStore.customer_id) == world.hanako.id)).all()
    assert sorted((tie.order_count, tie.spend_yen) for tie in ties) == [
        (25, sum(range(100, 150, 2))),
        (25, sum(range(101, 150, 2))),
    ]


def test_one_order_sent_many_times_at_once_is_one_order(api: TestClient, home: BrandHome, world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(api, home.headers, order(world)), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert figures(home, world.hanako)[:2] == (1, 1200)


def test_lists_that_name_the_same_people_in_other_orders_do_not_deadlock(
    api: TestClient, home: BrandHome, world: World
) -> None:
    def one(at: int) -> list[int]:
        people = [world.hanako_id, world.taro_id][:: 1 if at % 2 else -1]
        items = [order(world, external_id=f"o-{at}-{who}", customer_id=who) for who in people]
        return [item["status"] for item in post(api, home.headers, {"items": items}).json()["items"]]

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(24))) == [[201, 201]] * 24
    assert figures(home, world.hanako)[0] == figures(home, world.taro)[0] == 24


def test_a_store_sees_and_writes_orders_of_its_own_only(api: TestClient, home: BrandHome, world: World) -> None:
    made = post(api, home.headers, order(world)).json()
    assert api.get(f"/v1/orders/{made['id']}", headers=world.key_a).status_code == 200
    assert api.get(f"/v1/orders/{made['id']}", headers=world.key_b).status_code == 404
    assert api.get("/v1/orders", headers=world.key_b).json()["items"] == []
    assert api.get(f"/v1/orders?store_id={world.a_id}", headers=world.key_b).status_code == 404
    assert post(api, world.key_b, order(world, external_id="new")).status_code == 404
    unseen = order(world, external_id="new", store_id=world.b_id)
    assert post(api, world.key_b, unseen).status_code == 404
    taken = order(world, store_id=world.b_id, customer_id=world.taro_id)
    assert post(api, world.key_b, taken).status_code == 409
    assert figures(home, world.hanako)[:2] == (1, 1200)


def test_another_brands_order_is_not_there(
    api: TestClient, home: BrandHome, other_home: BrandHome, world: World
) -> None:
    made = post(api, home.headers, order(world)).json()
    assert api.get(f"/v1/orders/{made['id']}", headers=other_home.headers).status_code == 404
    assert post(api, other_home.headers, order(world)).status_code == 404


def test_lists_filter_by_customer_store_and_id(api: TestClient, home: BrandHome, world: World) -> None:
    first = post(api, home.headers, order(world)).json()
    second = post(api, home.headers, order(world, external_id="o-2", customer_id=world.taro_id)).json()
    third = post(api, home.headers, order(world, external_id="o-3", store_id=world.b_id)).json()

    def found(**query: str) -> list[str]:
        items = api.get("/v1/orders", params=query, headers=home.headers).json()["items"]
        return [item["id"] for item in items]

    assert found() == [third["id"], second["id"], first["id"]]
    assert found(customer_id=world.hanako_id) == [third["id"], first["id"]]
    assert found(store_id=world.b_id) == [third["id"]]
    assert found(external_id="o-2") == [second["id"]]


def test_an_erased_person_buys_no_more_under_her_id(api: TestClient, home: BrandHome, world: World) -> None:
    post(api, home.headers, order(world))
    api.delete(f"/v1/customers/{world.hanako_id}", headers=home.headers)
    assert post(api, home.headers, order(world, external_id="o-2")).status_code == 404
    kept = post(api, home.headers, {**order(world, amount_yen=1300), "customer_id": None})
    assert (kept.status_code, kept.json()["amount_yen"]) == (200, 1300)


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2), st.integers(0, 5000), st.integers(-6, 0)),
        min_size=1,
        max_size=12,
    )
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_whatever_is_sent_the_figures_are_what_a_recount_says(
    api: TestClient, home: BrandHome, world: World, changes: list[tuple[int, int, int, int, int]]
) -> None:
    stores, people = [world.a_id, world.b_id], [world.hanako_id, world.taro_id, None]
    for which, store, who, amount_yen, days in changes:
        body = order(world, external_id=f"o-{which}", store_id=stores[store], customer_id=people[who])
        moment = {"amount_yen": amount_yen, "ordered_at": write_instant(NOON + timedelta(days=days))}
        assert post(api, home.headers, {**body, **moment}).status_code in (200, 201)
    with home.open() as session:
        for customer in (world.hanako, world.taro):
            bought = col(Order.customer_id) == customer.id
            count, spend, last = session.exec(
                select(func.count(), func.coalesce(func.sum(Order.amount_yen), 0), func.max(Order.ordered_at)).where(
                    bought
                )
            ).one()
            row = session.exec(select(Customer).where(col(Customer.id) == customer.id)).one()
            assert (row.order_count, row.spend_yen, row.last_order_at) == (count, spend, last)
            for tie in session.exec(select(CustomerStore).where(col(CustomerStore.customer_id) == customer.id)).all():
                there = bought & (col(Order.store_id) == tie.store_id)
                last_there = session.exec(select(func.max(Order.ordered_at)).where(there)).one()
                orders = session.exec(select(Order).where(there)).all()
                assert (tie.order_count, tie.last_order_at) == (len(orders), last_there)
                assert tie.spend_yen == sum(one.amount_yen for one in orders)
        told = session.exec(select(Event.data).where(col(Event.type) == "order.paid")).all()
        orders = session.exec(select(Order)).all()
    assert sum(data["amount_yen"] for data in told) == sum(one.amount_yen for one in orders)
    assert sum(data["orders_delta"] for data in told) == len(orders)
