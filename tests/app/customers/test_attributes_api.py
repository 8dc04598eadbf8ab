"""Declared attributes over HTTP, and how values are held against them."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.customers.attributes import queries, service
from app.customers.attributes.models import CustomerAttribute
from app.customers.attributes.problems import AttributeInUse
from app.customers.attributes.values import fits
from app.customers.service import upsert_customer
from tenants.ids import encode_id, uuid7
from tenants.session import ScopedSession
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome

PATH = "/v1/customer-attributes"


def declare(api: TestClient, home: BrandHome, **body: Any) -> Any:
    return api.post(PATH, json=body, headers=home.headers)


def upsert(api: TestClient, home: BrandHome, **attributes: Any) -> Any:
    return api.post("/v1/customers", json={"external_id": "e-1", "attributes": attributes}, headers=home.headers)


def test_an_attribute_is_declared_read_changed_and_withdrawn(api: TestClient, home: BrandHome) -> None:
    made = declare(api, home, name="favourite", label="好きな麺", type="choice", choices=["ramen", "udon"])
    assert made.status_code == 201, made.text
    one = f"{PATH}/{made.json()['id']}"
    assert api.get(PATH, headers=home.headers).json()["items"] == [made.json()]
    assert api.get(one, headers=home.headers).json() == made.json()
    changed = api.patch(one, json={"label": None, "choices": ["ramen", "udon", "soba"]}, headers=home.headers)
    assert (changed.json()["label"], changed.json()["choices"]) == (None, ["ramen", "udon", "soba"])
    assert api.delete(one, headers=home.headers).status_code == 204
    assert api.get(one, headers=home.headers).status_code == 404
    assert declare(api, home, name="favourite", type="text").status_code == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ".hidden", "type": "text"}, "/name"),
        ({"name": " size", "type": "text"}, "/name"),
        ({"name": "n" * 65, "type": "text"}, "/name"),
        ({"name": "size", "type": "colour"}, "/type"),
        ({"name": "size", "type": "choice"}, "/choices"),
        ({"name": "size", "type": "choice", "choices": []}, "/choices"),
        ({"name": "size", "type": "choice", "choices": ["S", "S"]}, "/choices"),
        ({"name": "size", "type": "text", "choices": ["S"]}, "/choices"),
    ],
)
def test_what_makes_no_attribute_is_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    refused = declare(api, home, **body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_name_is_declared_once(api: TestClient, home: BrandHome) -> None:
    assert declare(api, home, name="size", type="text").status_code == 201
    assert declare(api, home, name="size", type="number").status_code == 409


def test_values_are_held_against_their_types(api: TestClient, home: BrandHome) -> None:
    for type_ in ("text", "number", "boolean", "date"):
        declare(api, home, name=f"a {type_}", type=type_)
    declare(api, home, name="~/c", type="choice", choices=["S", "M"])
    wrong = {"a text": 1, "a number": True, "a boolean": "true", "a date": "2026-02-30", "~/c": "L", "free": 1}
    refused = upsert(api, home, **wrong)
    assert refused.status_code == 422
    assert {one["pointer"]: one["detail"] for one in refused.json()["errors"]} == {
        "/attributes/a text": "Must be a text.",
        "/attributes/a number": "Must be a number.",
        "/attributes/a boolean": "Must be true or false.",
        "/attributes/a date": "Must be a date such as 2026-04-01.",
        "/attributes/~0~1c": "Must be one of: S, M.",
    }
    right = {"a text": "x", "a number": 1.5, "a boolean": False, "a date": "2024-02-29", "~/c": "M", "free": 1}
    made = upsert(api, home, **right)
    assert (made.status_code, made.json()["attributes"]) == (201, right)
    one = f"/v1/customers/{made.json()['id']}"
    patched = api.patch(one, json={"attributes": {"~/c": "XL"}}, headers=home.headers)
    assert (patched.status_code, patched.json()["errors"][0]["pointer"]) == (422, "/attributes/~0~1c")
    emptied = api.patch(one, json={"attributes": {"~/c": None}}, headers=home.headers)
    assert emptied.status_code == 200
    assert "~/c" not in emptied.json()["attributes"]


def test_a_type_that_values_do_not_fit_is_refused_with_how_many(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        for value in ("1", 2, "2026-11-21"):
            make.customer(session, attributes={"visits": value})
        session.commit()
    refused = declare(api, home, name="visits", type="number")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/attribute-in-use")
    assert refused.json()["customers"] == 2
    assert declare(api, home, name="visits", type="text").json()["customers"] == 1
    assert api.get(PATH, headers=home.headers).json()["items"] == []


def test_a_choice_that_somebody_has_is_not_taken_away(api: TestClient, home: BrandHome) -> None:
    one = f"{PATH}/{declare(api, home, name='size', type='choice', choices=['S', 'M']).json()['id']}"
    upsert(api, home, size="M")
    refused = api.patch(one, json={"choices": ["S"]}, headers=home.headers)
    assert (refused.status_code, refused.json()["customers"]) == (409, 1)
    assert api.get(one, headers=home.headers).json()["choices"] == ["S", "M"]
    as_text = api.patch(one, json={"type": "text"}, headers=home.headers)
    assert (as_text.status_code, as_text.json()["choices"]) == (200, None)


def test_a_stale_version_is_refused(api: TestClient, home: BrandHome) -> None:
    made = declare(api, home, name="size", type="text")
    one, headers = f"{PATH}/{made.json()['id']}", {**home.headers, "If-Match": made.headers["etag"]}
    assert api.patch(one, json={"label": "大きさ"}, headers=headers).status_code == 200
    assert api.patch(one, json={"label": "サイズ"}, headers=headers).status_code == 412


def test_a_store_reads_the_declarations_and_makes_none(api: TestClient, home: BrandHome) -> None:
    made = declare(api, home, name="size", type="text").json()
    with home.open() as session:
        key = {"Authorization": f"Bearer {make.store_key(session, make.store(session))}"}
        session.commit()
    assert api.get(PATH, headers=key).json()["items"] == [made]
    assert api.post(PATH, json={"name": "age", "type": "number"}, headers=key).status_code == 403
    assert api.patch(f"{PATH}/{made['id']}", json={"label": "x"}, headers=key).status_code == 403
    assert api.get(f"{PATH}/{encode_id('attr', uuid7())}", headers=key).status_code == 404


def test_a_declaration_waits_for_who_is_writing_values(home: BrandHome) -> None:
    with home.open() as session, ThreadPoolExecutor(1) as other:
        upsert_customer(session, {"external_id": "e-1", "attributes": {"size": 5}}, scope=home.scope, now=utc_now())
        declaring = other.submit(_declare_text, home)
        with pytest.raises(StillWaiting):
            declaring.result(timeout=0.3)
        session.commit()
        with pytest.raises(AttributeInUse):
            declaring.result(timeout=20)


def _declare_text(home: BrandHome) -> None:
    with home.open() as session:
        service.declare(session, {"name": "size", "type": "text"}, utc_now())


VALUES = [
    "", "x", "S", "2026-11-21", "2026-02-29", "2024-02-29", "2026-13-01", "2026-1-1", "1899-12-31", "2200-01-01",
    "2026-11-21 ", "2026-04-31", "1900-02-29", "２０２６-11-21", 0, 1, -1.5, 2**53, True, False,
]  # fmt: skip


@pytest.mark.parametrize("type_", ["text", "number", "boolean", "date", "choice"])
def test_the_database_counts_as_misfits_what_would_be_refused(session: ScopedSession, type_: str) -> None:
    for value in VALUES:
        make.customer(session, attributes={"x": value})
    attribute = CustomerAttribute(name="x", type=type_, choices=["S", "x"] if type_ == "choice" else None)
    refused = [value for value in VALUES if not fits(attribute, value)]
    assert 0 < len(refused) < len(VALUES)
    assert queries.count_misfits(session, "x", type_, attribute.choices) == len(refused)
