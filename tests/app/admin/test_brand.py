"""The brand, and who is calling."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id
from tenants.permissions import PERMISSIONS, STORE_PERMISSIONS
from tests.app.admin.calls import Shops, assert_problem, store_id
from tests.conftest import BrandHome


def test_a_client_is_told_its_brand_and_all_stores(api: TestClient, home: BrandHome) -> None:
    me = api.get("/v1/me", headers=home.headers).json()
    assert me == {
        "kind": "api_client",
        "name": "本部システム",
        "brand": {"id": encode_id("brand", home.scope.brand_id), "name": "のれん食堂"},
        "stores": "all",
        "permissions": sorted(PERMISSIONS),
    }


def test_a_store_key_is_told_its_stores(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    me = api.get("/v1/me", headers=shops.key_a).json()
    assert (me["kind"], me["stores"]) == ("store_key", [store_id(shops.a)])
    assert me["permissions"] == sorted(STORE_PERMISSIONS)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Bearer nrn_store_" + "A" * 49, "Basic abc"])
def test_without_a_credential_nobody_is_anybody(api: TestClient, authorization: str) -> None:
    answer = api.get("/v1/me", headers={"Authorization": authorization})
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_settings_are_changed_and_read_again(api: TestClient, home: BrandHome) -> None:
    changes = {
        "name": "のれん",
        "timezone": "Asia/Seoul",
        "caps": {"per_customer": [{"messages": 2, "days": 7}]},
        "quiet_hours": {"from": "21:00", "to": "09:00"},
        "sender_policy": "nearest",
        "joining_basis": "consent",
    }
    changed = api.patch("/v1/brand", json=changes, headers=home.headers)
    assert changed.status_code == 200
    assert changes.items() <= changed.json().items()
    assert api.get("/v1/brand", headers=home.headers).json() == changed.json()


def test_a_patch_changes_only_what_it_names_and_null_empties(api: TestClient, home: BrandHome) -> None:
    api.patch("/v1/brand", json={"quiet_hours": {"from": "21:00", "to": "09:00"}}, headers=home.headers)
    merged = api.patch("/v1/brand", json={"quiet_hours": {"to": "08:30"}}, headers=home.headers).json()
    assert merged["quiet_hours"] == {"from": "21:00", "to": "08:30"}
    assert merged["joining_basis"] == "provider_page"
    emptied = {"quiet_hours": None, "joining_basis": None, "caps": None}
    after = api.patch("/v1/brand", json=emptied, headers=home.headers).json()
    assert (after["quiet_hours"], after["joining_basis"], after["caps"]) == (None, None, {"per_customer": []})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"name": "  "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"timezone": "Tokyo"}, "/timezone"),
        ({"timezone": "../etc/passwd"}, "/timezone"),
        ({"sender_policy": "random"}, "/sender_policy"),
        ({"joining_basis": "guess"}, "/joining_basis"),
        ({"caps": {"per_customer": [{"messages": 0, "days": 7}]}}, "/caps/per_customer/0/messages"),
        ({"caps": {"per_store": []}}, "/caps/per_store"),
        ({"quiet_hours": {"from": "25:00", "to": "09:00"}}, "/quiet_hours/from"),
        ({"quiet_hours": {"from": "21:00"}}, "/quiet_hours/to"),
        ({"quiet_hours": {"from": "09:00", "to": "09:00"}}, "/quiet_hours"),
        ({"caps": [1]}, "/caps"),
        ({"id": "brand_01h455vb4pex5vsknk084sn02q"}, "/id"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    assert_problem(api.patch("/v1/brand", json=body, headers=home.headers), 422, "invalid", pointer)


def test_a_stale_version_is_not_overwritten(api: TestClient, home: BrandHome) -> None:
    seen = api.get("/v1/brand", headers=home.headers).headers["etag"]
    fresh = {**home.headers, "If-Match": seen}
    assert api.patch("/v1/brand", json={"name": "一番"}, headers=fresh).status_code == 200
    assert_problem(api.patch("/v1/brand", json={"name": "二番"}, headers=fresh), 412, "stale-version")
    assert api.get("/v1/brand", headers=home.headers).json()["name"] == "一番"


def test_quiet_hours_do_not_spoil_the_version(api: TestClient, home: BrandHome) -> None:
    set_ = api.patch("/v1/brand", json={"quiet_hours": {"from": "21:00", "to": "09:00"}}, headers=home.headers)
    fresh = {**home.headers, "If-Match": set_.headers["etag"]}
    assert api.patch("/v1/brand", json={"name": "一番"}, headers=fresh).status_code == 200


def test_a_store_key_reads_the_brand_and_cannot_change_it(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    assert api.get("/v1/brand", headers=shops.key_a).status_code == 200
    assert_problem(api.patch("/v1/brand", json={"name": "x"}, headers=shops.key_a), 403, "permission-missing")
