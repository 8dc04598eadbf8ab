"""Coupons over HTTP: the offer, the copies, the till."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer
from tenants.ids import decode_id, encode_id, uuid7
from tenants.permissions import STORE_PERMISSIONS
from tenants.stores.models import Store
from tests import make
from tests.conftest import BrandHome

OFFER: dict[str, Any] = {
    "name": "雨の日200円引き",
    "benefit": {"kind": "amount_off", "amount_yen": 200},
    "validity": {"hours_after_issue": 24},
    "all_stores": True,
}
ISSUING = [*STORE_PERMISSIONS, "coupons:write", "coupons:issue"]


@pytest.fixture
def shops(home: BrandHome) -> list[Store]:
    with home.open() as session:
        stores = [make.store(session, name=name) for name in ("渋谷店", "新宿店", "大阪店")]
        session.commit()
    return stores


def key_headers(home: BrandHome, *stores: Store, permissions: list[str] | None = None) -> dict[str, str]:
    with home.open() as session:
        key = make.store_key(session, *stores, permissions=permissions)
        session.commit()
    return {"Authorization": f"Bearer {key}"}


def customer_ids(home: BrandHome, count: int, *stores: Store) -> list[str]:
    with home.open() as session:
        ids = [make.customer(session, *stores).id for _ in range(count)]
        session.commit()
    return [encode_id("cus", one) for one in ids]


def store_id(store: Store) -> str:
    return encode_id("store", store.id)


def make_offer(api: TestClient, home: BrandHome, **changes: Any) -> dict[str, Any]:
    answer = api.post("/v1/coupons", headers=home.headers, json={**OFFER, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def issue_code(api: TestClient, home: BrandHome, coupon: dict[str, Any]) -> str:
    """A code in a new customer's hands; she is tied to no store."""
    body = {"customer_ids": customer_ids(home, 1)}
    answer = api.post(f"/v1/coupons/{coupon['id']}/issue", headers=home.headers, json=body)
    return str(answer.json()["items"][0]["issued_coupon"]["code"])


def redeem(api: TestClient, headers: dict[str, str], code: str, **fields: Any) -> Any:
    return api.post("/v1/redemptions", headers=headers, json={"code": code, **fields})


def test_an_offer_is_answered_as_it_was_asked_for(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    asked = {
        "name": "秋の15％引き",
        "benefit": {"kind": "percent_off", "percent": 15},
        "validity": {"from": "2026-11-01", "to": "2026-11-30T15:00:00+09:00"},
        "limits": {"total": 100, "per_customer": 2, "per_store_per_day": 30, "budget_yen": 50000},
        "store_ids": [store_id(shops[1]), store_id(shops[0])],
        "min_spend_yen": 1000,
        "funding": {"payer": "redeeming_store"},
        "combinable": True,
    }
    made = make_offer(api, home, **asked, all_stores=None)
    assert made.pop("id").startswith("cpn_")
    assert made.pop("created_at").endswith("Z")
    assert made == asked | {
        "line_coupon": False,
        "line_coupons": [],
        "benefit_text": "15% off",
        "benefit_text_ja": "15%引き",
        "validity": {"from": "2026-11-01", "to": "2026-11-30T06:00:00Z"},
        "store_ids": [store_id(shops[0]), store_id(shops[1])],
        "area_ids": None,
        "all_stores": False,
        "store_id": None,
        "usable_times": None,
        "combinable_with": None,
        "priority": 0,
        "is_template": False,
        "occasion": None,
        "welcome_messages": None,
    }


def test_an_area_stands_for_its_stores(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        upper = make.area(session, shops[0])
        make.area(session, shops[1], parent_id=upper.id)
        session.commit()
    area_id = encode_id("area", upper.id)
    coupon = make_offer(api, home, area_ids=[area_id], all_stores=None)
    assert (coupon["area_ids"], coupon["store_ids"], coupon["all_stores"]) == ([area_id], None, False)
    statuses = [redeem(api, key_headers(home, shop), issue_code(api, home, coupon)).status_code for shop in shops]
    assert statuses == [201, 201, 409]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"benefit": {"kind": "amount_off"}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "amount_off", "amount_yen": 0}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "amount_off", "amount_yen": 10**13}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "amount_off", "amount_yen": 1.5}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "percent_off", "percent": 101}}, "/benefit/percent"),
        ({"benefit": {"kind": "percent_off", "percent": 5, "amount_yen": 9}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "gift"}}, "/benefit/item"),
        ({"benefit": {"kind": "service"}}, "/benefit/item"),
        ({"benefit": {"kind": "early_access", "item": "限定品", "amount_yen": 9}}, "/benefit/amount_yen"),
        ({"benefit": {"kind": "free"}}, "/benefit/kind"),
        ({"validity": {}}, "/validity"),
        ({"validity": {"from": "2026-11-01"}}, "/validity"),
        ({"validity": {"from": "2026-11-01", "to": "2026-11-30", "hours_after_issue": 3}}, "/validity"),
        ({"validity": {"from": "2026-11-02", "to": "2026-11-01"}}, "/validity/to"),
        ({"validity": {"from": "11/01", "to": "2026-11-01"}}, "/validity/from"),
        ({"validity": {"hours_after_issue": 0}}, "/validity/hours_after_issue"),
        ({"validity": {"weather_day": False}}, "/validity/weather_day"),
        ({"limits": {"total": 0}}, "/limits/total"),
        ({"limits": {"total": "5"}}, "/limits/total"),
        ({"limits": {"per_week": 5}}, "/limits/per_week"),
        ({"funding": {"payer": "nobody"}}, "/funding/payer"),
        ({"all_stores": None}, ""),
        ({"store_ids": [encode_id("store", uuid7())]}, ""),
        ({"store_ids": [encode_id("store", uuid7())], "all_stores": False}, "/store_ids/0"),
        ({"area_ids": [encode_id("area", uuid7())], "all_stores": None}, "/area_ids/0"),
        ({"store_ids": [], "all_stores": None}, "/store_ids"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_malformed_offer_is_pointed_at(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/coupons", headers=home.headers, json={**OFFER, **changes})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_offer_is_changed_field_by_field(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    validity = {"from": "2026-11-01", "to": "2026-11-30"}
    made = make_offer(api, home, limits={"total": 10, "budget_yen": 500}, validity=validity)
    path = f"/v1/coupons/{made['id']}"
    tag = api.get(path, headers=home.headers).headers["ETag"]
    changes = {"limits": {"total": None, "per_customer": 1}, "store_ids": [store_id(shops[0])], "min_spend_yen": 5}
    changed = api.patch(path, headers={**home.headers, "If-Match": tag}, json=changes)
    expected = {"limits": {"budget_yen": 500, "per_customer": 1}, "all_stores": False, "area_ids": None}
    assert changed.json() == made | changes | expected
    assert api.get(path, headers=home.headers).json() == changed.json()
    assert api.patch(path, headers={**home.headers, "If-Match": tag}, json={"name": "x"}).status_code == 412
    for body, pointer in (({"name": None}, "/name"), ({"store_ids": None}, ""), ({"benefit": None}, "/benefit")):
        assert api.patch(path, headers=home.headers, json=body).json()["errors"][0]["pointer"] == pointer


def test_what_an_issued_coupon_gives_cannot_change(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home)
    path = f"/v1/coupons/{coupon['id']}"
    more = {"benefit": {"kind": "amount_off", "amount_yen": 300}}
    assert api.patch(path, headers=home.headers, json=more).status_code == 200
    issue_code(api, home, coupon)
    assert api.patch(path, headers=home.headers, json=more).status_code == 200
    less = {"benefit": {"kind": "amount_off", "amount_yen": 100}}
    assert api.patch(path, headers=home.headers, json=less).status_code == 409


def test_an_archived_offer_is_gone_but_its_codes_are_good(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    coupon = make_offer(api, home)
    code = issue_code(api, home, coupon)
    path = f"/v1/coupons/{coupon['id']}"
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert api.get("/v1/coupons", headers=home.headers).json()["items"] == []
    body = {"customer_ids": customer_ids(home, 1)}
    assert api.post(f"{path}/issue", headers=home.headers, json=body).status_code == 404
    assert redeem(api, key_headers(home, shops[0]), code).status_code == 201


def test_issuing_answers_item_by_item(api: TestClient, home: BrandHome) -> None:
    coupon = make_offer(api, home, limits={"total": 2})
    first, second, third = customer_ids(home, 3)
    body = {"customer_ids": [first, encode_id("cus", uuid7()), first, second, third], "source": "秋の会"}
    answer = api.post(f"/v1/coupons/{coupon['id']}/issue", headers=home.headers, json=body)
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(item["index"], item["status"]) for item in items] == [(0, 201), (1, 404), (2, 200), (3, 201), (4, 409)]
    assert items[0]["issued_coupon"]["customer_id"] == first
    assert items[0]["id"] == items[0]["issued_coupon"]["id"] == items[2]["id"]
    assert items[0]["issued_coupon"]["status"] == "issued"
    assert [items[n]["problem"]["type"] for n in (1, 4)] == ["/problems/not-found", "/problems/coupon-all-issued"]
    assert items[4]["problem"]["total"] == 2
    again = api.post(f"/v1/coupons/{coupon['id']}/issue", headers=home.headers, json=body).json()["items"]
    assert [item["id"] for item in again] == [item["id"] for item in items]
    assert [item["status"] for item in again] == [200, 404, 200, 200, 409]


def test_a_code_is_redeemed_once_at_any_of_the_coupon_s_stores(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    coupon = make_offer(api, home, store_ids=[store_id(shop) for shop in shops[:2]], all_stores=None)
    code = issue_code(api, home, coupon)
    shibuya, shinjuku, osaka = (key_headers(home, shop) for shop in shops)

    outside = redeem(api, osaka, code)
    assert (outside.status_code, outside.json()["type"]) == (409, "/problems/coupon-not-here")
    done = redeem(api, shinjuku, code, amount_yen=980, order_ref="R-1")
    assert done.status_code == 201
    redemption = done.json()
    assert (redemption["store_id"], redemption["discount_yen"]) == (store_id(shops[1]), 200)
    assert (redemption["coupon_id"], redemption["status"]) == (coupon["id"], "redeemed")
    with home.open() as session:
        customer_id = decode_id("cus", redemption["customer_id"])
        assert session.exec(select(Customer.store_nos).where(col(Customer.id) == customer_id)).one() == [shops[1].no]

    again = redeem(api, shibuya, code)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/coupon-already-redeemed")
    assert (again.json()["redeemed_at"], again.json()["store"]) == (redemption["redeemed_at"], "新宿店")

    path = f"/v1/redemptions/{redemption['id']}"
    assert api.post(f"{path}/reverse", headers=shibuya).status_code == 404
    reversed_ = api.post(f"{path}/reverse", headers=shinjuku, json={"reason": "打ち間違い"})
    assert (reversed_.status_code, reversed_.json()["status"]) == (200, "reversed")
    assert api.get(path, headers=shinjuku).json() == reversed_.json()
    assert api.post(f"{path}/reverse", headers=shinjuku).json()["type"] == "/problems/redemption-reversed"
    assert redeem(api, shibuya, code).status_code == 201


def test_a_retry_with_its_key_is_answered_as_the_first_time(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    code = issue_code(api, home, make_offer(api, home))
    headers = {**key_headers(home, shops[0]), "Idempotency-Key": "till-1-receipt-7"}
    first, second = redeem(api, headers, code), redeem(api, headers, code)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_code_of_nobody_or_of_another_brand_is_not_found(
    api: TestClient, home: BrandHome, other_home: BrandHome, shops: list[Store]
) -> None:
    with other_home.open() as session:
        shop = make.store(session)
        session.commit()
    code = issue_code(api, home, make_offer(api, home))
    answers = [
        redeem(api, key_headers(other_home, shop), code),
        redeem(api, key_headers(home, shops[0]), "0000-0000-0000"),
        redeem(api, key_headers(home, shops[0]), "what?"),
    ]
    assert [(answer.status_code, answer.json()["type"]) for answer in answers] == [(404, "/problems/not-found")] * 3


def test_head_office_names_the_store_and_a_key_only_its_own(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    code = issue_code(api, home, make_offer(api, home))
    both = key_headers(home, shops[0], shops[1])
    for headers in (home.headers, both):
        nameless = redeem(api, headers, code)
        assert [error["pointer"] for error in nameless.json()["errors"]] == ["/store_id"]
    assert redeem(api, both, code, store_id=store_id(shops[2])).status_code == 404
    assert redeem(api, both, code, store_id=store_id(shops[1])).status_code == 201
    other = issue_code(api, home, make_offer(api, home))
    assert redeem(api, home.headers, other, store_id=store_id(shops[2])).json()["store_id"] == store_id(shops[2])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/code"),
        ({"code": ""}, "/code"),
        ({"code": 123}, "/code"),
        ({"code": "x" * 65}, "/code"),
        ({"code": "x", "amount_yen": -1}, "/amount_yen"),
        ({"code": "x", "amount_yen": "100"}, "/amount_yen"),
        ({"code": "x", "redeemed_at": "2026-11-21"}, "/redeemed_at"),
        ({"code": "x", "redeemed_at": "2199-11-21T00:00:00Z"}, "/redeemed_at"),
        ({"code": "x", "store_id": "store_1"}, "/store_id"),
        ({"code": "x", "tip": 1}, "/tip"),
    ],
)
def test_a_malformed_redemption_is_pointed_at(
    api: TestClient, home: BrandHome, shops: list[Store], body: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/redemptions", headers=key_headers(home, shops[0]), json=body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])


def test_copies_are_listed_by_what_they_are(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    coupon = make_offer(api, home)
    codes = [issue_code(api, home, coupon) for _ in range(3)]
    issue_code(api, home, make_offer(api, home))
    redeem(api, home.headers, codes[0], store_id=store_id(shops[0]))

    def listed(**filters: str) -> list[str]:
        items = api.get("/v1/issued-coupons", headers=home.headers, params=filters).json()["items"]
        return [item["code"] for item in items]

    assert listed(coupon_id=coupon["id"]) == codes[::-1]
    assert listed(coupon_id=coupon["id"], status="redeemed") == [codes[0]]
    assert listed(coupon_id=coupon["id"], status="expired") == []
    assert listed(code=codes[1].lower()) == [codes[1]]
    [found] = api.get("/v1/issued-coupons", headers=home.headers, params={"code": codes[2]}).json()["items"]
    assert listed(customer_id=found["customer_id"]) == [codes[2]]

    path = f"/v1/issued-coupons/{found['id']}"
    assert api.get(path, headers=home.headers).json() == found
    assert api.post(f"{path}/void", headers=home.headers).json() == found | {"status": "void"}
    assert redeem(api, home.headers, codes[2], store_id=store_id(shops[0])).json()["type"] == "/problems/coupon-void"
    page = api.get("/v1/issued-coupons", headers=home.headers, params={"limit": 2}).json()
    assert len(page["items"]) == 2
    assert page["next_cursor"]


def test_an_expired_copy_shows_and_answers_so(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    with home.open() as session:
        copy = make.issued_coupon(session, expires_at=make.coupon(session).created_at)
        session.commit()
    path = f"/v1/issued-coupons/{encode_id('icpn', copy.id)}"
    assert api.get(path, headers=home.headers).json()["status"] == "expired"
    answer = redeem(api, key_headers(home, shops[0]), copy.code)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/coupon-ended")
    for status, count in (("expired", 1), ("issued", 0)):
        items = api.get("/v1/issued-coupons", headers=home.headers, params={"status": status}).json()["items"]
        assert len(items) == count


def test_a_store_sees_its_own_redemptions_and_copies(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    mine, other = key_headers(home, shops[0], permissions=ISSUING), key_headers(home, shops[1])
    own = api.post("/v1/coupons", headers=mine, json={**OFFER, "store_ids": [store_id(shops[0])], "all_stores": None})
    assert own.json()["store_id"] == store_id(shops[0])
    [hers, theirs] = customer_ids(home, 1, shops[0]) + customer_ids(home, 1, shops[1])
    issue = f"/v1/coupons/{own.json()['id']}/issue"
    given = api.post(issue, headers=mine, json={"customer_ids": [hers, theirs]}).json()["items"]
    assert [item["status"] for item in given] == [201, 404]
    done = redeem(api, mine, given[0]["issued_coupon"]["code"]).json()

    brands = issue_code(api, home, make_offer(api, home))
    redeem(api, other, brands)
    listed = api.get("/v1/redemptions", headers=mine).json()["items"]
    assert [item["id"] for item in listed] == [done["id"]]
    copies = api.get("/v1/issued-coupons", headers=mine).json()["items"]
    assert [item["id"] for item in copies] == [given[0]["id"]]
    for path in (f"/v1/redemptions/{done['id']}", f"/v1/issued-coupons/{given[0]['id']}"):
        assert api.get(path, headers=mine).status_code == 200
        assert api.get(path, headers=other).status_code == 404
    assert api.post(f"/v1/issued-coupons/{given[0]['id']}/void", headers=mine).status_code == 409
    by_coupon = {"coupon_id": own.json()["id"], "status": "redeemed", "code": given[0]["issued_coupon"]["code"]}
    found = api.get("/v1/redemptions", headers=home.headers, params=by_coupon).json()["items"]
    assert [item["id"] for item in found] == [done["id"]]


def test_a_store_reads_head_office_s_offers_and_changes_its_own(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    mine = key_headers(home, shops[0], permissions=ISSUING)
    brands = make_offer(api, home, store_ids=[store_id(shops[0]), store_id(shops[1])], all_stores=None)
    theirs = make_offer(api, home, store_id=store_id(shops[1]), store_ids=[store_id(shops[1])], all_stores=None)
    seen = api.get(f"/v1/coupons/{brands['id']}", headers=mine).json()
    assert seen["store_ids"] == [store_id(shops[0])]
    assert [item["id"] for item in api.get("/v1/coupons", headers=mine).json()["items"]] == [brands["id"]]
    body = {"customer_ids": customer_ids(home, 1, shops[0])}
    for coupon, status in ((brands, 403), (theirs, 404)):
        path = f"/v1/coupons/{coupon['id']}"
        assert api.patch(path, headers=mine, json={"name": "x"}).status_code == status
        assert api.delete(path, headers=mine).status_code == status
        assert api.post(f"{path}/issue", headers=mine, json=body).status_code == status
    for places in ({"all_stores": True}, {"store_ids": [store_id(shops[1])], "all_stores": None}):
        assert api.post("/v1/coupons", headers=mine, json={**OFFER, **places}).status_code == 422


def test_stats_count_the_brand_s_copies_and_a_store_s_own(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    coupon = make_offer(api, home, limits={"total": 10, "budget_yen": 1000})
    codes = [issue_code(api, home, coupon) for _ in range(4)]
    for code, shop in zip(codes[:3], (shops[0], shops[0], shops[1]), strict=True):
        redeem(api, home.headers, code, store_id=store_id(shop))
    path = f"/v1/coupons/{coupon['id']}/stats"
    assert api.get(path, headers=home.headers).json() == {
        "coupon_id": coupon["id"],
        "issued": 4,
        "redeemed": 3,
        "redeemed_ratio": 0.75,
        "discount_yen": 600,
        "remaining": 6,
        "budget_remaining_yen": 400,
        "reserved_yen": None,
    }
    seen = api.get(path, headers=key_headers(home, shops[0])).json()
    assert (seen["issued"], seen["redeemed"], seen["discount_yen"], seen["remaining"]) == (0, 2, 400, None)


def test_a_brand_sees_nothing_of_another_s_coupons(
    api: TestClient, home: BrandHome, other_home: BrandHome, shops: list[Store]
) -> None:
    coupon = make_offer(api, home)
    code = issue_code(api, home, coupon)
    [copy] = api.get("/v1/issued-coupons", headers=home.headers).json()["items"]
    done = redeem(api, home.headers, code, store_id=store_id(shops[0])).json()
    for path in (f"/v1/coupons/{coupon['id']}", f"/v1/issued-coupons/{copy['id']}", f"/v1/redemptions/{done['id']}"):
        assert api.get(path, headers=home.headers).status_code == 200
        assert api.get(path, headers=other_home.headers).status_code == 404
    for path in ("/v1/coupons", "/v1/issued-coupons", "/v1/redemptions"):
        assert api.get(path, headers=other_home.headers).json()["items"] == []
    assert api.post(f"/v1/redemptions/{done['id']}/reverse", headers=other_home.headers).status_code == 404
    assert api.post(f"/v1/issued-coupons/{copy['id']}/void", headers=other_home.headers).status_code == 404


def test_redeeming_needs_its_permission(api: TestClient, home: BrandHome, shops: list[Store]) -> None:
    answer = redeem(api, key_headers(home, shops[0], permissions=["coupons:read"]), "0000-0000-0000")
    assert (answer.status_code, answer.json()["permission"]) == (403, "coupons:redeem")


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"coupon_id": "cpn_1"}, 422),
        ({"customer_id": encode_id("store", uuid7())}, 422),
        ({"status": "lost"}, 422),
        ({"code": "x" * 65}, 422),
        ({"code": "\x00"}, 422),
        ({"code": "'; --"}, 200),
        ({"cursor": "forged"}, 422),
        ({"coupon_id": encode_id("cpn", uuid7())}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/v1/issued-coupons", "/v1/redemptions"])
def test_a_list_refuses_what_it_cannot_search_for(
    api: TestClient, home: BrandHome, path: str, params: dict[str, str], status: int
) -> None:
    assert api.get(path, headers=home.headers, params=params).status_code == status
