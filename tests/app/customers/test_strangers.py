"""What a store's upsert does to a person whom the brand knew and the store did not: she is tied to it, no more."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore, Identity
from app.customers.tags import service as tags
from tests import make
from tests.app.customers.test_customers_api import NOON, Shops, ids, upsert
from tests.conftest import BrandHome

KNOWN = {
    "external_id": "e-1",
    "member_number": "M-1",
    "name": "秘密花子",
    "phone": "+819012345678",
    "email": "himitsu@example.jp",
    "birthday_on": "1990-04-01",
    "gender": "female",
    "attributes": {"vip": True, "size": "L"},
}


class Stranger:
    """A person of store B of whom the brand knows all there is, and what head office sees of her."""

    def __init__(self, api: TestClient, home: BrandHome, shops: Shops) -> None:
        made = upsert(api, home.headers, **KNOWN, home_store_id=shops.b_id).json()
        with home.open() as session:
            person = session.exec(select(Customer)).one()
            shown = make.friend(session, make.line_account(session, shops.b), person)
            profile = session.exec(select(Identity).where(col(Identity.id) == shown.identity_id)).one()
            profile.display_name, profile.profile_at = "Himitsu", NOON
            person.order_count, person.spend_yen, person.last_order_at = 3, 3000, NOON
            at_b = session.get_one(CustomerStore, (home.scope.brand_id, person.id, shops.b.id))
            at_b.order_count, at_b.spend_yen, at_b.last_order_at = 3, 3000, NOON
            tags.tag(session, person.id, [make.tag(session, name="vip")], source="test", now=NOON)
            session.commit()
        self.path = f"/v1/customers/{made['id']}"
        self.id = made["id"]
        self.before = self.read(api, home)

    def read(self, api: TestClient, home: BrandHome) -> dict[str, Any]:
        """She as head office sees her."""
        read: dict[str, Any] = api.get(self.path, headers=home.headers).json()
        return read


@pytest.fixture
def stranger(api: TestClient, home: BrandHome, shops: Shops) -> Stranger:
    return Stranger(api, home, shops)


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


def _but_for_id_and_times(answer: Any) -> tuple[int, list[str], dict[str, Any]]:
    """Status, names of the headers and members in their order, without what differs between any two calls."""
    body = answer.json()
    assert body["created_at"] == body["updated_at"] > "2026"
    times = ("created_at", "first_seen_at", "updated_at")
    kept = {name: None if name == "id" or name in times else value for name, value in body.items()}
    assert list(kept) == list(body)
    return answer.status_code, sorted(answer.headers), kept


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"name": None, "attributes": None, "home_store_id": None},
        {"name": "x", "email": "X@example.jp", "birthday_on": "2000-01-01", "gender": "other"},
        {"attributes": {"vip": False, "size": None, "colour": "red"}},
        {"home_store_id": "own"},
    ],
)
def test_a_store_is_told_the_same_of_a_stranger_as_of_a_new_person(
    api: TestClient, shops: Shops, stranger: Stranger, more: dict[str, Any]
) -> None:
    more = {name: shops.a_id if value == "own" else value for name, value in more.items()}
    known = upsert(api, shops.key_a, phone="09012345678", **more)
    new = upsert(api, shops.key_a, phone="09099999999", **more)
    assert known.json()["id"] == stranger.id
    status, headers, told = _but_for_id_and_times(known)
    assert (status, headers, {**told, "phone": "+819099999999"}) == _but_for_id_and_times(new)
    assert (status, told["store_ids"], told["tags"], told["order_count"]) == (200, [shops.a_id], [], 0)


@pytest.mark.parametrize("key", ["external_id", "member_number", "phone", "email"])
def test_each_key_finds_a_stranger_and_tells_nothing_else_of_her(
    api: TestClient, shops: Shops, stranger: Stranger, key: str
) -> None:
    told = upsert(api, shops.key_a, **{key: KNOWN[key]}).json()
    assert (told["id"], told[key], told["attributes"]) == (stranger.id, KNOWN[key], {})
    others = {*KNOWN, "display_name", "home_store_id", "last_order_at"} - {key, "attributes"}
    assert {name: told[name] for name in others} == dict.fromkeys(others)


def test_a_store_overwrites_nothing_of_a_stranger(
    api: TestClient, home: BrandHome, shops: Shops, stranger: Stranger
) -> None:
    wanted = {"name": "x", "phone": "09099999999", "email": "x@example.jp", "gender": None, "birthday_on": "2000-01-01"}
    attributes = {"vip": None, "size": "S"}
    answer = upsert(api, shops.key_a, member_number="M-1", home_store_id=shops.a_id, attributes=attributes, **wanted)
    assert answer.status_code == 200
    after = stranger.read(api, home)
    assert after["store_ids"] == [shops.a_id, shops.b_id]
    assert {**after, "store_ids": [], "updated_at": ""} == {**stranger.before, "store_ids": [], "updated_at": ""}


def test_a_store_fills_what_nobody_knew_of_a_stranger(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, home.headers, phone="09012345678", attributes={"size": "L"}).json()
    wanted = {"name": "花子", "member_number": "M-2", "attributes": {"size": "S", "colour": "red"}}
    upsert(api, shops.key_a, phone="09012345678", home_store_id=shops.a_id, **wanted)
    after = api.get(f"/v1/customers/{made['id']}", headers=home.headers).json()
    assert (after["name"], after["member_number"], after["home_store_id"]) == ("花子", "M-2", shops.a_id)
    assert after["attributes"] == {"size": "L", "colour": "red"}


def test_attributes_beyond_the_most_do_not_tell_how_many_a_stranger_has(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    for first in (0, 100):
        full = {f"a{number}": 1 for number in range(first, first + 100)}
        assert upsert(api, home.headers, phone="09012345678", attributes=full).status_code in (200, 201)
    answer = upsert(api, shops.key_a, phone="09012345678", attributes={"one": "more"})
    assert (answer.status_code, answer.json()["attributes"]) == (200, {"one": "more"})


def test_a_store_is_tied_to_a_stranger_and_sees_her_from_then_on(
    api: TestClient, home: BrandHome, shops: Shops, stranger: Stranger
) -> None:
    upsert(api, shops.key_a, phone="09012345678")
    assert ids(api.get("/v1/customers", headers=shops.key_a)) == [stranger.id]
    again = upsert(api, shops.key_a, phone="09012345678", name="花子")
    assert (again.json()["name"], again.json()["member_number"]) == ("秘密花子", "M-1")
    assert stranger.read(api, home)["name"] == "秘密花子"


def test_a_new_person_is_told_to_a_store_as_she_is_kept(api: TestClient, shops: Shops) -> None:
    body = {**KNOWN, "attributes": {"vip": True, "size": None}, "home_store_id": shops.b_id}
    told = upsert(api, shops.key_both, store_id=shops.a_id, **body)
    read = api.get(f"/v1/customers/{told.json()['id']}", headers=shops.key_both)
    assert (told.json(), told.headers["etag"]) == (read.json(), read.headers["etag"])
    assert (read.json()["store_ids"], read.json()["attributes"]) == ([shops.a_id, shops.b_id], {"vip": True})


def test_a_strangers_keys_that_disagree_name_nobody(
    api: TestClient, home: BrandHome, shops: Shops, stranger: Stranger
) -> None:
    answer = upsert(api, shops.key_a, phone="09012345678", member_number="M-9")
    assert (answer.status_code, sorted(answer.json()["keys"])) == (409, ["member_number", "phone"])
    assert stranger.id not in answer.text
    assert stranger.read(api, home) == stranger.before
