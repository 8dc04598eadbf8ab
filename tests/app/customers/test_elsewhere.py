"""What a customer does at other stores changes nothing that a store sees of her, not even when it happened."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer
from app.customers.tags import service as tags
from app.schemas import write_instant
from tenants.ids import encode_id
from tenants.tables import utc_now
from tests import make
from tests.app.customers.test_customers_api import Shops, ids, upsert
from tests.conftest import BrandHome


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


def test_nothing_that_happens_elsewhere_shows(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, shops.key_a, phone="09012345678", name="花子").json()
    path = f"/v1/customers/{made['id']}"
    before = api.get(path, headers=shops.key_a)
    since = write_instant(utc_now())
    upsert(api, shops.key_b, phone="09012345678")
    order = {"external_id": "o", "store_id": shops.b_id, "amount_yen": 900, "ordered_at": "2026-11-20T03:00:00Z"}
    assert api.post("/v1/orders", json={**order, "customer_id": made["id"]}, headers=home.headers).status_code == 201
    with home.open() as session:
        person = session.exec(select(Customer)).one()
        tags.tag(session, person.id, [make.tag(session, shops.b)], source="test", now=utc_now())
        session.commit()
    after = api.get(path, headers=shops.key_a)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
    assert ids(api.get("/v1/customers", params={"updated_after": since}, headers=shops.key_a)) == []
    for headers in (home.headers, shops.key_b, shops.key_both):
        assert ids(api.get("/v1/customers", params={"updated_after": since}, headers=headers)) == [made["id"]]


def test_what_happens_at_the_store_and_what_the_brand_writes_shows(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    made = upsert(api, shops.key_a, phone="09012345678").json()
    path = f"/v1/customers/{made['id']}"

    def updated_at() -> str:
        return str(api.get(path, headers=shops.key_a).json()["updated_at"])

    seen = [updated_at()]
    order = {"external_id": "o", "store_id": shops.a_id, "amount_yen": 900, "ordered_at": "2026-11-20T03:00:00Z"}
    api.post("/v1/orders", json={**order, "customer_id": made["id"]}, headers=home.headers)
    seen.append(updated_at())
    api.patch(path, json={"name": "花子"}, headers=home.headers)
    seen.append(updated_at())
    for owner in (None, shops.a):
        with home.open() as session:
            person = session.exec(select(Customer)).one()
            tags.tag(session, person.id, [make.tag(session, owner)], source="test", now=utc_now())
            session.commit()
        seen.append(updated_at())
    assert seen == sorted(set(seen))


def test_whoever_is_tied_anew_is_new_to_the_store_s_list(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        long_ago = utc_now() - timedelta(days=400)
        person = make.customer(session, shops.b, phone="+819012345678", created_at=long_ago, updated_at=long_ago)
        session.commit()
    since = write_instant(utc_now())
    upsert(api, shops.key_a, phone="09012345678")
    found = api.get("/v1/customers", params={"updated_after": since}, headers=shops.key_a)
    assert ids(found) == [encode_id("cus", person.id)]
    assert ids(api.get("/v1/customers", params={"updated_after": since}, headers=shops.key_b)) == []
    with home.open() as session:
        assert session.exec(select(col(Customer.updated_at))).one() > long_ago
