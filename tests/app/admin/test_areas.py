"""Areas: a tree of stores that are marketed together."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.customers.summary import add_visits, settle_usual_stores
from tenants.ids import encode_id
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import Shops, assert_problem, create, create_account, create_store, list_ids, store_id
from tests.conftest import BrandHome

SQUARE = [[139.0, 35.0], [140.0, 35.0], [140.0, 36.0], [139.0, 36.0], [139.0, 35.0]]

LATITUDE_FIRST = [[latitude, longitude] for longitude, latitude in SQUARE]
BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]


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
        {"radius": {"radius_m": 800}},
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
        (
            {"name": "x", "trade_zone": {"radius": {"latitude": 51.5, "longitude": -0.1, "radius_m": 1}}},
            "/trade_zone/radius",
        ),
        ({"name": "x", "trade_zone": {"radius": {"latitude": 35.0, "radius_m": 1}}}, "/trade_zone/radius"),
        (
            {"name": "x", "trade_zone": {"polygon": {"type": "Polygon", "coordinates": [LATITUDE_FIRST]}}},
            "/trade_zone/polygon/coordinates/0",
        ),
        (
            {"name": "x", "trade_zone": {"polygon": {"type": "Polygon", "coordinates": [BOW_TIE]}}},
            "/trade_zone/polygon/coordinates",
        ),
        ({"name": "x", "color": "red"}, "/color"),
    ],
)
def test_an_area_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    assert_problem(api.post("/v1/areas", json=body, headers=home.headers), 422, "invalid", pointer)


class Town:
    """A store in Shibuya and one in Osaka, each with an account, and people who belong to Shibuya in different ways."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            self.shibuya = make.store(session, municipality_code="13113", latitude=35.659, longitude=139.70)
            self.osaka = make.store(session, municipality_code="27127", latitude=34.705, longitude=135.50)
            here, there = make.line_account(session, self.shibuya), make.line_account(session, self.osaka)
            make.follower(session, there, municipality_code="13113")
            make.follower(session, there, home=self.shibuya)
            make.follower(session, here, municipality_code="27127")
            guest = make.customer(session)
            add_visits(session, guest, self.shibuya, visits=1, now=utc_now())
            settle_usual_stores(session, [guest])
            make.follower(session, there, home=self.osaka, municipality_code="27127")
            session.commit()


@pytest.mark.parametrize(
    ("zone", "by_address"),
    [
        ({"municipality_codes": ["13113"]}, 1),
        ({"radius": {"latitude": 35.66, "longitude": 139.70, "radius_m": 800}}, 0),
        ({"radius": {"radius_m": 800}}, 0),
        ({"polygon": {"type": "Polygon", "coordinates": [SQUARE]}}, 0),
    ],
)
def test_customers_are_counted_by_what_ties_them_to_a_trade_zone(
    api: TestClient, home: BrandHome, zone: dict[str, Any], by_address: int
) -> None:
    town = Town(home)
    area = create(api, home, "/v1/areas", name="渋谷", trade_zone=zone, store_ids=[encode_id("store", town.shibuya.id)])
    counted = api.get(f"/v1/areas/{area['id']}/customers-count", headers=home.headers).json()
    del counted["fresh_at"]
    assert counted == {
        "area_id": area["id"],
        "customers": 3 + by_address,
        "in_trade_zone": 2 + by_address,
        "by_address": by_address,
        "by_home_store": 2,  # the guest's usual store is hers as long as nobody states another
        "by_visit": 1,
        "by_friendship": 1,
        "stores": 1,
    }
    rule = {"field": "area", "op": "in_trade_zone", "value": area["id"]}
    segment = api.post("/v1/segments/preview", json={"rule": rule}, headers=home.headers)
    assert segment.json()["customers"] == counted["in_trade_zone"]


def test_a_trade_zone_around_stores_moves_with_them(api: TestClient, home: BrandHome) -> None:
    town = Town(home)
    area = create(api, home, "/v1/areas", name="渋谷", trade_zone={"radius": {"radius_m": 800}})
    path = f"/v1/areas/{area['id']}"
    assert api.get(f"{path}/customers-count", headers=home.headers).json()["stores"] == 0
    api.patch(path, json={"store_ids": [encode_id("store", town.osaka.id)]}, headers=home.headers)
    counted = api.get(f"{path}/customers-count", headers=home.headers).json()
    assert (counted["stores"], counted["by_home_store"]) == (1, 1)


def test_an_area_without_a_trade_zone_holds_nobody(api: TestClient, home: BrandHome) -> None:
    town = Town(home)
    area = create(api, home, "/v1/areas", name="渋谷", store_ids=[encode_id("store", town.shibuya.id)])
    assert api.get(f"/v1/areas/{area['id']}/customers-count", headers=home.headers).json()["customers"] == 0


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
