"""Keys of partners over HTTP: what is theirs alone. What they share with store keys is tested there."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.keys import is_well_formed
from tests.app.admin.calls import Shops, assert_problem, create, list_ids, store_id, without_use
from tests.conftest import BrandHome

PARTNER = {"name": "POS連携", "permissions": ["stores:read", "orders:write"]}


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _create(api: TestClient, home: BrandHome, **body: Any) -> dict[str, Any]:
    return create(api, home, "/v1/partner-keys", **{**PARTNER, **body})


def _stores_seen(api: TestClient, key: str) -> list[str]:
    return sorted(list_ids(api, _bearer(key), "/v1/stores"))


def test_a_key_is_shown_once_and_speaks_for_the_whole_brand(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home)
    assert re.fullmatch(r"nrn_partner_[0-9A-Za-z]{43}[0-9A-Za-z]{6}", made["key"])
    assert is_well_formed(made["key"])
    assert made["key"].startswith(made["prefix"])
    assert made["prefix"].startswith("nrn_partner_")
    me = api.get("/v1/me", headers=_bearer(made["key"])).json()
    assert (me["kind"], me["stores"], me["permissions"]) == ("partner_key", "all", ["orders:write", "stores:read"])
    assert _stores_seen(api, made["key"]) == sorted([store_id(shops.a), store_id(shops.b)])
    read = api.get(f"/v1/partner-keys/{made['id']}", headers=home.headers).json()
    assert without_use(read) == without_use({name: value for name, value in made.items() if name != "key"})
    assert made["key"] not in api.get("/v1/partner-keys", headers=home.headers).text


def test_a_key_may_be_for_some_stores(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, store_ids=[store_id(shops.a)])
    assert made["store_ids"] == [store_id(shops.a)]
    assert _stores_seen(api, made["key"]) == [store_id(shops.a)]


def test_changes_count_at_once_also_from_some_stores_to_all_and_back(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, store_ids=[store_id(shops.a)])
    path = f"/v1/partner-keys/{made['id']}"
    both = sorted([store_id(shops.a), store_id(shops.b)])
    for wanted, seen in (("all", both), ([store_id(shops.b)], [store_id(shops.b)])):
        changed = api.patch(path, json={"store_ids": wanted}, headers=home.headers)
        assert (changed.status_code, changed.json()["store_ids"]) == (200, wanted)
        assert _stores_seen(api, made["key"]) == seen
    narrowed = api.patch(path, json={"permissions": ["orders:write"]}, headers=home.headers)
    assert narrowed.json()["permissions"] == ["orders:write"]
    assert_problem(api.get("/v1/stores", headers=_bearer(made["key"])), 403, "permission-missing")


def test_a_key_of_some_stores_stays_narrow_when_its_last_store_is_archived(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    made = _create(api, home, store_ids=[store_id(shops.a)])
    assert api.delete(f"/v1/stores/{store_id(shops.a)}", headers=home.headers).status_code == 204
    assert _stores_seen(api, made["key"]) == []
    assert api.get("/v1/me", headers=_bearer(made["key"])).json()["stores"] == []
    read = api.get(f"/v1/partner-keys/{made['id']}", headers=home.headers).json()
    assert read["store_ids"] == []


def test_a_key_of_one_kind_is_not_found_among_the_other(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    partner = _create(api, home)
    store = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store_id(shops.a)])
    assert partner["id"] not in list_ids(api, home.headers, "/v1/store-keys")
    assert store["id"] not in list_ids(api, home.headers, "/v1/partner-keys")
    for path in (f"/v1/store-keys/{partner['id']}", f"/v1/partner-keys/{store['id']}"):
        for answer in (
            api.get(path, headers=home.headers),
            api.patch(path, json={"name": "x"}, headers=home.headers),
            api.post(f"{path}/rotate", headers=home.headers),
            api.delete(path, headers=home.headers),
        ):
            assert_problem(answer, 404, "not-found")
    for key in (partner["key"], store["key"]):
        assert api.get("/v1/me", headers=_bearer(key)).status_code == 200


def test_a_key_is_rotated_without_a_body_and_revoked_at_once(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home)
    path = f"/v1/partner-keys/{made['id']}"
    rotated = api.post(f"{path}/rotate", headers=home.headers)
    assert rotated.status_code == 200
    assert rotated.json()["key"].startswith("nrn_partner_")
    keys = (made["key"], rotated.json()["key"])
    assert [api.get("/v1/me", headers=_bearer(key)).status_code for key in keys] == [401, 200]
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get("/v1/me", headers=_bearer(keys[1])).status_code == 401


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"permissions": None}, "/permissions"),
        ({"permissions": []}, "/permissions"),
        ({"permissions": ["stores:read", "keys:read"]}, "/permissions/1"),
        ({"permissions": ["audit:read"]}, "/permissions/0"),
        ({"store_ids": []}, "/store_ids"),
        ({"store_ids": "some"}, "/store_ids"),
        ({"store_ids": None}, "/store_ids"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    created = api.post("/v1/partner-keys", json={**PARTNER, **changes}, headers=home.headers)
    made = _create(api, home)
    changed = api.patch(f"/v1/partner-keys/{made['id']}", json=changes, headers=home.headers)
    for answer in (created, changed):
        assert answer.status_code == 422, answer.text
        assert any(error["pointer"].startswith(pointer) for error in answer.json()["errors"]), answer.text


def test_permissions_must_be_named(api: TestClient, home: BrandHome) -> None:
    assert_problem(
        api.post("/v1/partner-keys", json={"name": "x"}, headers=home.headers), 422, "invalid", "/permissions"
    )


def test_a_partner_sees_no_keys(api: TestClient, home: BrandHome) -> None:
    made = _create(api, home)
    for path in ("/v1/partner-keys", f"/v1/partner-keys/{made['id']}", "/v1/store-keys", "/v1/api-clients"):
        assert_problem(api.get(path, headers=_bearer(made["key"])), 403, "permission-missing")


def test_another_brand_finds_no_key_and_cannot_use_our_stores(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    shops = Shops(home)
    made = _create(api, home)
    path = f"/v1/partner-keys/{made['id']}"
    body = {**PARTNER, "store_ids": [store_id(shops.a)]}
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.post(f"{path}/rotate", headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
        api.post("/v1/partner-keys", json=body, headers=other_home.headers),
    ):
        assert_problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    ("store_ids", "pointers"),
    [
        (["store_x"], {"/store_ids/0"}),
        ([], {"/store_ids"}),
        ("some", {"/store_ids"}),
        ([7, "all"], {"/store_ids/0", "/store_ids/1"}),
    ],
)
def test_what_is_wrong_with_its_stores_is_told_at_its_place(
    api: TestClient, home: BrandHome, store_ids: object, pointers: set[str]
) -> None:
    body = {"name": "POS", "permissions": ["orders:write"], "store_ids": store_ids}
    refused = api.post("/v1/partner-keys", json=body, headers=home.headers)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == pointers
