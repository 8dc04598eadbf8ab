"""Customers over HTTP, as head office and as a store see them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore, Identity
from app.customers.tags import service as tags
from app.events.models import Event
from tenants.ids import encode_id, uuid7
from tests import make
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class Shops:
    """Two stores of a brand, each with a key."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            self.a, self.b = make.store(session), make.store(session)
            self.key_a = {"Authorization": f"Bearer {make.store_key(session, self.a)}"}
            self.key_b = {"Authorization": f"Bearer {make.store_key(session, self.b)}"}
            self.key_both = {"Authorization": f"Bearer {make.store_key(session, self.a, self.b)}"}
            session.commit()
        self.a_id, self.b_id = encode_id("store", self.a.id), encode_id("store", self.b.id)


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


def upsert(api: TestClient, headers: dict[str, str], **body: Any) -> Any:
    return api.post("/v1/customers", json=body, headers=headers)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_a_customer_is_created_and_then_changed_by_the_same_key(api: TestClient, home: BrandHome) -> None:
    created = upsert(api, home.headers, external_id="e-1", name=" 山田 花子 ", phone="090-1234-5678")
    assert (created.status_code, created.json()["name"], created.json()["phone"]) == (201, "山田 花子", "+819012345678")
    changed = upsert(api, home.headers, external_id="e-1", gender="female", birthday_on="1990-04-01")
    assert (changed.status_code, changed.json()["id"]) == (200, created.json()["id"])
    assert (changed.json()["name"], changed.json()["birthday_on"]) == ("山田 花子", "1990-04-01")
    read = api.get(f"/v1/customers/{created.json()['id']}", headers=home.headers)
    assert read.json() == changed.json()
    assert read.headers["etag"] == changed.headers["etag"]


@pytest.mark.parametrize(
    ("key", "first", "again"),
    [
        ("phone", "090 1234 5678", "+81-90-1234-5678"),
        ("phone", "０３−１２３４−５６７８", "(03)1234-5678"),
        ("phone", "+1 650 253 0000", "+16502530000"),
        ("email", " Hanako@Example.JP", "hanako@example.jp"),
        ("member_number", "M-1", "M-1"),
    ],
)
def test_each_key_finds_the_same_person_however_it_is_written(
    api: TestClient, home: BrandHome, key: str, first: str, again: str
) -> None:
    one = upsert(api, home.headers, **{key: first})
    two = upsert(api, home.headers, **{key: again})
    assert (one.status_code, two.status_code, two.json()["id"]) == (201, 200, one.json()["id"])


def test_a_key_may_be_added_by_another_key(api: TestClient, home: BrandHome) -> None:
    one = upsert(api, home.headers, phone="09012345678").json()
    upsert(api, home.headers, phone="09012345678", external_id="e-1")
    assert upsert(api, home.headers, external_id="e-1").json()["id"] == one["id"]


def test_keys_of_two_people_are_a_conflict_that_names_neither(api: TestClient, home: BrandHome) -> None:
    upsert(api, home.headers, external_id="e-1", phone="09011111111", name="秘密")
    upsert(api, home.headers, external_id="e-2", phone="09022222222")
    for body in ({"external_id": "e-1", "phone": "09022222222"}, {"external_id": "e-3", "phone": "09022222222"}):
        answer = upsert(api, home.headers, **body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/keys-disagree")
        assert sorted(answer.json()["keys"]) == ["external_id", "phone"]
        assert "秘密" not in answer.text
        assert "e-2" not in answer.text
    assert upsert(api, home.headers, external_id="e-1").json()["phone"] == "+819011111111"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"name": "x"}, ""),
        ({"external_id": None}, ""),
        ({"external_id": ""}, "/external_id"),
        ({"external_id": "a\x00b"}, "/external_id"),
        ({"external_id": 1}, "/external_id"),
        ({"phone": "123"}, "/phone"),
        ({"phone": "09012345678x"}, "/phone"),
        ({"email": "nobody"}, "/email"),
        ({"external_id": "e", "birthday_on": "1990-02-30"}, "/birthday_on"),
        ({"external_id": "e", "birthday_on": 0}, "/birthday_on"),
        ({"external_id": "e", "birthday_on": "2199-01-01"}, "/birthday_on"),
        ({"external_id": "e", "gender": "F"}, "/gender"),
        ({"external_id": "e", "attributes": {"a": {"b": 1}}}, "/attributes"),
        ({"external_id": "e", "attributes": {"": 1}}, "/attributes"),
        ({"external_id": "e", "attributes": {"a": 10**30}}, "/attributes/a"),
        ({"external_id": "e", "home_store_id": "cus_x"}, "/home_store_id"),
        ({"external_id": "e", "spend_yen": 1}, "/spend_yen"),
        ({"external_id": "e" * 300}, "/external_id"),
    ],
)
def test_a_malformed_customer_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    answer = upsert(api, home.headers, **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text


def test_many_upserts_of_one_new_person_at_once_make_one_customer(api: TestClient, home: BrandHome) -> None:
    def one(turn: int) -> tuple[int, str]:
        keys = [{"external_id": "e-1"}, {"phone": "09012345678"}][turn % 2 :]
        answer = upsert(api, home.headers, **{"external_id": "e-1", "phone": "09012345678", **keys[0]})
        return answer.status_code, answer.json()["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert len({customer_id for _, customer_id in answers}) == 1
    assert sorted(status for status, _ in answers) == [200] * 23 + [201]


def test_patch_merges_attributes_and_empties_by_null(api: TestClient, home: BrandHome) -> None:
    made = upsert(api, home.headers, external_id="e", name="花子", attributes={"size": "L", "vip": True}).json()
    path = f"/v1/customers/{made['id']}"
    answer = api.patch(path, json={"name": None, "attributes": {"size": None, "shoe": 23.5}}, headers=home.headers)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["attributes"]) == (None, {"vip": True, "shoe": 23.5})
    assert answer.json()["updated_at"] > made["updated_at"]


def test_patch_of_a_stale_version_is_refused(api: TestClient, home: BrandHome) -> None:
    made = upsert(api, home.headers, external_id="e")
    path, tag = f"/v1/customers/{made.json()['id']}", made.headers["etag"]
    first = api.patch(path, json={"name": "一"}, headers={**home.headers, "If-Match": tag})
    second = api.patch(path, json={"name": "二"}, headers={**home.headers, "If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)


def test_patch_does_not_take_another_persons_key(api: TestClient, home: BrandHome) -> None:
    upsert(api, home.headers, external_id="e-1")
    other = upsert(api, home.headers, external_id="e-2").json()
    answer = api.patch(f"/v1/customers/{other['id']}", json={"external_id": "e-1"}, headers=home.headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/keys-disagree")


def test_what_changed_is_on_the_timeline_by_name_only(api: TestClient, home: BrandHome) -> None:
    made = upsert(api, home.headers, external_id="e", name="花子").json()
    api.patch(f"/v1/customers/{made['id']}", json={"name": "秘密", "external_id": "e"}, headers=home.headers)
    timeline = api.get(f"/v1/customers/{made['id']}/timeline", headers=home.headers)
    items = timeline.json()["items"]
    assert [item["type"] for item in items] == ["customer.updated", "customer.created"]
    assert items[0]["data"] == {"fields": ["name"]}
    assert items[1]["data"] == {"source": "api"}


def test_lists_filter_by_name_tag_store_and_time(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        hanako = make.customer(session, shops.a, name="山田花子", member_number="M-100%", updated_at=NOON)
        taro = make.customer(session, shops.b, name="鈴木太郎", updated_at=NOON + timedelta(hours=1))
        shown = make.friend(session, make.line_account(session, shops.a), taro)
        session.exec(select(Identity).where(col(Identity.id) == shown.identity_id)).one().display_name = "Taro_T"
        tag = make.tag(session, name="ramen-lover")
        tags.tag(session, hanako.id, [tag], source="test", now=NOON)
        session.commit()
    hanako_id, taro_id = encode_id("cus", hanako.id), encode_id("cus", taro.id)

    def found(**query: str) -> list[str]:
        return ids(api.get("/v1/customers", params=query, headers=home.headers))

    assert found() == [taro_id, hanako_id]
    assert found(q="花子") == [hanako_id]
    assert found(q="taro_t") == [taro_id]
    assert found(q="100%") == [hanako_id]
    assert found(q="_") == [taro_id]
    assert found(tag="ramen-lover") == [hanako_id]
    assert found(tag=encode_id("tag", tag.id)) == [hanako_id]
    assert found(tag=encode_id("tag", uuid7())) == []
    assert found(store_id=shops.a_id) == [taro_id, hanako_id]
    assert found(store_id=shops.b_id) == [taro_id]
    assert found(updated_after="2026-11-21T03:30:00Z", store_id=shops.b_id) == [taro_id]


def test_a_list_holds_those_whom_a_segment_chooses(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        make.customer(session, shops.a)
        tagged = make.customer(session, shops.a)
        tags.tag(session, tagged.id, [make.tag(session, name="vip")], source="test", now=NOON)
        session.commit()
    rule = {"all": [{"field": "tag", "op": "has", "value": "vip"}]}
    segment = api.post("/v1/segments", json={"name": "VIP", "rule": rule}, headers=home.headers).json()
    for headers in (home.headers, shops.key_a):
        found = api.get("/v1/customers", params={"segment_id": segment["id"]}, headers=headers)
        assert ids(found) == [encode_id("cus", tagged.id)]
    unknown = api.get("/v1/customers", params={"segment_id": encode_id("seg", uuid7())}, headers=home.headers)
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [("q=%00", 422), ("q=", 422), ("store_id=x", 422), ("store_id=store_" + "0" * 26, 404), ("updated_after=1", 422)],
)
def test_odd_filters_are_problems(api: TestClient, home: BrandHome, query: str, status: int) -> None:
    assert api.get(f"/v1/customers?{query}", headers=home.headers).status_code == status


def test_pages_follow_each_other(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        made = [encode_id("cus", make.customer(session, shops.a, shops.b).id) for _ in range(5)]
        session.commit()
    for headers in (home.headers, shops.key_a, shops.key_both):
        seen: list[str] = []
        cursor = None
        while True:
            query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            answer = api.get("/v1/customers", params=query, headers=headers)
            seen += ids(answer)
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert seen == made[::-1]


def test_a_store_sees_its_own_people_and_its_own_figures(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        both = make.customer(session, shops.a, shops.b, order_count=3, spend_yen=3000, last_order_at=NOON)
        both.home_store_id, both.home_store_no = shops.b.id, shops.b.no
        at_a = session.get_one(CustomerStore, (home.scope.brand_id, both.id, shops.a.id))
        at_a.order_count, at_a.spend_yen, at_a.last_order_at = 1, 900, NOON - timedelta(days=1)
        hidden = make.customer(session, shops.b)
        session.commit()
    answer = api.get("/v1/customers", headers=shops.key_a)
    (item,) = answer.json()["items"]
    assert (item["order_count"], item["spend_yen"], item["last_order_at"]) == (1, 900, "2026-11-20T03:00:00Z")
    assert (item["store_ids"], item["home_store_id"]) == ([shops.a_id], None)
    whole = api.get(f"/v1/customers/{encode_id('cus', both.id)}", headers=home.headers).json()
    assert (whole["order_count"], whole["spend_yen"], whole["store_ids"]) == (3, 3000, [shops.a_id, shops.b_id])
    for method in ("GET", "PATCH"):
        path = f"/v1/customers/{encode_id('cus', hidden.id)}"
        assert api.request(method, path, headers=shops.key_a, json={}).status_code == 404


def test_a_stores_upsert_ties_whoever_it_finds_and_tells_nothing_by_its_status(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    with home.open() as session:
        known = make.customer(session, shops.b, phone="+819012345678", order_count=2, spend_yen=500)
        session.commit()
    new = upsert(api, shops.key_a, phone="09099999999")
    found = upsert(api, shops.key_a, phone="09012345678")
    assert (new.status_code, found.status_code) == (200, 200)
    assert found.json()["id"] == encode_id("cus", known.id)
    assert (found.json()["order_count"], found.json()["store_ids"]) == (0, [shops.a_id])
    assert ids(api.get("/v1/customers", headers=shops.key_a)) == [new.json()["id"], found.json()["id"]]


def test_a_key_of_two_stores_names_the_store(api: TestClient, shops: Shops) -> None:
    unnamed = upsert(api, shops.key_both, phone="09012345678")
    named = upsert(api, shops.key_both, phone="09012345678", store_id=shops.b_id)
    assert (unnamed.status_code, unnamed.json()["errors"][0]["pointer"]) == (422, "/store_id")
    assert named.json()["store_ids"] == [shops.b_id]


@pytest.mark.parametrize("field", ["store_id", "home_store_id"])
def test_a_store_names_no_other_store(api: TestClient, shops: Shops, field: str) -> None:
    assert upsert(api, shops.key_a, phone="09012345678", **{field: shops.b_id}).status_code == 404


def test_a_stores_key_does_not_erase(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, shops.key_a, phone="09012345678").json()
    refused = api.delete(f"/v1/customers/{made['id']}", headers=shops.key_a)
    assert (refused.status_code, refused.json()["permission"]) == (403, "customers:erase")
    assert api.get(f"/v1/customers/{made['id']}", headers=home.headers).status_code == 200


def test_another_brands_customer_is_not_there(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    made = upsert(api, home.headers, external_id="e").json()
    for method, more in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/timeline"), ("GET", "/friends")]:
        answer = api.request(method, f"/v1/customers/{made['id']}{more}", headers=other_home.headers, json={})
        assert answer.status_code == 404
    assert ids(api.get("/v1/customers", headers=other_home.headers)) == []
    assert upsert(api, other_home.headers, external_id="e").status_code == 201


def test_a_home_store_ties_her_to_it(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, home.headers, external_id="e", home_store_id=shops.a_id).json()
    assert (made["home_store_id"], made["store_ids"]) == (shops.a_id, [shops.a_id])
    gone = api.patch(f"/v1/customers/{made['id']}", json={"home_store_id": None}, headers=home.headers).json()
    assert (gone["home_store_id"], gone["store_ids"]) == (None, [shops.a_id])
    with home.open() as session:
        assert session.exec(select(Customer)).one().home_store_no is None


def test_friends_are_those_of_the_callers_accounts(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        person = make.customer(session)
        a, b = make.line_account(session, shops.a), make.line_account(session, shops.b)
        make.friend(session, a, person, followed_at=NOON)
        make.friend(session, b, person, status="blocked")
        session.commit()
    path = f"/v1/customers/{encode_id('cus', person.id)}/friends"
    (own,) = api.get(path, headers=shops.key_a).json()["items"]
    assert own["line_account_id"] == encode_id("acc", a.id)
    assert (own["status"], own["source"], own["followed_at"]) == ("following", "follow", "2026-11-21T03:00:00Z")
    assert {item["status"] for item in api.get(path, headers=home.headers).json()["items"]} == {"following", "blocked"}


def test_a_store_reads_the_timeline_of_its_own_stores(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, shops.key_a, phone="09012345678").json()
    upsert(api, shops.key_b, phone="09012345678", name="花子")
    path = f"/v1/customers/{made['id']}/timeline"
    assert [item["store_id"] for item in api.get(path, headers=shops.key_b).json()["items"]] == [shops.b_id]
    assert len(api.get(path, headers=home.headers).json()["items"]) == 2
    with home.open() as session:
        assert len(session.exec(select(Event)).all()) == 2
