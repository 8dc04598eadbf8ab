"""Merging over HTTP: for head office alone, and every old id goes on working."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tenants.brands.models import Brand
from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.customers.test_customers_api import Shops, upsert
from tests.conftest import BrandHome


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


class People:
    """Two records of one person: a member of store A, and whoever it was that bought online."""

    def __init__(self, api: TestClient, home: BrandHome, shops: Shops) -> None:
        self.api, self.home = api, home
        self.card = upsert(api, shops.key_a, member_number="M-1", name="山田花子").json()["id"]
        self.web = upsert(api, home.headers, external_id="web-1", email="hanako@example.jp").json()["id"]

    def post(self, path: str, **body: Any) -> Any:
        return self.api.post(f"/v1{path}", json=body or None, headers=self.home.headers)

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.api.get(f"/v1{path}", params=query, headers=headers or self.home.headers)

    def merge(self) -> dict[str, Any]:
        answer = self.post("/customers/merge", **{"from": self.web, "into": self.card})
        assert answer.status_code == 200, answer.text
        merged: dict[str, Any] = answer.json()
        return merged


@pytest.fixture
def people(api: TestClient, home: BrandHome, shops: Shops) -> People:
    return People(api, home, shops)


def test_a_merge_answers_with_itself_and_who_she_is_now(people: People) -> None:
    merge = people.merge()
    assert (merge["from_customer_id"], merge["into_customer_id"]) == (people.web, people.card)
    assert (merge["source"], merge["undone_at"]) == ("api", None)
    assert merge["merged_at"].endswith("Z")
    customer = merge["customer"]
    assert (customer["id"], customer["email"], customer["external_id"]) == (people.card, "hanako@example.jp", "web-1")
    assert people.get(f"/customer-merges/{merge['id']}").json() == merge
    assert people.get("/customer-merges", customer_id=people.web).json()["items"] == [merge]
    assert people.get("/customer-merges", customer_id=encode_id("cus", uuid7())).json()["items"] == []


def test_old_ids_and_keys_go_on_working(people: People, shops: Shops) -> None:
    people.merge()
    assert people.get(f"/customers/{people.web}").json() == people.get(f"/customers/{people.card}").json()
    for path in ("timeline", "friends", "consents", "notes"):
        old, new = (people.get(f"/customers/{one}/{path}") for one in (people.web, people.card))
        assert (old.status_code, old.json()) == (200, new.json()), path
    again = upsert(people.api, people.home.headers, external_id="web-1", name="山田 花子")
    assert (again.status_code, again.json()["id"], again.json()["name"]) == (200, people.card, "山田 花子")
    changed = people.api.patch(f"/v1/customers/{people.web}", json={"gender": "female"}, headers=people.home.headers)
    assert (changed.status_code, changed.json()["id"], changed.json()["gender"]) == (200, people.card, "female")
    tagged = people.api.put(f"/v1/customers/{people.web}/tags/常連", headers=people.home.headers)
    assert (tagged.json()["id"], tagged.json()["tags"]) == (people.card, ["常連"])


def test_an_order_by_the_old_id_is_hers(people: People, shops: Shops) -> None:
    people.merge()
    order = {"external_id": "R-1", "store_id": shops.a_id, "amount_yen": 100, "ordered_at": "2026-11-01T00:00:00Z"}
    answer = people.post("/orders", **order, customer_id=people.web)
    assert (answer.status_code, answer.json()["customer_id"]) == (201, people.card)
    for one in (people.web, people.card):
        assert len(people.get("/orders", customer_id=one).json()["items"]) == 1


def test_undoing_makes_two_of_one_again(people: People) -> None:
    before = [people.get(f"/customers/{one}").json() for one in (people.card, people.web)]
    merge = people.merge()
    undone = people.post(f"/customer-merges/{merge['id']}/undo")
    assert (undone.status_code, undone.json()["undone_at"] is not None) == (200, True)
    assert [people.get(f"/customers/{one}").json() for one in (people.card, people.web)] == before
    again = people.post(f"/customer-merges/{merge['id']}/undo")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/merge-undone")


def test_the_last_merge_is_undone_first(people: People) -> None:
    first = people.merge()
    third = upsert(people.api, people.home.headers, external_id="pos-1").json()["id"]
    second = people.post("/customers/merge", **{"from": third, "into": people.web}).json()
    assert second["into_customer_id"] == people.card
    refused = people.post(f"/customer-merges/{first['id']}/undo")
    assert (refused.status_code, refused.json()["undo_first"]) == (409, second["id"])


def test_a_merge_with_herself_or_nobody_is_refused(people: People) -> None:
    nobody = encode_id("cus", uuid7())
    assert people.post("/customers/merge", **{"from": people.web, "into": people.web}).status_code == 422
    assert people.post("/customers/merge", **{"from": people.web, "into": nobody}).status_code == 404
    assert people.post("/customers/merge", **{"from": nobody, "into": people.web}).status_code == 404
    assert people.post("/customers/merge", **{"from": "cus_x", "into": people.web}).status_code == 422


def test_stores_do_not_merge_nor_see_merges_or_conflicts(people: People, shops: Shops) -> None:
    merge = people.merge()
    for method, path in (
        ("POST", "customers/merge"), ("GET", "customer-merges"), ("GET", f"customer-merges/{merge['id']}"),
        ("POST", f"customer-merges/{merge['id']}/undo"), ("GET", "customer-conflicts"),
    ):  # fmt: skip
        body = {"from": people.web, "into": people.card} if path == "customers/merge" else None
        assert people.api.request(method, f"/v1/{path}", json=body, headers=shops.key_a).status_code == 403, path


def test_to_a_store_that_does_not_see_her_an_old_id_is_a_made_up_one(people: People, shops: Shops) -> None:
    people.merge()
    made_up = people.get(f"/customers/{encode_id('cus', uuid7())}", shops.key_b)
    old = people.get(f"/customers/{people.web}", shops.key_b)
    hide = {"request_id": None}
    assert (old.status_code, old.json() | hide) == (404, made_up.json() | hide)
    assert people.get(f"/customers/{people.web}", shops.key_a).json()["id"] == people.card


def test_without_a_basis_two_whom_line_told_of_are_not_merged(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        session.exec(select(Brand)).one().joining_basis = None
        account = make.line_account(session, make.store(session))
        ids = [encode_id("cus", make.friend(session, account).customer_id) for _ in range(2)]
        session.commit()
    answer = api.post("/v1/customers/merge", json={"from": ids[0], "into": ids[1]}, headers=home.headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/joining-needs-basis")
    assert "joining_basis" in answer.json()["detail"]


def disagree(people: People, headers: dict[str, str] | None = None) -> None:
    answer = upsert(people.api, headers or people.home.headers, member_number="M-1", external_id="web-1")
    assert (answer.status_code, answer.json()["keys"]) == (409, ["external_id", "member_number"])


def test_keys_that_name_two_people_leave_one_open_conflict(people: People, shops: Shops) -> None:
    disagree(people)
    disagree(people, shops.key_b)
    [conflict] = people.get("/customer-conflicts", open=True).json()["items"]
    assert conflict["customer_ids"] == sorted((people.card, people.web))
    assert (conflict["keys"], conflict["seen_count"]) == (["external_id", "member_number"], 2)
    assert people.get(f"/customer-conflicts/{conflict['id']}").json() == conflict


def test_a_conflict_is_dismissed_once_and_comes_anew(people: People) -> None:
    disagree(people)
    [conflict] = people.get("/customer-conflicts").json()["items"]
    path = f"/customer-conflicts/{conflict['id']}/dismiss"
    assert people.post(path).json()["resolution"] == "dismissed"
    assert people.post(path).status_code == 409
    assert people.get("/customer-conflicts", open=True).json()["items"] == []
    disagree(people)
    assert len(people.get("/customer-conflicts", open=True).json()["items"]) == 1


def test_a_merge_settles_what_was_open_between_the_two(people: People) -> None:
    disagree(people)
    people.merge()
    [conflict] = people.get("/customer-conflicts", open=False).json()["items"]
    assert conflict["resolution"] == "merged"


def test_a_patch_with_anothers_key_leaves_a_conflict_too(people: People) -> None:
    body = {"external_id": "web-1"}
    answer = people.api.patch(f"/v1/customers/{people.card}", json=body, headers=people.home.headers)
    assert (answer.status_code, answer.json()["keys"]) == (409, ["external_id"])
    [conflict] = people.get("/customer-conflicts").json()["items"]
    assert conflict["customer_ids"] == sorted((people.card, people.web))


def test_in_a_list_of_orders_a_phone_of_two_leaves_a_conflict_behind(people: People, shops: Shops) -> None:
    with people.home.open() as session:
        ids = [make.customer(session, phone="+819011112222").id for _ in range(2)]
        session.commit()
    order = {"store_id": shops.a_id, "amount_yen": 100, "ordered_at": "2026-11-01T00:00:00Z"}
    items = [{**order, "external_id": "R-1", "phone": "090-1111-2222"}, {**order, "external_id": "R-2"}]
    answer = people.post("/orders", items=items)
    assert [one["status"] for one in answer.json()["items"]] == [409, 201]
    [conflict] = people.get("/customer-conflicts").json()["items"]
    assert conflict["customer_ids"] == sorted(encode_id("cus", one) for one in ids)
