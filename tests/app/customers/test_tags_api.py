"""Tags over HTTP: the brand's and the stores' own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.customers.models import Customer, CustomerTag
from tenants.ids import encode_id
from tests import make
from tests.app.customers.test_customers_api import Shops
from tests.conftest import BrandHome


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


@pytest.fixture
def person(home: BrandHome, shops: Shops) -> str:
    """The path of a customer of both stores."""
    with home.open() as session:
        customer = make.customer(session, shops.a, shops.b)
        session.commit()
    return f"/v1/customers/{encode_id('cus', customer.id)}"


def create(api: TestClient, headers: dict[str, str], **body: Any) -> Any:
    return api.post("/v1/tags", json=body, headers=headers)


def test_a_tag_is_created_read_renamed_and_archived(api: TestClient, home: BrandHome) -> None:
    made = create(api, home.headers, name="ramen-lover")
    assert (made.status_code, made.json()["name"], made.json()["store_id"]) == (201, "ramen-lover", None)
    path = f"/v1/tags/{made.json()['id']}"
    assert api.get(path, headers=home.headers).json() == made.json()
    renamed = api.patch(path, json={"name": "麺好き"}, headers=home.headers)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "麺好き")
    assert [tag["name"] for tag in api.get("/v1/tags", headers=home.headers).json()["items"]] == ["麺好き"]
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert create(api, home.headers, name="麺好き").status_code == 201


def test_names_are_unique_for_their_owner(api: TestClient, home: BrandHome, shops: Shops) -> None:
    create(api, home.headers, name="vip")
    other = create(api, home.headers, name="other").json()
    assert create(api, home.headers, name="vip").status_code == 409
    assert api.patch(f"/v1/tags/{other['id']}", json={"name": "vip"}, headers=home.headers).status_code == 409
    assert create(api, shops.key_a, name="vip").json()["store_id"] == shops.a_id
    assert create(api, shops.key_b, name="vip", store_id=shops.b_id).status_code == 201


def test_two_who_create_one_name_at_once_make_one_tag(api: TestClient, home: BrandHome) -> None:
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: create(api, home.headers, name="vip").status_code, range(6)))
    assert sorted(statuses) == [201] + [409] * 5


def test_a_store_reads_the_brands_tags_and_changes_its_own_only(api: TestClient, home: BrandHome, shops: Shops) -> None:
    brands = create(api, home.headers, name="brand").json()
    own = create(api, shops.key_a, name="own").json()
    others = create(api, shops.key_b, name="others").json()
    names = [tag["name"] for tag in api.get("/v1/tags", headers=shops.key_a).json()["items"]]
    assert names == ["own", "brand"]
    for tag, status in [(brands, 403), (others, 404), (own, 200)]:
        answer = api.patch(f"/v1/tags/{tag['id']}", json={"name": f"new {tag['name']}"}, headers=shops.key_a)
        assert answer.status_code == status
    assert api.delete(f"/v1/tags/{brands['id']}", headers=shops.key_a).status_code == 403
    assert create(api, shops.key_a, name="x", store_id=shops.b_id).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/name"), ({"name": " "}, "/name"), ({"name": None}, "/name"), ({"name": "x", "no": 1}, "/no")],
)
def test_a_malformed_tag_is_refused(api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str) -> None:
    answer = create(api, home.headers, **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_customer_is_tagged_by_id_or_name_and_untagged(api: TestClient, home: BrandHome, person: str) -> None:
    tag = create(api, home.headers, name="ramen-lover").json()
    for named in (tag["id"], "ramen-lover"):
        answer = api.put(f"{person}/tags/{named}", headers=home.headers)
        assert (answer.status_code, answer.json()["tags"]) == (200, ["ramen-lover"])
    with home.open() as session:
        assert len(session.exec(select(CustomerTag)).all()) == len(session.exec(select(Customer)).one().tag_nos) == 1
    assert api.delete(f"{person}/tags/ramen-lover", headers=home.headers).status_code == 204
    assert api.get(person, headers=home.headers).json()["tags"] == []
    with home.open() as session:
        assert session.exec(select(Customer)).one().tag_nos == []


def test_a_name_that_no_tag_has_makes_one(api: TestClient, home: BrandHome, shops: Shops, person: str) -> None:
    assert api.put(f"{person}/tags/新規", headers=home.headers).json()["tags"] == ["新規"]
    assert api.put(f"{person}/tags/常連", headers=shops.key_a).json()["tags"] == ["常連", "新規"]
    owners = {tag["name"]: tag["store_id"] for tag in api.get("/v1/tags", headers=home.headers).json()["items"]}
    assert owners == {"新規": None, "常連": shops.a_id}


def test_a_store_does_not_see_or_use_another_stores_tags(
    api: TestClient, home: BrandHome, shops: Shops, person: str
) -> None:
    brands = create(api, home.headers, name="brand").json()
    others = create(api, shops.key_b, name="others").json()
    for headers, tag in [(home.headers, brands), (shops.key_b, others)]:
        assert api.put(f"{person}/tags/{tag['id']}", headers=headers).status_code == 200
    assert api.get(person, headers=shops.key_a).json()["tags"] == ["brand"]
    for tag, status in [(brands, 403), (others, 404)]:
        assert api.put(f"{person}/tags/{tag['id']}", headers=shops.key_a).status_code == status
        assert api.delete(f"{person}/tags/{tag['id']}", headers=shops.key_a).status_code == status


@pytest.mark.parametrize("named", ["tag_" + "0" * 26, "%20", "%00", "x" * 300])
def test_an_unknown_tag_id_or_an_empty_name_is_a_problem(
    api: TestClient, home: BrandHome, person: str, named: str
) -> None:
    assert api.put(f"{person}/tags/{named}", headers=home.headers).status_code in (404, 422)
    assert api.delete(f"{person}/tags/{named}", headers=home.headers).status_code in (404, 422)


def test_tags_put_on_at_once_are_all_there(api: TestClient, home: BrandHome, person: str) -> None:
    names = [f"tag {turn}" for turn in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: api.put(f"{person}/tags/{name}", headers=home.headers), names))
    assert {answer.status_code for answer in answers} == {200}
    assert api.get(person, headers=home.headers).json()["tags"] == sorted(names)
    with home.open() as session:
        assert len(session.exec(select(Customer)).one().tag_nos) == len(names)


def test_an_archived_tag_no_longer_shows(api: TestClient, home: BrandHome, person: str) -> None:
    tag = create(api, home.headers, name="old").json()
    api.put(f"{person}/tags/old", headers=home.headers)
    api.delete(f"/v1/tags/{tag['id']}", headers=home.headers)
    assert api.get(person, headers=home.headers).json()["tags"] == []
    assert api.get("/v1/customers?tag=old", headers=home.headers).json()["items"] == []
