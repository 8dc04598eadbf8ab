"""How somebody wants to be written to, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.schemas import write_instant
from tenants.ids import encode_id
from tenants.tables import utc_now
from tests import make
from tests.app.customers.test_customers_api import Shops
from tests.conftest import BrandHome

NOTHING: dict[str, Any] = {"paused_until": None, "muted_store_ids": [], "hours": None}


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


@pytest.fixture
def path(home: BrandHome, shops: Shops) -> str:
    """The preferences of somebody whom both stores know."""
    with home.open() as session:
        person = make.customer(session, shops.a, shops.b)
        session.commit()
        return f"/v1/customers/{encode_id('cus', person.id)}/preferences"


def read(api: TestClient, headers: dict[str, str], path: str) -> dict[str, Any]:
    answer = api.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert path == f"/v1/customers/{found.pop('customer_id')}/preferences"
    return found


def test_who_has_set_nothing_hears_everything(api: TestClient, home: BrandHome, path: str) -> None:
    assert read(api, home.headers, path) == NOTHING


def test_what_is_put_stands_in_place_of_what_stood(api: TestClient, home: BrandHome, shops: Shops, path: str) -> None:
    until = write_instant(utc_now() + timedelta(days=30))
    wishes = {"paused_until": until, "muted_store_ids": [shops.b_id], "hours": {"from": "22:30", "to": "02:00"}}
    answer = api.put(path, json=wishes, headers=home.headers)
    assert answer.status_code == 200, answer.text
    assert read(api, home.headers, path) == wishes
    api.put(path, json={"hours": {"from": "09:00", "to": "21:00"}}, headers=home.headers)
    assert read(api, home.headers, path) == {**NOTHING, "hours": {"from": "09:00", "to": "21:00"}}


def test_a_store_mutes_itself_and_leaves_what_she_said_of_others(
    api: TestClient, home: BrandHome, shops: Shops, path: str
) -> None:
    api.put(path, json={"muted_store_ids": [shops.b_id]}, headers=home.headers)
    assert read(api, shops.key_a, path)["muted_store_ids"] == []
    told = api.put(path, json={"muted_store_ids": [shops.a_id]}, headers=shops.key_a).json()
    assert told["muted_store_ids"] == [shops.a_id]
    assert set(read(api, home.headers, path)["muted_store_ids"]) == {shops.a_id, shops.b_id}
    other = api.put(path, json={"muted_store_ids": [shops.b_id]}, headers=shops.key_a)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/muted_store_ids/0")


@pytest.mark.parametrize(
    "hours", [{"from": "24:00", "to": "09:00"}, {"from": "09:00", "to": "09:00"}, {"from": "09:00"}, "9-21"]
)
def test_hours_that_are_none_are_refused(api: TestClient, home: BrandHome, path: str, hours: Any) -> None:
    assert api.put(path, json={"hours": hours}, headers=home.headers).status_code == 422
    assert read(api, home.headers, path) == NOTHING
