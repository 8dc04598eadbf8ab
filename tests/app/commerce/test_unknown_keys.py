"""An order tells a till nothing of whom the brand knows: a key that nobody has makes her."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, func, select

from app.customers.models import Customer
from app.events.models import Event
from tenants.ids import encode_id, uuid7
from tests.app.commerce.test_orders_api import World, figures, order, post
from tests.conftest import BrandHome

KNOWN = {"customer_external_id": "h", "member_number": "M-1", "phone": "09012345678"}
NEW = {"customer_external_id": "n", "member_number": "M-9", "phone": "09099999999"}


@pytest.fixture
def world(home: BrandHome) -> World:
    return World(home)


def but_for_ids(answer: Any) -> tuple[int, list[str], dict[str, Any]]:
    """Status, header names and body without what differs between any two orders."""
    body = answer.json()
    assert body["customer_id"].startswith("cus_")
    left_out = {"id", "customer_id", "external_id", "created_at"}
    return (
        answer.status_code,
        sorted(answer.headers),
        {name: None if name in left_out else value for name, value in body.items()},
    )


@pytest.mark.parametrize("field", list(KNOWN))
def test_a_till_is_told_the_same_of_a_stranger_as_of_nobody(api: TestClient, world: World, field: str) -> None:
    at_b = {"store_id": world.b_id}
    known = post(api, world.key_b, order(world, external_id="1", **at_b, **{field: KNOWN[field]}))
    new = post(api, world.key_b, order(world, external_id="2", **at_b, **{field: NEW[field]}))
    assert but_for_ids(known) == but_for_ids(new)
    listed = [
        order(world, external_id="3", **at_b, **{field: KNOWN[field]}),
        order(world, external_id="4", **at_b, **{field: NEW[field][:-1] + "8"}),
    ]
    items = post(api, world.key_b, {"items": listed}).json()["items"]
    assert [(item["status"], item["problem"]) for item in items] == [(200, None)] * 2


def test_whom_an_order_made_is_tied_and_counted(api: TestClient, home: BrandHome, world: World) -> None:
    items = [order(world, external_id=f"o-{at}", phone="09099999999", amount_yen=100 + at) for at in range(3)]
    answers = post(api, world.key_a, {"items": items}).json()["items"]
    assert [item["status"] for item in answers] == [200] * 3
    with home.open() as session:
        made = session.exec(select(Customer).where(col(Customer.phone) == "+819099999999")).one()
        created = select(Event.type).where(col(Event.customer_id) == made.id).order_by(col(Event.id))
        assert session.exec(created).all() == ["customer.created"] + ["order.paid"] * 3
    assert (made.store_nos, made.written_by) == ([world.a.no], {"phone": world.a.no})
    assert figures(home, made)[:2] == (3, 303)
    found = api.post("/v1/customers", json={"phone": "090-9999-9999"}, headers=home.headers)
    assert (found.status_code, found.json()["id"]) == (200, encode_id("cus", made.id))


def test_an_order_moves_to_whom_it_makes(api: TestClient, home: BrandHome, world: World) -> None:
    post(api, world.key_a, order(world))
    moved = post(api, world.key_a, order(world, member_number="M-9"))
    assert moved.json()["customer_id"] != world.hanako_id
    assert figures(home, world.hanako)[:2] == (0, 0)


def test_an_order_that_is_refused_makes_nobody(api: TestClient, home: BrandHome, world: World) -> None:
    post(api, home.headers, order(world))
    refused = [
        order(world, external_id="new", member_number="M-9"),  # at store A, which is not the key's
        order(world, store_id=world.b_id, member_number="M-9"),  # known at store A
    ]
    assert [post(api, world.key_b, body).status_code for body in refused] == [404, 409]
    with home.open() as session:
        assert session.exec(select(func.count()).select_from(Customer)).one() == 2


def test_head_office_is_told_that_nobody_has_a_key(api: TestClient, home: BrandHome, world: World) -> None:
    for field, value in NEW.items():
        assert post(api, home.headers, order(world, external_id=field, **{field: value})).status_code == 404


def test_by_id_a_stranger_is_as_unknown_as_an_id_made_up(api: TestClient, world: World) -> None:
    bodies = []
    for customer_id in (world.hanako_id, encode_id("cus", uuid7())):
        body = order(world, store_id=world.b_id, customer_id=customer_id)
        alone, listed = post(api, world.key_b, body), post(api, world.key_b, {"items": [body]})
        assert (alone.status_code, listed.status_code) == (404, 200)
        bodies.append([{**alone.json(), "request_id": ""}, listed.json()])
    assert bodies[0] == bodies[1]


def test_a_partner_of_the_whole_brand_is_told_no_more_than_a_till(
    api: TestClient, home: BrandHome, world: World
) -> None:
    body = {"name": "POS", "permissions": ["orders:write"]}
    made = api.post("/v1/partner-keys", json=body, headers=home.headers)
    assert made.status_code == 201, made.text
    partner = {"Authorization": f"Bearer {made.json()['key']}"}
    known = post(api, partner, order(world, external_id="1", phone="09012345678"))
    new = post(api, partner, order(world, external_id="2", phone="09099999999"))
    assert but_for_ids(known) == but_for_ids(new)
    assert known.status_code == 201
