"""Offers over HTTP: their terms, templates and copies."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tenants.permissions import STORE_PERMISSIONS
from tenants.stores.models import Store
from tests.app.coupons.test_router import (
    ISSUING,
    OFFER,
    customer_ids,
    key_headers,
    make_offer,
    shops,
    store_id,
)
from tests.conftest import BrandHome

__all__ = ["shops"]

TERMS: dict[str, Any] = {
    "limits": {
        "total": 9, "issued_per_day": 5, "redeemed_total": 8, "redeemed_per_area": 7, "redeemed_per_store": 6,
        "redeemed_per_day": 5, "redeemed_per_customer": 1, "budget_yen": 9000, "yen_per_area": 8000,
        "yen_per_store": 7000, "yen_per_day": 6000, "yen_per_store_per_day": 5000, "yen_per_customer": 4000,
        "reserve": True,
    },
    "combinable_with": ["平日ランチ"],
    "priority": 10,
    "usable_times": {"within_opening_hours": True, "weekdays": ["mon", "fri"], "hours": [["14:00", "17:00"]]},
    "occasion": "welcome",
    "welcome_messages": [{"type": "text", "text": "{{ store.name }}です。{{ coupon.code }}"}],
}  # fmt: skip


def change(api: TestClient, home: BrandHome, coupon: dict[str, Any], **changes: Any) -> Any:
    return api.patch(f"/v1/coupons/{coupon['id']}", headers=home.headers, json=changes)


def test_all_terms_are_answered_as_they_were_asked_for(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home, **TERMS)
    assert {name: coupon[name] for name in TERMS} == TERMS
    assert coupon["is_template"] is False
    plain = make_offer(api, home)
    told = [plain[name] for name in ("combinable_with", "priority", "usable_times", "occasion", "welcome_messages")]
    assert told == [None, 0, None, None, None]


def test_terms_are_changed_and_taken_away(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home, **TERMS)
    away = {"combinable_with": None, "usable_times": None, "occasion": None, "welcome_messages": None}
    changed = change(api, home, coupon, **away, priority=3, limits={"redeemed_per_day": None}).json()
    assert {name: changed[name] for name in away} == away
    assert (changed["priority"], "redeemed_per_day" in changed["limits"]) == (3, False)
    assert changed["limits"]["reserve"] is True
    assert change(api, home, coupon, priority=None).status_code == 422


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"limits": {"reserve": True}}, "/limits/reserve"),
        (
            {
                "limits": {"reserve": True, "budget_yen": 1000},
                "benefit": {"kind": "percent_off", "percent": 10},
            },
            "/limits/reserve",
        ),
        ({"benefit": {"kind": "amount_off", "amount_yen": 1, "most_yen": 1}}, "/benefit/most_yen"),
        ({"usable_times": {}}, "/usable_times"),
        ({"usable_times": {"hours": [["17:00", "14:00"]]}}, "/usable_times"),
        ({"usable_times": {"weekdays": ["mon", "mon"]}}, "/usable_times"),
        ({"usable_times": {"weekdays": ["may"]}}, "/usable_times/weekdays/0"),
        ({"combinable_with": []}, "/combinable_with"),
        ({"priority": -1}, "/priority"),
        ({"welcome_messages": [{"type": "text", "text": "ようこそ"}]}, "/welcome_messages"),
        (
            {"occasion": "welcome", "welcome_messages": [{"type": "text", "text": "{{ customer.member_number }}"}]},
            "/welcome_messages",
        ),
        ({"occasion": "welcome", "welcome_messages": [{"type": "text"}]}, "/welcome_messages/0/text"),
        ({"occasion": "welcome", "is_template": True}, "/occasion"),
    ],
)
def test_terms_that_do_not_fit_are_pointed_at(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/coupons", headers=home.headers, json={**OFFER, **changes})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_store_gives_nothing_unasked(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    own = {"store_id": store_id(shops[0]), "store_ids": [store_id(shops[0])], "all_stores": None}
    answer = api.post("/v1/coupons", headers=home.headers, json={**OFFER, **own, "occasion": "birthday"})
    assert answer.json()["errors"][0]["pointer"] == "/occasion"


def test_money_set_aside_is_shown_and_not_taken_away(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home, limits={"budget_yen": 1000, "reserve": True})
    assert change(api, home, coupon, limits={"reserve": None}).status_code == 200
    assert change(api, home, coupon, limits={"reserve": True}).status_code == 200
    body = {"customer_ids": customer_ids(home, 3)}
    items = api.post(f"/v1/coupons/{coupon['id']}/issue", headers=home.headers, json=body).json()["items"]
    assert [item["status"] for item in items] == [201] * 3
    stats = api.get(f"/v1/coupons/{coupon['id']}/stats", headers=home.headers).json()
    told = [stats[name] for name in ("issued", "remaining", "reserved_yen", "budget_remaining_yen")]
    assert told == [3, 2, 600, 400]
    for limits in ({"reserve": None}, {"budget_yen": 599}):
        refused = change(api, home, coupon, limits=limits)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    assert change(api, home, coupon, limits={"budget_yen": None}).json()["errors"][0]["pointer"] == "/limits/reserve"
    assert change(api, home, coupon, limits={"budget_yen": 600}).status_code == 200


def test_a_template_is_only_there_to_be_copied(api: TestClient, home: BrandHome) -> None:
    template, offer = make_offer(api, home, is_template=True), make_offer(api, home)

    def list_ids(query: str = "") -> list[str]:
        items = api.get(f"/v1/coupons{query}", headers=home.headers).json()["items"]
        return [item["id"] for item in items]

    assert (list_ids(), list_ids("?is_template=true")) == ([offer["id"]], [template["id"]])
    body = {"customer_ids": customer_ids(home, 1)}
    refused = api.post(f"/v1/coupons/{template['id']}/issue", headers=home.headers, json=body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
    campaign = {
        "name": "雨の日",
        "audience": {},
        "coupon_id": template["id"],
        "messages": [{"type": "text", "text": "雨"}],
    }
    answer = api.post("/v1/campaigns", headers=home.headers, json=campaign)
    assert answer.json()["errors"][0]["pointer"] == "/coupon_id"


def copy(api: TestClient, headers: dict[str, str], coupon: dict[str, Any], body: Any = None) -> Any:
    return api.post(f"/v1/coupons/{coupon['id']}/copy", headers=headers, json=body)


def test_a_copy_has_the_same_terms_and_none_of_the_past(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home, **TERMS)
    issue = {"customer_ids": customer_ids(home, 1)}
    api.post(f"/v1/coupons/{coupon['id']}/issue", headers=home.headers, json=issue)
    made = copy(api, home.headers, coupon)
    assert made.status_code == 201, made.text
    same = {**coupon, "occasion": None, "welcome_messages": None}
    differing = {name for name, value in made.json().items() if value != same[name]}
    assert differing == {"id", "created_at"}
    stats = api.get(f"/v1/coupons/{made.json()['id']}/stats", headers=home.headers).json()
    assert (stats["issued"], stats["reserved_yen"]) == (0, 0)
    named = copy(api, home.headers, coupon, {"name": "12月", "is_template": True}).json()
    assert (named["name"], named["is_template"]) == ("12月", True)


def test_a_store_copies_head_office_s_offer_for_its_own_counter(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    coupon = make_offer(api, home, is_template=True)
    key = key_headers(home, shops[1], permissions=ISSUING)
    made = copy(api, key, coupon).json()
    mine = store_id(shops[1])
    assert (made["store_id"], made["store_ids"], made["all_stores"]) == (mine, [mine], False)
    reading = key_headers(home, shops[1], permissions=sorted(STORE_PERMISSIONS - {"coupons:write"}))
    assert copy(api, reading, coupon).status_code == 403
    other = make_offer(api, home, all_stores=None, store_ids=[store_id(shops[0])], store_id=store_id(shops[0]))
    assert copy(api, key, other).status_code == 404
