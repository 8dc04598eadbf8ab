"""Areas: a tree of stores that are marketed together."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.app.admin.calls import Shops, assert_problem, create, create_account, create_store, list_ids, store_id
from tests.conftest import BrandHome

SQUARE = [[139.0, 35.0], [140.0, 35.0], [140.0, 36.0], [139.0, 36.0], [139.0, 35.0]]


def test_areas_form_a_tree_of_stores(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    kanto = create(api, home, "/v1/areas", name="関東")
    tokyo = create(api, home, "/v1/areas", name="東京", parent_id=kanto["id"], store_ids=[store["id"], store["id"]])
    assert tokyo["store_ids"] == [store["id"]]
    assert api.get(f"/v1/areas/{tokyo['id']}", headers=home.headers).json() == tokyo
    assert list_ids(api, home.headers, "/v1/areas") == [tokyo["id"], kanto["id"]]


def test_an_area_cannot_lie_inside_itself(api: TestClient, home: BrandHome) -> None:
    top = create(api, home, "/v1/areas", name="関東")
    middle = create(api, home, "/v1/areas", name="東京", parent_id=top["id"])
    low = create(api, home, "/v1/areas", name="新宿", parent_id=middle["id"])
    for inside in (top, middle, low):
        answer = api.patch(f"/v1/areas/{top['id']}", json={"parent_id": inside["id"]}, headers=home.headers)
        assert_problem(answer, 409, "area-cycle")
    moved = api.patch(f"/v1/areas/{low['id']}", json={"parent_id": None}, headers=home.headers)
    assert moved.json()["parent_id"] is None


@pytest.mark.parametrize(
    "zone",
    [
        {"municipality_codes": ["13104", "13113"]},
        {"radius": {"latitude": 35.69, "longitude": 139.7, "radius_m": 800}},
        {"polygon": {"type": "Polygon", "coordinates": [SQUARE]}},
    ],
)
def test_a_trade_zone_is_kept_as_given(api: TestClient, home: BrandHome, zone: dict[str, Any]) -> None:
    area = create(api, home, "/v1/areas", name="東京", trade_zone=zone)
    assert api.get(f"/v1/areas/{area['id']}", headers=home.headers).json()["trade_zone"] == zone


def test_a_trade_zone_is_merged(api: TestClient, home: BrandHome) -> None:
    radius = {"latitude": 35.69, "longitude": 139.7, "radius_m": 800}
    area = create(api, home, "/v1/areas", name="東京", trade_zone={"radius": radius})
    path = f"/v1/areas/{area['id']}"
    wider = api.patch(path, json={"trade_zone": {"radius": {"radius_m": 900}}}, headers=home.headers)
    assert wider.json()["trade_zone"] == {"radius": {**radius, "radius_m": 900}}
    both = api.patch(path, json={"trade_zone": {"municipality_codes": ["13104"]}}, headers=home.headers)
    assert_problem(both, 422, "invalid", "/trade_zone")
    other = {"trade_zone": {"municipality_codes": ["13104"], "radius": None}}
    assert api.patch(path, json=other, headers=home.headers).json()["trade_zone"] == {"municipality_codes": ["13104"]}
    assert api.patch(path, json={"trade_zone": None}, headers=home.headers).json()["trade_zone"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "x", "parent_id": "store_01h455vb4pex5vsknk084sn02q"}, "/parent_id"),
        ({"name": "x", "store_ids": ["S1"]}, "/store_ids/0"),
        ({"name": "x", "store_ids": None}, "/store_ids"),
        ({"name": "x", "trade_zone": {}}, "/trade_zone"),
        ({"name": "x", "trade_zone": {"municipality_codes": ["131041"]}}, "/trade_zone/municipality_codes/0"),
        (
            {"name": "x", "trade_zone": {"radius": {"latitude": 91, "longitude": 0, "radius_m": 1}}},
            "/trade_zone/radius/latitude",
        ),
        (
            {"name": "x", "trade_zone": {"polygon": {"type": "Polygon", "coordinates": [SQUARE[:-1]]}}},
            "/trade_zone/polygon/coordinates/0",
        ),
        ({"name": "x", "color": "red"}, "/color"),
    ],
)
def test_an_area_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    assert_problem(api.post("/v1/areas", json=body, headers=home.headers), 422, "invalid", pointer)


def test_a_store_key_sees_of_an_area_its_own_stores_and_changes_nothing(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    area = create(api, home, "/v1/areas", name="東京", store_ids=[store_id(shops.a), store_id(shops.b)])
    path = f"/v1/areas/{area['id']}"
    assert api.get(path, headers=shops.key_a).json()["store_ids"] == [store_id(shops.a)]
    assert api.get("/v1/areas", headers=shops.key_a).json()["items"][0]["store_ids"] == [store_id(shops.a)]
    for answer in (
        api.post("/v1/areas", json={"name": "x"}, headers=shops.key_a),
        api.patch(path, json={"name": "x"}, headers=shops.key_a),
        api.delete(path, headers=shops.key_a),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_another_brand_finds_no_area_and_cannot_use_our_ids(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    store, area = create_store(api, home, "S1"), create(api, home, "/v1/areas", name="東京")
    path = f"/v1/areas/{area['id']}"
    assert list_ids(api, other_home.headers, "/v1/areas") == []
    own = create(api, other_home, "/v1/areas", name="大阪")
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
        api.post("/v1/areas", json={"name": "x", "parent_id": area["id"]}, headers=other_home.headers),
        api.post("/v1/areas", json={"name": "x", "store_ids": [store["id"]]}, headers=other_home.headers),
        api.patch(f"/v1/areas/{own['id']}", json={"parent_id": area["id"]}, headers=other_home.headers),
    ):
        assert_problem(answer, 404, "not-found")


def test_an_archived_area_is_gone_and_one_in_use_is_not_archived(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")
    outer = create(api, home, "/v1/areas", name="関東")
    inner = create(api, home, "/v1/areas", name="東京", parent_id=outer["id"], store_ids=[store["id"]])
    account = create_account(api, home, "c-1", area_id=inner["id"])
    for area in (outer, inner):
        assert_problem(api.delete(f"/v1/areas/{area['id']}", headers=home.headers), 409, "area-in-use")
    assert api.delete(f"/v1/line-accounts/{account['id']}", headers=home.headers).status_code == 204
    for area in (inner, outer):
        assert api.delete(f"/v1/areas/{area['id']}", headers=home.headers).status_code == 204
        assert api.get(f"/v1/areas/{area['id']}", headers=home.headers).status_code == 404
    assert list_ids(api, home.headers, "/v1/areas") == []


def test_areas_that_move_at_once_do_not_wait_for_each_other(api: TestClient, home: BrandHome) -> None:
    areas = [create(api, home, "/v1/areas", name=str(number))["id"] for number in range(5)]

    def move(number: int) -> int:
        path = f"/v1/areas/{areas[number % 5]}"
        body = {"parent_id": areas[(number * 2 + 1) % 5]}
        return int(api.patch(path, json=body, headers=home.headers).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(move, range(20))) <= {200, 409}
