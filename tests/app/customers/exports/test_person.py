"""The access export: all that is held of one person, and of her alone."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, Table
from sqlmodel import select

from app.customers.exports.holdings import HOLDINGS, UNTOLD
from app.customers.exports.schemas import PersonExport
from app.customers.models import Customer, Identity
from app.customers.notes.models import CustomerNote
from app.settings import Settings
from migrations.models import metadata
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.inbound.calls import commit_channel, tell, told, work_off_all
from tests.conftest import BrandHome


def test_every_table_that_can_be_of_a_person_is_told_or_left_out_for_a_reason() -> None:
    of_people = {str(table.name) for table in metadata.sorted_tables if _can_be_of_a_person(table)}
    assert of_people - {holding.table for holding in HOLDINGS} - set(UNTOLD) == set()


@pytest.mark.parametrize("name", sorted({holding.table for holding in HOLDINGS}))
def test_every_column_of_those_tables_is_told_or_said_to_be_left_out(name: str) -> None:
    columns = {column.name for column in metadata.tables[name].c} - {"brand_id"}
    for holding in (one for one in HOLDINGS if one.table == name):
        assert columns == {*holding.columns.split(), *holding.unsaid.split()}


def test_a_number_of_any_length_is_told(api: TestClient, home: BrandHome) -> None:
    body = {"external_id": "long", "attributes": {"free": 1e30}}
    customer = api.post("/v1/customers", json=body, headers=home.headers).json()
    answer = api.get(f"/v1/customers/{customer['id']}/export", headers=home.headers)
    assert (answer.status_code, answer.json()["customer"]["attributes"]) == (200, {"free": 10**30})


def test_the_document_has_a_member_for_each() -> None:
    assert list(PersonExport.model_fields) == ["id", "format", *(holding.name for holding in HOLDINGS)]


def test_all_that_is_held_of_her_is_in_it_and_nothing_of_others(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> None:
    channel, user, other = commit_channel(home, keyring), make.line_user_id(), make.line_user_id()
    for one in (user, other):
        words = {"type": "text", "id": "1", "text": f"{one} です"}
        tell(
            api, channel, told("follow", one, 1_795_000_000_000), told("message", one, 1_795_000_001_000, message=words)
        )
    work_off_all(engine, keyring, settings, channel)
    path = _path_of(home, user)
    api.patch(path, json={"name": "輸出花子", "phone": "09012345678"}, headers=home.headers)
    api.put(f"{path}/tags/vip", headers=home.headers)

    answer = api.get(f"{path}/export", headers=home.headers)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["customer"]["name"], document["customer"]["phone"]) == ("輸出花子", "+819012345678")
    assert [one["line_user_id"] for one in document["identities"]] == [user]
    assert [one["status"] for one in document["friends"]] == ["following"]
    assert [one["type"] for one in document["line_events"]] == ["follow", "message"]
    assert document["line_events"][1]["body"]["message"]["text"] == f"{user} です"
    assert {one["type"] for one in document["events"]} >= {"customer.created", "friend.followed", "message.received"}
    assert len(document["tags"]) == 1
    assert other not in answer.text


def test_two_exports_of_one_state_are_the_same_bytes(api: TestClient, home: BrandHome) -> None:
    path = f"/v1/customers/{_create(api, home)}/export"
    first, again = (api.get(path, headers=home.headers) for _ in range(2))
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    same = api.get(path, headers={**home.headers, "If-None-Match": first.headers["etag"]})
    assert same.status_code == 304


def test_it_names_things_by_their_ids_outside(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        key = {"Authorization": f"Bearer {make.store_key(session, store)}"}
        session.commit()
    created = api.post("/v1/customers", json={"phone": "08011112222", "name": "店花子"}, headers=key).json()["id"]
    document = api.get(f"/v1/customers/{created}/export", headers=home.headers).json()
    store_id = encode_id("store", store.id)
    assert document["id"] == document["customer"]["id"] == created
    assert document["customer"]["written_by"]["name"] == store_id
    assert [one["store_id"] for one in document["stores"]] == [store_id]
    assert str(store.id) not in json.dumps(document)


def test_a_line_id_that_is_hers_at_one_account_brings_nothing_of_another_account(
    api: TestClient, home: BrandHome, keyring: Keyring
) -> None:
    here, there = commit_channel(home, keyring, provider_id="p-1"), commit_channel(home, keyring, provider_id="p-1")
    user = make.line_user_id()
    with home.open() as session:
        hers, anothers = make.customer(session), make.customer(session)
        for person, channel in ((hers, here), (anothers, there)):
            session.add(_identity(person, user, channel.no))
        session.commit()
    for channel in (here, there):
        tell(api, channel, told("message", user))
    document = api.get(f"/v1/customers/{encode_id('cus', hers.id)}/export", headers=home.headers).json()
    assert [one["line_account_id"] for one in document["line_events"]] == [encode_id("acc", here.id)]


def test_a_long_one_is_streamed_and_whole(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        person = make.customer(session)
        for number in range(40):
            session.add(_note(person, f"{number} " + "あ" * 15_000))
        session.commit()
    answer = api.get(f"/v1/customers/{encode_id('cus', person.id)}/export", headers=home.headers)
    assert len(answer.content) == int(answer.headers["content-length"]) > 1_500_000
    assert [note["text"].split()[0] for note in answer.json()["notes"]] == [str(number) for number in range(40)]
    assert answer.headers["etag"]


def test_a_store_may_not(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        person = make.customer(session, store)
        key = {"Authorization": f"Bearer {make.store_key(session, store)}"}
        session.commit()
    answer = api.get(f"/v1/customers/{encode_id('cus', person.id)}/export", headers=key)
    assert (answer.status_code, answer.json()["permission"]) == (403, "customers:export")


def test_the_audit_log_tells_who_read_it(api: TestClient, home: BrandHome) -> None:
    created = _create(api, home)
    api.get(f"/v1/customers/{created}/export", headers=home.headers)
    api.app.state.audit.flush()  # type: ignore[attr-defined]
    reads = api.get("/v1/audit-log", params={"customer_id": created, "kind": "read"}, headers=home.headers).json()
    assert [one["action"] for one in reads["items"]] == ["export_customer"]


def _can_be_of_a_person(table: Table) -> bool:
    if any(name.endswith(("customer_id", "customer_ids", "line_user_id")) for name in table.c.keys()):  # noqa: SIM118
        return True
    return table.name != "staff" and any(column.info.get("masked") for column in table.c)


def _create(api: TestClient, home: BrandHome) -> str:
    return str(api.post("/v1/customers", json={"phone": "09012345678"}, headers=home.headers).json()["id"])


def _path_of(home: BrandHome, line_user_id: str) -> str:
    with home.open() as session:
        row = session.exec(select(Identity).where(Identity.line_user_id == line_user_id)).one()
    return f"/v1/customers/{encode_id('cus', row.customer_id)}"


def _identity(person: Customer, line_user_id: str, account_no: int) -> Any:
    return Identity(customer_id=person.id, provider_id="p-1", line_user_id=line_user_id, account_no=account_no)


def _note(person: Customer, text: str) -> Any:
    return CustomerNote(customer_id=person.id, text=text, updated_at=utc_now())
