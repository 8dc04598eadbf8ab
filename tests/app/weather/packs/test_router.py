"""Rule packs over HTTP: read, and imported as drafts with what is to be expected of them."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.ids import encode_id
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

PACKS = "/v1/weather-rule-packs"


@pytest.fixture
def store(home: BrandHome) -> Store:
    """A store in Tokyo, open all day."""
    with home.open() as session:
        found = make.store(session)
        session.commit()
        session.refresh(found)
        session.expunge(found)
        return found


def imported(api: TestClient, headers: dict[str, str], pack: str = "cafe", **body: Any) -> list[dict[str, Any]]:
    """What was made."""
    answer = api.post(f"{PACKS}/{pack}/import", headers=headers, json={"all_stores": True, **body})
    assert answer.status_code == 201, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_packs_are_listed_with_their_rules(api: TestClient, home: BrandHome) -> None:
    answer = api.get(PACKS, headers=home.headers).json()
    assert [pack["code"] for pack in answer["items"]] == ["cafe", "ramen", "apparel", "drugstore"]
    assert all(pack["rules"] for pack in answer["items"])
    assert api.get(f"{PACKS}/ramen", headers=home.headers).json() == answer["items"][1]


def test_a_pack_says_what_its_rules_read_beside_the_forecast(api: TestClient, home: BrandHome) -> None:
    rules = {rule["code"]: rule["needs"] for rule in api.get(f"{PACKS}/cafe", headers=home.headers).json()["rules"]}
    assert (rules["rain-at-lunch"], rules["sudden-cold"], rules["after-the-storm"]) == ([], ["past"], ["hourly"])


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pack_that_there_is_not_is_not_found(api: TestClient, home: BrandHome, method: str) -> None:
    path = f"{PACKS}/bakery" + ("/import" if method == "POST" else "")
    assert api.request(method, path, headers=home.headers, json={} if method == "POST" else None).status_code == 404


def test_a_whole_pack_becomes_drafts_that_can_be_read_as_rules(api: TestClient, home: BrandHome, store: Store) -> None:
    items = imported(api, home.headers)
    assert [item["code"] for item in items][:2] == ["rain-at-lunch", "rain-in-the-afternoon"]
    assert {item["rule"]["status"] for item in items} == {"draft"}
    for item in items:
        path = f"/v1/weather-rules/{item['rule']['id']}"
        assert api.get(path, headers=home.headers).json() == item["rule"]


def test_some_of_its_rules_are_made_for_some_stores(api: TestClient, home: BrandHome, store: Store) -> None:
    own = encode_id("store", store.id)
    (item,) = imported(api, home.headers, all_stores=False, store_ids=[own], rules=["sudden-cold", "sudden-cold"])
    assert (item["code"], item["rule"]["store_ids"]) == ("sudden-cold", [own])


def test_a_coupon_goes_with_every_rule_and_its_code_is_shown(api: TestClient, home: BrandHome, store: Store) -> None:
    with home.open() as session:
        coupon_id = encode_id("cpn", make.coupon(session).id)
        session.commit()
    (item,) = imported(api, home.headers, rules=["rain-at-lunch"], coupon_id=coupon_id)
    assert item["rule"]["coupon_id"] == coupon_id
    assert "{{ coupon.code }}" in item["rule"]["messages"][1]["text"]


def test_a_coupon_needs_the_right_to_issue_it(api: TestClient, home: BrandHome, store: Store) -> None:
    with home.open() as session:
        coupon_id = encode_id("cpn", make.coupon(session).id)
        token = make.access_token(session, ["weather:write"])
        session.commit()
    body = {"all_stores": True, "coupon_id": coupon_id}
    answer = api.post(f"{PACKS}/cafe/import", headers={"Authorization": f"Bearer {token}"}, json=body)
    assert answer.status_code == 403


def test_a_rule_of_another_pack_is_refused(api: TestClient, home: BrandHome, store: Store) -> None:
    body = {"all_stores": True, "rules": ["rain-at-lunch", "pollen"]}
    answer = api.post(f"{PACKS}/cafe/import", headers=home.headers, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/rules/1")


def test_a_store_key_makes_them_for_its_store(api: TestClient, home: BrandHome, store: Store) -> None:
    with home.open() as session:
        key = make.store_key(session, store, permissions=["weather:write"])
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    (item,) = imported(api, headers, all_stores=False, rules=["rain-at-lunch"])
    assert item["rule"]["store_id"] == encode_id("store", store.id)


def test_a_store_whose_district_is_not_known_tells_nothing_of_what_to_expect(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        make.store(session, municipality_code=None, weather_area=None)
        session.commit()
    (item,) = imported(api, home.headers, rules=["rain-at-lunch"])
    assert item["expected_fires"]["per_store_year"] is None
    assert item["expected_fires"]["detail"].startswith("No store of the rule has a forecast district")
