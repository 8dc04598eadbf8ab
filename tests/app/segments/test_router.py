"""Segments over HTTP: saving, previewing, and what a store may do."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.customers.models import Customer, CustomerStore
from app.customers.summary import add_orders
from app.segments.fields.base import FEW
from tenants.ids import encode_id, uuid7
from tenants.line_accounts.models import LineAccount
from tenants.permissions import STORE_PERMISSIONS
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.segments.calls import key_headers
from tests.conftest import BrandHome

EVERYBODY: dict[str, Any] = {"all": []}


def person(session: ScopedSession, store: Store, *accounts: LineAccount, **changes: Any) -> Customer:
    """A customer tied to a store who follows these accounts."""
    row = Customer(store_nos=[store.no], account_nos=[account.no for account in accounts], **changes)
    session.add(row)
    session.flush()
    session.add(CustomerStore(customer_id=row.id, store_id=store.id, store_no=store.no))
    session.flush()
    return row


def test_a_segment_is_saved_read_changed_and_archived(api: TestClient, home: BrandHome) -> None:
    rule = {"field": "order_count", "op": ">=", "value": 3}
    made = api.post("/v1/segments", headers=home.headers, json={"name": "常連", "rule": rule})
    assert made.status_code == 201
    path = f"/v1/segments/{made.json()['id']}"
    assert api.get(path, headers=home.headers).json() == made.json()
    assert made.json()["rule"] == rule
    assert made.json()["store_id"] is None

    changed = api.patch(path, headers={**home.headers, "If-Match": made.headers["ETag"]}, json={"rule": EVERYBODY})
    assert changed.json() == {**made.json(), "rule": EVERYBODY}
    stale = api.patch(path, headers={**home.headers, "If-Match": made.headers["ETag"]}, json={"name": "x"})
    assert stale.status_code == 412
    assert [row["id"] for row in api.get("/v1/segments", headers=home.headers).json()["items"]] == [made.json()["id"]]

    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert api.get("/v1/segments", headers=home.headers).json()["items"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rule": EVERYBODY}, "/name"),
        ({"name": "x", "rule": []}, "/rule"),
        ({"name": "x", "rule": {"all": [{"field": "tag", "op": "has", "value": "?"}]}}, "/rule/all/0/value"),
        ({"name": "x", "rule": EVERYBODY, "colour": 1}, "/colour"),
    ],
)
def test_a_malformed_segment_is_pointed_at(api: TestClient, home: BrandHome, body: object, pointer: str) -> None:
    answer = api.post("/v1/segments", headers=home.headers, json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_change_to_nothing_is_refused(api: TestClient, home: BrandHome) -> None:
    made = api.post("/v1/segments", headers=home.headers, json={"name": "全員", "rule": EVERYBODY}).json()
    for body, pointer in (({"name": None}, "/name"), ({"rule": {"any": 1}}, "/rule/any")):
        answer = api.patch(f"/v1/segments/{made['id']}", headers=home.headers, json=body)
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert api.get(f"/v1/segments/{made['id']}", headers=home.headers).json() == made


def test_a_preview_counts_customers_and_what_each_account_reaches(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    with home.open() as session:
        first, second = make.line_account(session, shops[0]), make.line_account(session, shops[1])
        gone = make.line_account(session, shops[1], archived_at=utc_now())
        person(session, shops[0], first)
        both = person(session, shops[0], first, second, name="春子")
        person(session, shops[1])
        person(session, shops[1], gone)
        person(session, shops[1], second, erased_at=utc_now())
        session.commit()
    preview = api.post("/v1/segments/preview", headers=home.headers, json={"rule": EVERYBODY}).json()
    assert (preview["customers"], preview["reachable"]) == (4, 2)
    reach = {row["line_account_id"]: row["reachable"] for row in preview["by_line_account"]}
    assert reach == {encode_id("acc", first.id): 2, encode_id("acc", second.id): 1}
    assert preview["fresh_at"].endswith("Z")
    assert len(preview["sample"]) == 4
    assert {"id": encode_id("cus", both.id), "name": "春子"} in preview["sample"]

    few = {"rule": {"field": "line_account", "op": "in", "value": [encode_id("acc", second.id)]}}
    assert api.post("/v1/segments/preview", headers=home.headers, json=few).json()["customers"] == 1
    nobody = api.post("/v1/segments/preview", headers=home.headers, json={"rule": {"any": []}}).json()
    assert (nobody["customers"], nobody["reachable"], nobody["sample"]) == (0, 0, [])


def test_a_store_previews_its_own_customers_and_accounts(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    with home.open() as session:
        mine, other = make.line_account(session, shops[0]), make.line_account(session, shops[1])
        person(session, shops[0], mine, other)
        person(session, shops[0], other)
        person(session, shops[1], other)
        session.commit()
    headers = key_headers(home, shops[0])
    preview = api.post("/v1/segments/preview", headers=headers, json={"rule": EVERYBODY}).json()
    assert (preview["customers"], preview["reachable"]) == (2, 1)
    assert preview["by_line_account"] == [{"line_account_id": encode_id("acc", mine.id), "reachable": 1}]


def test_examples_are_for_those_who_may_read_customers(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    with home.open() as session:
        person(session, shops[0])
        session.commit()
    headers = key_headers(home, shops[0], permissions=["segments:read"])
    preview = api.post("/v1/segments/preview", headers=headers, json={"rule": EVERYBODY}).json()
    assert (preview["customers"], preview["sample"]) == (1, [])


def test_a_store_reads_head_office_s_segments_and_changes_its_own(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    headers = key_headers(home, shops[0], permissions=[*STORE_PERMISSIONS, "segments:write"])
    body = {"name": "全員", "rule": EVERYBODY}
    brands = api.post("/v1/segments", headers=home.headers, json=body).json()
    theirs = api.post(
        "/v1/segments", headers=home.headers, json={**body, "store_id": encode_id("store", shops[1].id)}
    ).json()
    mine = api.post("/v1/segments", headers=headers, json=body).json()
    assert mine["store_id"] == encode_id("store", shops[0].id)

    listed = api.get("/v1/segments", headers=headers).json()["items"]
    assert [row["id"] for row in listed] == [mine["id"], brands["id"]]
    statuses = {
        key: (api.get(f"/v1/segments/{key}", headers=headers).status_code, patch_name(api, key, headers))
        for key in (mine["id"], brands["id"], theirs["id"], encode_id("seg", uuid7()))
    }
    assert list(statuses.values()) == [(200, 200), (200, 403), (404, 404), (404, 404)]
    assert api.delete(f"/v1/segments/{brands['id']}", headers=headers).status_code == 403
    elsewhere = {**body, "store_id": encode_id("store", shops[1].id)}
    assert api.post("/v1/segments", headers=headers, json=elsewhere).status_code == 404


def patch_name(api: TestClient, segment_id: str, headers: dict[str, str]) -> int:
    return int(api.patch(f"/v1/segments/{segment_id}", headers=headers, json={"name": "x"}).status_code)


def test_a_brand_sees_nothing_of_another_s_segments(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    made = api.post("/v1/segments", headers=home.headers, json={"name": "全員", "rule": EVERYBODY}).json()
    assert api.get(f"/v1/segments/{made['id']}", headers=other_home.headers).status_code == 404
    assert api.get("/v1/segments", headers=other_home.headers).json()["items"] == []


def test_customers_are_listed_by_a_saved_segment(api: TestClient, home: BrandHome, shops: tuple[Store, Store]) -> None:
    with home.open() as session:
        often, _ = person(session, shops[0], order_count=3), person(session, shops[0])
        rule = {"field": "order_count", "op": ">=", "value": 3}
        saved = make.segment(session, rule=rule)
        session.commit()
    chosen = {"segment_id": encode_id("seg", saved.id)}
    listed = api.get("/v1/customers", headers=home.headers, params=chosen).json()["items"]
    assert [row["id"] for row in listed] == [encode_id("cus", often.id)]


def test_a_store_uses_head_office_s_segment_for_what_it_sees(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    with home.open() as session:
        mine = person(session, shops[0])
        person(session, shops[1])
        places = [encode_id("store", shop.id) for shop in shops]
        saved = make.segment(session, rule={"field": "store", "op": "in", "value": places})
        session.commit()
    chosen = {"segment_id": encode_id("seg", saved.id)}
    listed = api.get("/v1/customers", headers=key_headers(home, shops[0]), params=chosen).json()["items"]
    assert [row["id"] for row in listed] == [encode_id("cus", mine.id)]


def test_every_field_counts_the_same_in_a_store_s_list_and_preview(
    api: TestClient, home: BrandHome, shops: tuple[Store, Store]
) -> None:
    now = utc_now()
    with home.open() as session:
        buyer, other = person(session, shops[0]), person(session, shops[0])
        add_orders(session, buyer, shops[0], orders=2, spend_yen=900, ordered_at=now, now=now)
        add_orders(session, other, shops[1], orders=9, spend_yen=9000, ordered_at=now, now=now)
        here = encode_id("store", shops[0].id)
        rules = [
            {"field": "store", "op": "bought_at", "value": here},
            {"field": "order_count", "op": "=", "value": 2},
            {"field": "spend_yen", "op": ">", "value": 0},
            {"field": "last_order_at", "op": "within_days", "value": 1},
            {"not": {"field": "last_order_at", "op": "never"}},
        ]
        saved = [make.segment(session, rule=rule).id for rule in rules]
        session.commit()
    for headers in (key_headers(home, shops[0]), key_headers(home, *shops)):
        is_both = api.get("/v1/me", headers=headers).json()["stores"] != [here]
        for rule, segment_id in zip(rules, saved, strict=True):
            chosen = {"segment_id": encode_id("seg", segment_id)}
            listed = api.get("/v1/customers", headers=headers, params=chosen).json()["items"]
            preview = api.post("/v1/segments/preview", headers=headers, json={"rule": rule}).json()
            found = {row["id"] for row in listed}
            assert found == {row["id"] for row in preview["sample"]}
            assert preview["customers"] == len(found)
            seen = [buyer, other] if is_both and rule not in rules[:2] else [buyer]
            assert found == {encode_id("cus", one.id) for one in seen}


def test_a_rule_may_name_more_stores_than_are_looked_for_one_by_one(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        places = [make.store(session) for _ in range(FEW + 1)]
        for place in places:
            person(session, place)
        person(session, make.store(session))
        session.commit()
    ids = [encode_id("store", place.id) for place in places]
    for count in (1, FEW, FEW + 1):
        rule = {"field": "store", "op": "in", "value": ids[:count]}
        preview = api.post("/v1/segments/preview", headers=home.headers, json={"rule": rule}).json()
        assert preview["customers"] == count
