"""The customer's record over HTTP: readings, addresses, ids in other systems, home store."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.joining.models import CustomerConflict
from app.events.models import Event
from tenants.ids import decode_id, encode_id
from tests import make
from tests.conftest import BrandHome

OLDER_GOD = "\ufa19"
"""A kanji of names, of which Unicode's usual form (NFC) would make 神."""


class Shops:
    """Two stores of a brand, each with a key."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            self.a, self.b = make.store(session), make.store(session)
            self.key_a = {"Authorization": f"Bearer {make.store_key(session, self.a)}"}
            self.key_b = {"Authorization": f"Bearer {make.store_key(session, self.b)}"}
            session.commit()
        self.a_id, self.b_id = encode_id("store", self.a.id), encode_id("store", self.b.id)


@pytest.fixture
def shops(home: BrandHome, tokyo: None) -> Shops:
    return Shops(home)


def upsert(api: TestClient, headers: dict[str, str], **body: Any) -> Any:
    answer = api.post("/v1/customers", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def patch(api: TestClient, headers: dict[str, str], customer: Any, **body: Any) -> Any:
    return api.patch(f"/v1/customers/{customer['id']}", json=body, headers=headers)


def test_a_record_is_kept_in_one_form(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(
        api,
        home.headers,
        external_id="e-1",
        name=f"髙橋　{OLDER_GOD}子",
        kana="ﾀｶﾊｼ　しんこ",
        postal_code="〒１５０－０００１",
        address="東京都渋谷区神南１－２－３　ﾉﾚﾝﾋﾞﾙ",
    )
    kept = {
        "name": f"髙橋 {OLDER_GOD}子",
        "kana": "タカハシ シンコ",
        "postal_code": "1500001",
        "address": "東京都渋谷区神南1-2-3 ノレンビル",
        "municipality_code": "13113",
    }
    assert {name: made[name] for name in kept} == kept
    assert made["first_seen_at"] == made["created_at"]
    assert api.get(f"/v1/customers/{made['id']}", headers=home.headers).json() == made
    emptied = patch(api, home.headers, made, **dict.fromkeys(kept)).json()
    assert {emptied[name] for name in kept} == {None}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kana", "山田"),
        ("kana", ""),
        ("name", " "),
        ("name", "山田\n花子"),
        ("postal_code", "150-001"),
        ("address", "あ" * 501),
        ("address", "\u200b"),
        ("municipality_code", "1311"),
        ("municipality_code", "１３１１３"),
        ("external_ids", [{"system": "POS", "id": "1"}]),
        ("external_ids", [{"system": "member_number", "id": "1"}]),
        ("external_ids", [{"system": "pos", "id": " "}]),
        ("external_ids", [{"system": "pos", "id": "1"}, {"system": "pos", "id": "1 "}]),
        ("external_ids", [{"system": "pos", "id": str(no)} for no in range(21)]),
        ("external_ids", None),
    ],
)
def test_what_is_of_no_such_form_is_refused(api: TestClient, home: BrandHome, field: str, value: Any) -> None:
    refused = api.post("/v1/customers", json={"external_id": "e-1", field: value}, headers=home.headers)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith(f"/{field}")


def test_a_stated_municipality_stands_until_the_address_changes(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, home.headers, external_id="e-1", address="東京都渋谷区神南1", municipality_code="13104")
    again = upsert(api, home.headers, external_id="e-1", address="東京都渋谷区神南1")
    assert (made["municipality_code"], again["municipality_code"]) == ("13104", "13104")
    moved = patch(api, home.headers, made, address="東京都新宿区西新宿2-8-1").json()
    assert moved["municipality_code"] == "13104"
    moved = patch(api, home.headers, made, address="東京都渋谷区道玄坂2-1").json()
    assert moved["municipality_code"] == "13113"
    assert patch(api, home.headers, made, address="ニューヨーク5番街").json()["municipality_code"] is None


def test_a_store_fills_in_an_address_and_leaves_the_brands_municipality(
    api: TestClient, home: BrandHome, shops: Shops
) -> None:
    upsert(api, home.headers, external_id="e-1", municipality_code="13104", store_id=shops.a_id)
    seen = upsert(api, shops.key_a, external_id="e-1", address="東京都渋谷区神南1", kana="やまだ")
    assert (seen["address"], seen["kana"], seen["municipality_code"]) == ("東京都渋谷区神南1", "ヤマダ", "13104")
    assert patch(api, shops.key_a, seen, address="東京都渋谷区神南2").status_code == 200
    upsert(api, home.headers, external_id="e-1", address="東京都渋谷区神南3")
    refused = patch(api, shops.key_a, seen, address="東京都渋谷区神南4")
    assert (refused.status_code, "address" in refused.json()["detail"]) == (409, True)


def test_ids_in_other_systems_find_her_and_are_added(api: TestClient, home: BrandHome) -> None:
    made = upsert(api, home.headers, external_ids=[{"system": "pos", "id": "P-1"}], name="山田")
    again = upsert(api, home.headers, external_ids=[{"system": "pos", "id": "P-1"}, {"system": "ec", "id": "9"}])
    assert again["id"] == made["id"]
    assert again["external_ids"] == [{"system": "ec", "id": "9"}, {"system": "pos", "id": "P-1"}]
    by_phone = upsert(api, home.headers, phone="090-1234-5678", external_ids=[{"system": "ec", "id": "9"}])
    assert (by_phone["id"], by_phone["phone"]) == (made["id"], "+819012345678")
    assert upsert(api, home.headers, external_ids=[{"system": "ec", "id": "8"}])["id"] != made["id"]
    with home.open() as session:
        fields = session.exec(
            select(Event.data).where(col(Event.type) == "customer.updated").order_by(col(Event.id))
        ).all()
    assert [one["fields"] for one in fields] == [["external_ids"], ["phone"]]


def test_a_change_replaces_her_ids_in_other_systems(api: TestClient, home: BrandHome) -> None:
    made = upsert(api, home.headers, external_ids=[{"system": "pos", "id": "P-1"}, {"system": "ec", "id": "9"}])
    changed = patch(api, home.headers, made, external_ids=[{"system": "pos", "id": "P-2"}])
    assert changed.json()["external_ids"] == [{"system": "pos", "id": "P-2"}]
    assert changed.json()["updated_at"] > made["updated_at"]
    assert patch(api, home.headers, made, name="山田").json()["external_ids"] == changed.json()["external_ids"]
    assert patch(api, home.headers, made, external_ids=[]).json()["external_ids"] == []
    assert upsert(api, home.headers, external_ids=[{"system": "ec", "id": "9"}])["id"] != made["id"]


def test_ids_of_two_people_are_refused_and_written_down(api: TestClient, home: BrandHome) -> None:
    one = upsert(api, home.headers, external_ids=[{"system": "pos", "id": "P-1"}])
    other = upsert(api, home.headers, external_ids=[{"system": "pos", "id": "P-2"}])
    both = [{"system": "pos", "id": "P-1"}, {"system": "pos", "id": "P-2"}]
    refused = api.post("/v1/customers", json={"external_ids": both}, headers=home.headers)
    assert (refused.status_code, refused.json()["keys"]) == (409, ["external_ids.pos"])
    refused = patch(api, home.headers, one, external_ids=[{"system": "pos", "id": "P-2"}])
    assert (refused.status_code, refused.json()["keys"]) == (409, ["external_ids.pos"])
    with home.open() as session:
        conflict = session.exec(select(CustomerConflict)).one()
    people = sorted([decode_id("cus", one["id"]), decode_id("cus", other["id"])])
    assert (conflict.customer_ids, conflict.seen_count) == (people, 2)


def test_a_customer_has_twenty_ids_in_other_systems_at_most(api: TestClient, home: BrandHome, shops: Shops) -> None:
    ids = [{"system": "pos", "id": f"{no:02}"} for no in range(20)]
    made = upsert(api, home.headers, external_id="e-1", external_ids=ids)
    assert len(made["external_ids"]) == 20
    more = {"external_id": "e-1", "external_ids": [{"system": "pos", "id": "20"}]}
    refused = api.post("/v1/customers", json=more, headers=home.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/external_ids")
    # A store that does not see her is told nothing of how many she has.
    assert api.post("/v1/customers", json=more, headers=shops.key_a).status_code == 200
    assert len(api.get(f"/v1/customers/{made['id']}", headers=home.headers).json()["external_ids"]) == 20


def test_a_store_adds_ids_of_other_systems_and_takes_none_away(api: TestClient, home: BrandHome, shops: Shops) -> None:
    made = upsert(api, home.headers, external_ids=[{"system": "ec", "id": "9"}], store_id=shops.a_id)
    hers = [*made["external_ids"], {"system": "till", "id": "1"}]
    assert patch(api, shops.key_a, made, external_ids=hers).json()["external_ids"] == hers
    refused = patch(api, shops.key_a, made, external_ids=[])
    assert (refused.status_code, "external_ids" in refused.json()["detail"]) == (409, True)
    patch(api, home.headers, made, home_store_id=shops.a_id)
    assert patch(api, shops.key_a, made, external_ids=[]).json()["external_ids"] == []


def test_of_a_stranger_a_store_is_told_the_ids_that_it_said(api: TestClient, home: BrandHome, shops: Shops) -> None:
    upsert(api, home.headers, phone="09012345678", external_ids=[{"system": "ec", "id": "9"}], address="東京都渋谷区1")
    told = upsert(api, shops.key_a, phone="09012345678", external_ids=[{"system": "till", "id": "1"}])
    assert (told["external_ids"], told["address"]) == ([{"system": "till", "id": "1"}], None)
    assert (told["municipality_code"], told["home_store_source"]) == (None, None)


def test_the_home_store_is_told_with_where_it_is_known_from(api: TestClient, home: BrandHome, shops: Shops) -> None:
    with home.open() as session:
        person = make.customer(session, shops.a, shops.b, usual_store_no=shops.b.no)
        session.commit()
        customer = {"id": encode_id("cus", person.id)}
    path = f"/v1/customers/{customer['id']}"
    usual = api.get(path, headers=home.headers).json()
    assert (usual["home_store_id"], usual["home_store_source"]) == (shops.b_id, "usual")
    stated = patch(api, home.headers, customer, home_store_id=shops.a_id).json()
    assert (stated["home_store_id"], stated["home_store_source"]) == (shops.a_id, "stated")
    for key, seen in ((shops.key_a, (shops.a_id, "stated")), (shops.key_b, (None, None))):
        told = api.get(path, headers=key).json()
        assert (told["home_store_id"], told["home_store_source"]) == seen
    again = patch(api, home.headers, customer, home_store_id=None).json()
    assert (again["home_store_id"], again["home_store_source"]) == (shops.b_id, "usual")


def test_when_the_brand_met_her_may_lie_before_her_row(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        person = make.customer(session, first_seen_at=datetime(2019, 4, 1, tzinfo=UTC))
        session.commit()
        path = f"/v1/customers/{encode_id('cus', person.id)}"
    assert api.get(path, headers=home.headers).json()["first_seen_at"] == "2019-04-01T00:00:00Z"


@pytest.mark.parametrize("q", ["髙橋", "高橋", "たかは", "ﾀｶﾊｼ", "タカハシ　は", "ｈａｎａ", " "])
def test_a_list_is_searched_by_name_and_reading_however_they_are_typed(
    api: TestClient, home: BrandHome, q: str
) -> None:
    upsert(api, home.headers, external_id="e-1", name="髙橋 花子", kana="たかはし はなこ")
    upsert(api, home.headers, external_id="e-2", name="Hana")
    found = [
        one["external_id"] for one in api.get("/v1/customers", params={"q": q}, headers=home.headers).json()["items"]
    ]
    assert found == {"高橋": [], "ｈａｎａ": ["e-2"], " ": ["e-1"]}.get(q, ["e-1"])


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("090-1111-2222", ["e-1"]),
        ("０９０１１１１２２２２", ["e-1"]),
        ("+81 90 1111 2222", ["e-1"]),
        ("2222", ["e-1"]),
        ("1111-2222", ["e-1"]),
        ("222", []),
        ("1111", []),
        ("HANAKO.y@", ["e-1"]),
        ("ＰＯＳ－１", ["e-1"]),
        ("POS-", []),
        ("e-2", ["e-2"]),
        ("e-", []),
        ("０００７", ["e-2"]),
        ("%", []),
    ],
)
def test_a_list_is_searched_by_phone_address_and_ids(
    api: TestClient, home: BrandHome, q: str, found: list[str]
) -> None:
    pos = [{"system": "pos", "id": "POS-1"}]
    upsert(api, home.headers, external_id="e-1", phone="090-1111-2222", email="hanako.y@mail.test", external_ids=pos)
    upsert(api, home.headers, external_id="e-2", name="Hana", phone="03-1111-3333", member_number="K-0007")
    answer = api.get("/v1/customers", params={"q": q}, headers=home.headers)
    assert [one["external_id"] for one in answer.json()["items"]] == found


def test_a_store_finds_by_phone_and_ids_whom_it_sees(api: TestClient, home: BrandHome, shops: Shops) -> None:
    pos = [{"system": "pos", "id": "POS-1"}]
    known = {"external_id": "e-1", "phone": "09011112222", "email": "hanako@mail.test", "external_ids": pos}
    upsert(api, home.headers, **known, store_id=shops.a_id)
    for q in ("090-1111-2222", "2222", "hanako@", "POS-1", "e-1"):
        seen = [
            len(api.get("/v1/customers", params={"q": q}, headers=key).json()["items"])
            for key in (shops.key_a, shops.key_b)
        ]
        assert seen == [1, 0], q


def test_what_names_her_is_one_name_in_either_width(api: TestClient, home: BrandHome, shops: Shops) -> None:
    wide = {"member_number": "Ｋ－００１", "external_id": "ｈ１", "external_ids": [{"system": "pos", "id": "Ｐ　９"}]}
    made = upsert(api, home.headers, **wide)
    assert (made["member_number"], made["external_id"]) == ("K-001", "h1")
    assert made["external_ids"] == [{"system": "pos", "id": "P 9"}]
    for key in ({"member_number": "K-001"}, {"external_id": "h1"}, {"external_ids": [{"system": "pos", "id": "P 9"}]}):
        assert upsert(api, home.headers, **key)["id"] == made["id"]
    order = {"external_id": "R-1", "store_id": shops.a_id, "amount_yen": 1, "ordered_at": "2026-11-01T00:00:00Z"}
    bought = api.post("/v1/orders", json={**order, "member_number": "ｋ－００１".upper()}, headers=home.headers)
    assert bought.json()["customer_id"] == made["id"]


@pytest.mark.parametrize("shared", [{"phone": "090-1111-2222"}, {"email": "both@mail.test"}])
def test_a_phone_or_address_that_another_has_is_written_and_listed_once(
    api: TestClient, home: BrandHome, shops: Shops, shared: dict[str, str]
) -> None:
    mother = upsert(api, home.headers, external_id="e-1", **shared, store_id=shops.b_id)
    child = upsert(api, home.headers, external_id="e-2", store_id=shops.a_id)
    for headers in (shops.key_a, home.headers, home.headers):
        assert patch(api, headers, child, **shared).status_code == 200
    assert patch(api, home.headers, child, phone="090-3333-4444", email="alone@mail.test").status_code == 200
    [listed] = api.get("/v1/customer-conflicts", params={"open": True}, headers=home.headers).json()["items"]
    assert set(listed["customer_ids"]) == {mother["id"], child["id"]}
    assert (listed["keys"], listed["source"], listed["seen_count"]) == (list(shared), "api", 1)


def test_the_phone_of_somebody_who_was_erased_is_nobodys(api: TestClient, home: BrandHome) -> None:
    gone = upsert(api, home.headers, external_id="e-1", phone="090-1111-2222")
    assert api.delete(f"/v1/customers/{gone['id']}", headers=home.headers).status_code == 202
    made = upsert(api, home.headers, external_id="e-2")
    assert patch(api, home.headers, made, phone="090-1111-2222").status_code == 200
    assert api.get("/v1/customer-conflicts", headers=home.headers).json()["items"] == []
