"""Every change is written down once, with its effect: who, what, before and after."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.audit.trail import MASK, MOST_ROWS, shown
from migrations.models import metadata
from tenants.ids import decode_id, encode_id
from tests import make
from tests.app.admin.calls import create, create_store
from tests.app.audit.conftest import ListEntries
from tests.conftest import BrandHome


def change(api: TestClient, home: BrandHome, path: str, **body: Any) -> None:
    answer = api.patch(path, json=body, headers=home.headers)
    assert answer.status_code == 200, answer.text


def test_a_number_of_a_hundred_digits_is_told_like_any_other() -> None:
    assert shown(metadata.tables["coupon"].c.benefit, {"amount": 10**100}) == {"amount": 1e100}


def test_a_change_tells_who_did_what_to_what(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    answer = api.post(
        "/v1/stores",
        json={"code": "S9", "name": "新宿店"},
        headers={**home.headers, "Request-Id": "req_of_this_test"},
    )
    (entry,) = list_entries("change")
    assert (entry.action, entry.status, entry.caller_kind) == ("create_store", 201, "api_client")
    assert (entry.caller_name, entry.request_id, entry.address) == ("本部システム", "req_of_this_test", "testclient")
    assert (entry.object_type, entry.object_id) == ("store", decode_id("store", answer.json()["id"]))


def test_what_was_changed_is_told_before_and_after(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    store = create_store(api, home, "S9")
    change(api, home, f"/v1/stores/{store['id']}", name="渋谷店")
    entry = list_entries("change")[-1]
    assert entry.action == "change_store"
    assert entry.changes == [
        {
            "table": "store",
            "key": {"id": str(decode_id("store", store["id"]))},
            "before": {"name": "S9店"},
            "after": {"name": "渋谷店"},
        }
    ]


def test_personal_data_is_masked(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    person = {"external_id": "c-1", "name": "山田花子", "phone": "+819012345678", "attributes": {"allergy": "卵"}}
    made = create(api, home, "/v1/customers", **person)
    change(
        api, home, f"/v1/customers/{made['id']}", name="佐藤花子", email="hanako@example.jp", birthday_on="1990-05-05"
    )
    entries = list_entries("change")
    assert [entry.action for entry in entries] == ["upsert_customer", "change_customer"]
    after = entries[1].changes[0]["after"]  # type: ignore[index]
    assert (after["name"], after["email"], after["birthday_on"]) == (MASK, MASK, MASK)
    written = str([entry.model_dump() for entry in entries])
    for value in ("山田", "佐藤", "819012345678", "hanako@", "卵", "1990-05-05", "c-1"):
        assert value not in written
    assert entries[1].customer_ids == [decode_id("cus", made["id"])]


def test_secrets_are_masked(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    store = create_store(api, home, "S9")
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store["id"]])
    answer = api.post(f"/v1/store-keys/{key['id']}/rotate", json={"overlap_seconds": 60}, headers=home.headers)
    entries = list_entries("change")[1:]
    assert [entry.action for entry in entries] == ["create_store_key", "rotate_store_key"]
    written = str([entry.model_dump() for entry in entries])
    assert key["key"] not in written
    assert answer.json()["key"] not in written
    hashes = [row for entry in entries for row in entry.changes or () if row["table"] == "credential_hash"]
    # One made, then its end set and another made.
    assert len(hashes) == 3
    assert [row["after"]["digest"] for row in hashes if "digest" in row["after"]] == [MASK, MASK]


def test_rows_changed_many_at_once_are_told_too(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    first, second = create_store(api, home, "S1"), create_store(api, home, "S2")
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[first["id"]])
    change(api, home, f"/v1/store-keys/{key['id']}", store_ids=[second["id"]])
    told = list_entries("change")[-1].changes or []
    gone, new = (str(decode_id("store", store["id"])) for store in (first, second))
    assert [(row["key"]["store_id"], row["before"] is None, row["after"] is None) for row in told] == [
        (gone, False, True),
        (new, True, False),
    ]


def test_a_key_that_is_revoked_leaves_its_trace(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    store = create_store(api, home, "S1")
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store["id"]])
    assert api.delete(f"/v1/store-keys/{key['id']}", headers=home.headers).status_code == 204
    entry = list_entries("change")[-1]
    assert (entry.action, entry.status) == ("revoke_store_key", 204)
    assert entry.object_id == decode_id("key", key["id"])
    tables = {row["table"]: row for row in entry.changes or ()}
    assert tables["api_key"]["before"]["revoked_at"] is None
    assert tables["credential_hash"]["after"] is None


def test_what_fails_leaves_no_change(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    create_store(api, home, "S1")
    answer = api.post("/v1/stores", json={"code": "S1", "name": "again"}, headers=home.headers)
    assert answer.status_code == 409
    assert len(list_entries("change")) == 1


def test_a_replay_is_no_second_change(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    headers = {**home.headers, "Idempotency-Key": "once"}
    for replayed in (None, "true"):
        answer = api.post("/v1/customers", json={"external_id": "c-1"}, headers=headers)
        assert answer.headers.get("Idempotent-Replayed") == replayed
    assert [(entry.kind, entry.action) for entry in list_entries()] == [
        ("change", "upsert_customer"),
        ("read", "upsert_customer"),
    ]


def test_an_entry_that_cannot_be_written_undoes_its_change(
    api: TestClient, home: BrandHome, admin_engine: Engine
) -> None:
    refuse = f"ALTER TABLE audit_entry ADD CONSTRAINT no_more CHECK (brand_id <> '{home.scope.brand_id}') NOT VALID"
    with admin_engine.begin() as connection:
        connection.execute(text(refuse))
    try:
        answer = api.post("/v1/stores", json={"code": "S1", "name": "店"}, headers=home.headers)
        assert answer.status_code == 500
    finally:
        with admin_engine.begin() as connection:
            connection.execute(text("ALTER TABLE audit_entry DROP CONSTRAINT no_more"))
    assert api.get("/v1/stores", headers=home.headers).json()["items"] == []


def test_what_only_reads_is_no_change(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    rule = {"rule": {"field": "order_count", "op": ">=", "value": 0}}
    assert api.post("/v1/segments/preview", json=rule, headers=home.headers).status_code == 200
    assert list_entries() == []


def test_many_rows_are_counted_beyond_fifty(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    store = create_store(api, home, "S1")
    orders = [
        {
            "external_id": f"o-{number}",
            "store_id": store["id"],
            "amount_yen": 100,
            "ordered_at": "2026-06-01T12:00:00+09:00",
        }
        for number in range(MOST_ROWS + 7)
    ]
    answer = api.post("/v1/orders", json={"items": orders}, headers=home.headers)
    assert answer.status_code == 200, answer.text
    told = list_entries("change")[-1].changes or []
    assert len(told) == MOST_ROWS + 1
    assert told[-1] == {"more": 7}


@pytest.mark.parametrize("path", ["/v1/tags", "/v1/areas"])
def test_a_change_without_a_body_in_its_answer_names_its_object(
    path: str, api: TestClient, home: BrandHome, list_entries: ListEntries
) -> None:
    made = create(api, home, path, name="一")
    api.delete(f"{path}/{made['id']}", headers=home.headers)
    entry = list_entries("change")[-1]
    assert encode_id(str(entry.object_type), entry.object_id) == made["id"]  # type: ignore[arg-type]


def test_the_entry_waits_for_its_seal(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    create_store(api, home, "S1")
    with home.open() as session:
        waiting = session.execute(text("SELECT entry_id FROM audit_pending")).scalars().all()
    assert waiting == [entry.id for entry in list_entries("change")]


def test_a_store_reads_nothing_of_it(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        key = make.store_key(session, make.store(session))
        session.commit()
    answer = api.get("/v1/audit-log", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


def test_whom_a_store_sees_from_now_on_is_told_as_a_change(
    api: TestClient, home: BrandHome, list_entries: ListEntries
) -> None:
    with home.open() as session:
        shop = make.store(session)
        key = make.store_key(session, shop)
        person = make.customer(session, member_number="M-0001")
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(2):
        assert api.post("/v1/cards/resolve", json={"code": "M-0001"}, headers=headers).status_code == 200
    (entry,) = list_entries("change")
    assert (entry.action, entry.caller_kind, entry.customer_ids) == ("resolve_card", "store_key", [person.id])
    (row,) = entry.changes or []
    assert (row["table"], row["key"]) == ("customer", {"id": str(person.id)})
    assert (row["before"]["store_nos"], row["after"]["store_nos"]) == ([], [shop.no])
    assert len(list_entries("read")) == 1
