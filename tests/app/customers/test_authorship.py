"""Whose word stands: what a store may write of a customer who is the whole brand's."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer
from tests import make
from tests.app.customers.test_customers_api import Shops, upsert
from tests.conftest import BrandHome

BY_BRAND = {"name": "本部 花子", "email": "hanako@example.jp", "attributes": {"size": "L"}}


class Known:
    """A customer whom head office wrote down and who is tied to stores A and B."""

    def __init__(self, api: TestClient, home: BrandHome, shops: Shops) -> None:
        self.api, self.home = api, home
        self.id = upsert(api, home.headers, phone="09012345678", **BY_BRAND).json()["id"]
        for key in (shops.key_a, shops.key_b):
            upsert(api, key, phone="09012345678")

    def patch(self, headers: dict[str, str], **changes: Any) -> Any:
        return self.api.patch(f"/v1/customers/{self.id}", json=changes, headers=headers)

    def read(self) -> dict[str, Any]:
        """She as head office sees her."""
        read: dict[str, Any] = self.api.get(f"/v1/customers/{self.id}", headers=self.home.headers).json()
        return read


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


@pytest.fixture
def known(api: TestClient, home: BrandHome, shops: Shops) -> Known:
    return Known(api, home, shops)


def test_a_store_fills_what_nobody_knew_and_changes_it_later(known: Known, shops: Shops) -> None:
    for gender, colour in (("female", "red"), ("other", "blue"), (None, None)):
        answer = known.patch(shops.key_a, gender=gender, attributes={"colour": colour})
        assert (answer.status_code, answer.json()["gender"]) == (200, gender)
        assert answer.json()["attributes"].get("colour") == colour
    assert known.patch(shops.key_b, gender="female").status_code == 200


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"name": "別人"}, "name"),
        ({"name": None}, "name"),
        ({"phone": "09099999999"}, "phone"),
        ({"gender": "male", "email": "x@example.jp"}, "email"),
        ({"attributes": {"size": "S", "colour": "red"}}, "attributes.size"),
        ({"attributes": {"size": None}}, "attributes.size"),
        ({"attributes": None}, "attributes.size"),
    ],
)
def test_a_store_does_not_write_over_the_brands_word(
    known: Known, shops: Shops, changes: dict[str, Any], refused: str
) -> None:
    before = known.read()
    answer = known.patch(shops.key_a, **changes)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert f" {refused};" in answer.json()["detail"]
    assert known.read() == before


def test_a_store_does_not_write_over_another_stores_word_but_head_office_does(
    known: Known, home: BrandHome, shops: Shops
) -> None:
    known.patch(shops.key_a, gender="female", attributes={"colour": "red"})
    assert known.patch(shops.key_b, gender="male").status_code == 409
    assert known.patch(shops.key_b, attributes={"colour": "blue"}).status_code == 409
    assert known.patch(home.headers, gender="other", attributes={"colour": "green"}).status_code == 200
    assert known.patch(shops.key_a, gender="female").status_code == 409
    assert known.patch(shops.key_a, attributes={"colour": "red"}).status_code == 409


def test_saying_what_stands_already_is_no_change(known: Known, shops: Shops) -> None:
    assert known.patch(shops.key_a, phone="09012345678", **BY_BRAND).status_code == 200


def test_an_upsert_leaves_the_brands_word_without_a_word(known: Known, shops: Shops) -> None:
    answer = upsert(known.api, shops.key_a, phone="09012345678", name="別人", gender="female")
    assert (answer.status_code, answer.json()["name"], answer.json()["gender"]) == (200, "本部 花子", "female")


def test_a_store_changes_whom_the_brand_has_put_at_home_in_it(known: Known, home: BrandHome, shops: Shops) -> None:
    known.patch(home.headers, home_store_id=shops.a_id)
    assert known.patch(shops.key_b, name="別人").status_code == 409
    assert known.patch(shops.key_a, name="山田 花子").json()["name"] == "山田 花子"
    assert known.read()["name"] == "山田 花子"


def test_a_store_gains_nothing_by_calling_itself_her_home(known: Known, shops: Shops) -> None:
    assert known.patch(shops.key_a, home_store_id=shops.a_id).status_code == 200
    assert known.patch(shops.key_a, name="別人").status_code == 409
    assert known.patch(shops.key_b, home_store_id=shops.b_id).status_code == 409
    assert known.patch(shops.key_a, home_store_id=None).status_code == 200


def test_a_key_of_two_stores_changes_what_either_wrote(known: Known, shops: Shops) -> None:
    known.patch(shops.key_a, gender="female")
    known.patch(shops.key_b, birthday_on="1990-04-01")
    assert known.patch(shops.key_both, gender="other", birthday_on="1990-04-02").status_code == 200


def test_whom_a_store_made_it_may_change(api: TestClient, shops: Shops) -> None:
    made = upsert(api, shops.key_a, phone="09012345678", name="山田", attributes={"size": "L"}).json()
    path = f"/v1/customers/{made['id']}"
    changed = api.patch(path, json={"name": "山田 花子", "attributes": {"size": "S"}}, headers=shops.key_a)
    assert (changed.status_code, changed.json()["attributes"]) == (200, {"size": "S"})


def test_a_tie_that_a_store_makes_is_on_the_timeline(known: Known, home: BrandHome, shops: Shops) -> None:
    items = known.api.get(f"/v1/customers/{known.id}/timeline", headers=home.headers).json()["items"]
    ties = [item["store_id"] for item in items if "store_ids" in item["data"].get("fields", ())]
    assert ties == [shops.b_id, shops.a_id]


def test_nothing_is_noted_of_the_brands_own_writing(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        one = make.customer(session, shops.a)
        session.commit()
    made = upsert(api, home.headers, phone="09012345678", **BY_BRAND)
    assert made.status_code == 201
    with home.open() as session:
        assert session.exec(select(col(Customer.written_by))).all() == [{}, {}]
        assert session.exec(select(Customer).where(col(Customer.id) == one.id)).one().profile_updated_at is None


def test_emptying_a_home_that_it_does_not_see_tells_a_store_nothing(
    api: TestClient, known: Known, home: BrandHome, shops: Shops
) -> None:
    assert known.patch(shops.key_a, home_store_id=None).status_code == 200
    known.patch(home.headers, home_store_id=shops.b_id)
    assert known.patch(shops.key_a, home_store_id=None).status_code == 200
    assert known.read()["home_store_id"] == shops.b_id
