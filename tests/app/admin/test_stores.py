"""Stores over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from tenants.ids import decode_id
from tenants.stores.models import Store
from tests.app.admin.calls import (
    Shops,
    account_id,
    assert_problem,
    create,
    create_account,
    create_store,
    list_ids,
    store_id,
)
from tests.conftest import BrandHome

SHINJUKU = {"latitude": 35.6896, "longitude": 139.7006}
HOURS = {"mon": [["11:00", "26:00"]], "exceptions": [{"on": "2026-12-31", "hours": []}]}


def test_a_store_is_kept_as_given(api: TestClient, home: BrandHome) -> None:
    given: dict[str, Any] = {
        "code": "S1",
        "name": "新宿店",
        "address": "東京都新宿区新宿3-1-1",
        "postal_code": "160-0022",
        "municipality_code": "13104",
        **SHINJUKU,
        "opening_hours": HOURS,
        "weather_area": {"class20": "1310400", "class10": "130010", "office": "130000"},
    }
    made = create(api, home, "/v1/stores", **given)
    assert made["weather_area"] == {**given.pop("weather_area"), "source": "operator"}
    assert given.items() <= made.items()
    assert api.get(f"/v1/stores/{made['id']}", headers=home.headers).json() == made
    assert api.get("/v1/stores", headers=home.headers).json() == {"items": [made], "next_cursor": None}


def test_a_store_keeps_its_number_when_it_changes(api: TestClient, home: BrandHome) -> None:
    made = create_store(api, home, "S1")
    with home.open() as session:
        before = session.exec(select(Store.no)).one()
    changed = api.patch(f"/v1/stores/{made['id']}", json={"code": "S9", "name": "本店"}, headers=home.headers)
    assert (changed.status_code, changed.json()["code"], changed.json()["name"]) == (200, "S9", "本店")
    with home.open() as session:
        assert session.exec(select(Store.no)).one() == before


def test_a_code_is_taken_once_and_free_again_after_archiving(api: TestClient, home: BrandHome) -> None:
    first, second = create_store(api, home, "S1"), create_store(api, home, "S2")
    again = api.post("/v1/stores", json={"code": "S1", "name": "x"}, headers=home.headers)
    assert_problem(again, 409, "store-code-taken")
    assert again.json()["code"] == "S1"
    renamed = api.patch(f"/v1/stores/{second['id']}", json={"code": "S1"}, headers=home.headers)
    assert_problem(renamed, 409, "store-code-taken")
    assert api.delete(f"/v1/stores/{first['id']}", headers=home.headers).status_code == 204
    assert create_store(api, home, "S1")["id"] != first["id"]


def test_another_brand_may_use_the_same_code(api: TestClient, home: BrandHome, other_home: BrandHome) -> None:
    assert create_store(api, home, "S1")["id"] != create_store(api, other_home, "S1")["id"]


def test_stores_are_found_by_code(api: TestClient, home: BrandHome) -> None:
    create_store(api, home, "S1")
    second = create_store(api, home, "S2")
    assert list_ids(api, home.headers, "/v1/stores?code=S2") == [second["id"]]
    assert list_ids(api, home.headers, "/v1/stores?code=S3") == []


def test_lists_come_in_pages(api: TestClient, home: BrandHome) -> None:
    made = [create_store(api, home, f"S{no}")["id"] for no in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        query = "/v1/stores?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = api.get(query, headers=home.headers).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (made[::-1], None)
    forged = api.get("/v1/stores?cursor=AAAA", headers=home.headers)
    assert_problem(forged, 422, "invalid", "/query/cursor")


def test_the_nearest_stores_come_first(api: TestClient, home: BrandHome) -> None:
    create_store(api, home, "nowhere")
    osaka = create_store(api, home, "osaka", latitude=34.7025, longitude=135.4959)
    shinjuku = create_store(api, home, "shinjuku", **SHINJUKU)
    shibuya = create_store(api, home, "shibuya", latitude=35.6580, longitude=139.7016)
    near = api.get("/v1/stores/nearby?lat=35.6909&lng=139.7003&limit=2", headers=home.headers).json()
    assert [store["id"] for store in near["items"]] == [shinjuku["id"], shibuya["id"]]
    assert 100 < near["items"][0]["distance_m"] < 200
    assert 3_500 < near["items"][1]["distance_m"] < 3_800
    everywhere = api.get("/v1/stores/nearby?lat=35.6909&lng=139.7003", headers=home.headers).json()
    assert everywhere["items"][-1]["id"] == osaka["id"]
    assert 395_000 < everywhere["items"][-1]["distance_m"] < 405_000


def test_of_a_near_store_it_is_told_whether_it_is_open_and_where_its_map_is(api: TestClient, home: BrandHome) -> None:
    always: dict[str, Any] = {"exceptions": []}
    never: dict[str, Any] = {"mon": [], "exceptions": []}
    create_store(api, home, "always", latitude=35.0, longitude=139.0, opening_hours=always)
    create_store(api, home, "never", latitude=35.001, longitude=139.0, opening_hours=never)
    create_store(api, home, "silent", latitude=35.002, longitude=139.0)
    near = api.get("/v1/stores/nearby?lat=35&lng=139", headers=home.headers).json()["items"]
    assert [store["open_now"] for store in near] == [True, False, None]
    opens_at, closes_at = (datetime.fromisoformat(near[0][name]) for name in ("opens_at", "closes_at"))
    assert closes_at - opens_at == timedelta(days=1)
    assert (near[1]["opens_at"], near[2]["closes_at"]) == (None, None)
    assert near[0]["map_url"].endswith("query=35.000000%2C139.000000")


@pytest.mark.parametrize("query", ["", "lat=35", "lat=nan&lng=139", "lat=91&lng=139", "lat=35&lng=inf", "lat=a&lng=b"])
def test_nearby_needs_a_point_on_earth(api: TestClient, home: BrandHome, query: str) -> None:
    assert_problem(api.get(f"/v1/stores/nearby?{query}", headers=home.headers), 422, "invalid")


def test_opening_hours_are_merged_by_weekday(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1", opening_hours=HOURS)
    patch = {"opening_hours": {"sun": [["12:00", "20:00"]], "exceptions": None}}
    changed = api.patch(f"/v1/stores/{store['id']}", json=patch, headers=home.headers)
    assert changed.json()["opening_hours"] == {"mon": [["11:00", "26:00"]], "sun": [["12:00", "20:00"]]}


def test_a_store_names_its_accounts(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    accounts = [account_id(shops.account_a), account_id(shops.account_b)]
    made = create_store(api, home, "S9", line_account_ids=accounts)
    assert made["line_account_ids"] == accounts
    path = f"/v1/stores/{made['id']}"
    fewer = api.patch(path, json={"line_account_ids": accounts[1:]}, headers=home.headers).json()
    assert fewer["line_account_ids"] == accounts[1:]
    account = api.get(f"/v1/line-accounts/{accounts[0]}", headers=home.headers).json()
    assert account["store_ids"] == [store_id(shops.a)]
    account = api.get(f"/v1/line-accounts/{accounts[1]}", headers=home.headers).json()
    assert account["store_ids"] == [store_id(shops.b), made["id"]]


def test_accounts_of_an_area_come_and_go_with_the_area(api: TestClient, home: BrandHome) -> None:
    inside, outside = create_store(api, home, "S1"), create_store(api, home, "S2")
    area = create(api, home, "/v1/areas", name="東京", store_ids=[inside["id"]])
    account = create_account(api, home, "c-1", area_id=area["id"])
    joined = api.patch(f"/v1/stores/{outside['id']}", json={"line_account_ids": [account["id"]]}, headers=home.headers)
    assert_problem(joined, 422, "invalid", "/line_account_ids/0")
    left = api.patch(f"/v1/stores/{inside['id']}", json={"line_account_ids": []}, headers=home.headers)
    assert_problem(left, 422, "invalid", "/line_account_ids")
    same = api.patch(f"/v1/stores/{inside['id']}", json={"line_account_ids": [account["id"]]}, headers=home.headers)
    assert same.status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"code": None}, "/code"),
        ({"code": " "}, "/code"),
        ({"name": "a\u0000b"}, "/name"),
        ({"postal_code": "1600"}, "/postal_code"),
        ({"municipality_code": "131041"}, "/municipality_code"),
        ({"latitude": 35.0}, "/longitude"),
        ({"longitude": 135.0}, "/latitude"),
        ({"latitude": "north", "longitude": 1}, "/latitude"),
        ({"latitude": -91, "longitude": 1}, "/latitude"),
        ({"opening_hours": {"mon": [["11:00", "10:00"]]}}, "/opening_hours/mon/0/1"),
        ({"opening_hours": {"monday": []}}, "/opening_hours/monday"),
        ({"opening_hours": []}, "/opening_hours"),
        ({"weather_area": {"class20": "13104"}}, "/weather_area/class20"),
        ({"weather_area": {"class10": "130010"}}, "/weather_area"),
        ({"line_account_ids": ["x"]}, "/line_account_ids/0"),
        ({"no": 7}, "/no"),
    ],
)
def test_a_store_that_makes_no_sense_is_refused(
    api: TestClient, home: BrandHome, body: dict[str, Any], pointer: str
) -> None:
    created = api.post("/v1/stores", json={"code": "S1", "name": "x", **body}, headers=home.headers)
    assert_problem(created, 422, "invalid", pointer)
    store = create_store(api, home, "S2")
    changed = api.patch(f"/v1/stores/{store['id']}", json=body, headers=home.headers)
    assert_problem(changed, 422, "invalid", pointer)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b'{"latitude": NaN}', b"\xff", b'{"code": "\\ud800"}'])
def test_a_body_that_is_no_object_is_refused(api: TestClient, home: BrandHome, content: bytes) -> None:
    headers = {**home.headers, "Content-Type": "application/json"}
    assert api.post("/v1/stores", content=content, headers=headers).status_code in (400, 422)


def test_a_store_key_sees_its_own_store_only(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    assert list_ids(api, shops.key_a, "/v1/stores") == [store_id(shops.a)]
    assert list_ids(api, shops.key_a, "/v1/stores/nearby?lat=35&lng=139") == [store_id(shops.a)]
    assert list_ids(api, shops.key_a, f"/v1/stores?code={shops.b.code}") == []
    assert api.get(f"/v1/stores/{store_id(shops.a)}", headers=shops.key_a).status_code == 200
    assert_problem(api.get(f"/v1/stores/{store_id(shops.b)}", headers=shops.key_a), 404, "not-found")
    for answer in (
        api.post("/v1/stores", json={"code": "x", "name": "x"}, headers=shops.key_a),
        api.patch(f"/v1/stores/{store_id(shops.a)}", json={"name": "x"}, headers=shops.key_a),
        api.delete(f"/v1/stores/{store_id(shops.b)}", headers=shops.key_a),
    ):
        assert_problem(answer, 403, "permission-missing")


def test_another_brand_finds_no_store_and_cannot_use_our_accounts(
    api: TestClient, home: BrandHome, other_home: BrandHome
) -> None:
    shops = Shops(home)
    path = f"/v1/stores/{store_id(shops.a)}"
    assert list_ids(api, other_home.headers, "/v1/stores") == []
    foreign = {"code": "x", "name": "x", "line_account_ids": [account_id(shops.account_a)]}
    for answer in (
        api.get(path, headers=other_home.headers),
        api.patch(path, json={"name": "x"}, headers=other_home.headers),
        api.delete(path, headers=other_home.headers),
        api.post("/v1/stores", json=foreign, headers=other_home.headers),
        api.get("/v1/stores/store_x", headers=home.headers),
        api.get("/v1/stores/acc_01h455vb4pex5vsknk084sn02q", headers=home.headers),
    ):
        assert_problem(answer, 404, "not-found")
    assert list_ids(api, other_home.headers, "/v1/stores") == []


def test_an_archived_store_is_gone_with_its_ties(api: TestClient, home: BrandHome) -> None:
    shops = Shops(home)
    area = create(api, home, "/v1/areas", name="東京", store_ids=[store_id(shops.a), store_id(shops.b)])
    path = f"/v1/stores/{store_id(shops.a)}"
    assert api.delete(path, headers=home.headers).status_code == 204
    assert_problem(api.get(path, headers=home.headers), 404, "not-found")
    assert_problem(api.delete(path, headers=home.headers), 404, "not-found")
    assert list_ids(api, home.headers, "/v1/stores") == [store_id(shops.b)]
    assert api.get(f"/v1/areas/{area['id']}", headers=home.headers).json()["store_ids"] == [store_id(shops.b)]
    account = api.get(f"/v1/line-accounts/{account_id(shops.account_a)}", headers=home.headers).json()
    assert account["store_ids"] == []
    assert api.get("/v1/me", headers=shops.key_a).json()["stores"] == []


def test_a_repeated_create_is_answered_again_and_done_once(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Idempotency-Key": "create-store-1"}
    first = api.post("/v1/stores", json={"code": "S1", "name": "x"}, headers=headers)
    second = api.post("/v1/stores", json={"code": "S1", "name": "x"}, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert list_ids(api, home.headers, "/v1/stores") == [first.json()["id"]]
    other = api.post("/v1/stores", json={"code": "S2", "name": "x"}, headers=headers)
    assert_problem(other, 422, "idempotency-key-reused")


def test_a_stale_version_is_not_overwritten(api: TestClient, home: BrandHome) -> None:
    answer = api.post("/v1/stores", json={"code": "S1", "name": "x", **SHINJUKU}, headers=home.headers)
    path, headers = f"/v1/stores/{answer.json()['id']}", {**home.headers, "If-Match": answer.headers["etag"]}
    assert api.get(path, headers=home.headers).headers["etag"] == answer.headers["etag"]
    assert api.patch(path, json={"name": "y"}, headers=headers).status_code == 200
    assert_problem(api.patch(path, json={"name": "z"}, headers=headers), 412, "stale-version")


def test_a_municipality_without_tables_leaves_the_weather_area_open(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1", municipality_code="99999")
    assert store["weather_area"] is None
    with home.open() as session:
        row = session.exec(select(Store).where(col(Store.id) == decode_id("store", store["id"]))).one()
        assert row.weather_area is None
