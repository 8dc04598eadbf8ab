"""A file that was exported comes in again and changes nobody."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.customers.exports import tasks
from app.settings import Settings
from tenants.ids import decode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.customers.imports.conftest import Desk
from tests.conftest import BrandHome

PEOPLE: list[dict[str, Any]] = [
    {
        "external_id": "E-1",
        "member_number": "00042",
        "name": "髙﨑 花子",
        "kana": "タカサキ ハナコ",
        "phone": "+819012345678",
        "email": "hanako@example.jp",
        "birthday_on": date(1990, 4, 1),
        "gender": "female",
        "postal_code": "1500001",
        "address": "東京都渋谷区神宮前1-2-3",
        "municipality_code": "13113",
        "attributes": {"size": "L", "note": "=SUM(A1)", "辛さ": 3, "会員": True},
        "first_seen_at": datetime(2024, 3, 1, 3, 4, 5, 678901, tzinfo=UTC),
    },
    {"external_id": "E-2", "name": '-Taro, "the" 二行', "attributes": {"size": "S"}},
    {"phone": "+819011112222"},
    {"email": "only@example.jp", "name": "'引用"},
]


@pytest.fixture
def desk(api: TestClient, home: BrandHome, settings: Settings, keyring: Keyring) -> Desk:
    return Desk(api, home, settings, keyring)


@pytest.fixture
def brand(desk: Desk) -> BrandHome:
    """A brand with declared attributes and people of all kinds."""
    for name, kind in (("辛さ", "number"), ("会員", "boolean")):
        declared = desk.api.post(
            "/v1/customer-attributes", json={"name": name, "type": kind}, headers=desk.home.headers
        )
        assert declared.status_code == 201, declared.text
    with desk.home.open() as session:
        store = make.store(session, code="S001")
        for values in PEOPLE:
            make.customer(
                session, store, **{"name": None, "home_store_id": store.id, "home_store_no": store.no, **values}
            )
        session.commit()
    first = desk.api.get("/v1/customers", params={"q": "髙﨑"}, headers=desk.home.headers).json()["items"][0]["id"]
    for tag in ("常連", "@vip"):
        assert desk.api.put(f"/v1/customers/{first}/tags/{tag}", headers=desk.home.headers).status_code == 200
    outside = {"external_ids": [{"system": "pos", "id": "0001"}]}
    assert desk.api.patch(f"/v1/customers/{first}", json=outside, headers=desk.home.headers).status_code == 200
    return desk.home


@pytest.mark.parametrize(
    ("wanted", "media_type"),
    [
        ({}, "text/csv"),
        ({"language": "en", "encoding": "utf-8"}, "text/csv"),
        ({"encoding": "cp932"}, "text/csv"),
        ({"format": "ndjson"}, "application/x-ndjson"),
    ],
)
def test_what_was_exported_changes_nobody_when_it_comes_in(
    desk: Desk, brand: BrandHome, wanted: dict[str, Any], media_type: str
) -> None:
    before = _rows(brand)
    begun = desk.api.post("/v1/customers/export", json=wanted, headers=brand.headers).json()
    tasks.export_customers(desk.work(), decode_id("op", begun["id"]))
    done = desk.look(begun["id"])
    content = desk.api.get(done["files"][0]["url"], headers=brand.headers).content
    taken = desk.run(content, media_type)
    assert taken["status"] == "done", taken
    counted = {name: taken["result"][name] for name in ("rows", "created", "changed", "unchanged", "failed")}
    assert counted == {"rows": 4, "created": 0, "changed": 0, "unchanged": 4, "failed": 0}, taken["result"]
    assert _rows(brand) == before


def _rows(brand: BrandHome) -> list[str]:
    with brand.open() as session:
        return list(session.execute(text("SELECT customer::text FROM customer ORDER BY id")).scalars())
