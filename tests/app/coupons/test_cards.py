"""A till resolves whatever a customer shows, from whatever store it came, and learns no codes beside it."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.coupons.codes import new_code
from app.coupons.models import CouponBudget
from app.customers.erasing.service import erase
from app.customers.models import Customer, Identity
from tenants.ids import encode_id
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.coupons.test_router import key_headers, redeem, shops, store_id
from tests.conftest import BrandHome

__all__ = ["shops"]


def resolve(api: TestClient, headers: dict[str, str], code: str, **more: Any) -> Any:
    return api.post("/v1/cards/resolve", headers=headers, json={"code": code, **more})


class Holder:
    """A member of the second store who holds one copy that every store takes."""

    def __init__(self, home: BrandHome, shops: list[Store]) -> None:
        with home.open() as session:
            person = make.customer(session, shops[1], name="山田花子", member_number="M-0001")
            copy = make.issued_coupon(session, customer=person, store_no=shops[1].no)
            session.commit()
        self.id, self.customer_id = person.id, encode_id("cus", person.id)
        self.code, self.copy_id, self.coupon_id = (
            copy.code,
            encode_id("icpn", copy.id),
            encode_id("cpn", copy.coupon_id),
        )


@pytest.fixture
def holder(home: BrandHome, shops: list[Store]) -> Holder:
    return Holder(home, shops)


def test_a_code_of_another_store_tells_who_she_is_and_what_she_can_use(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    key = key_headers(home, shops[0])
    assert api.get(f"/v1/customers/{holder.customer_id}", headers=key).status_code == 404
    typed = holder.code[:4].lower() + "-" + holder.code[4:]
    answer = resolve(api, key, typed)
    assert answer.status_code == 200, answer.text
    (coupon,) = answer.json().pop("coupons")
    assert coupon.pop("expires_at").endswith("Z")
    assert coupon == {
        "issued_coupon_id": holder.copy_id,
        "coupon_id": holder.coupon_id,
        "name": "雨の日200円引き",
        "benefit": {"kind": "amount_off", "amount_yen": 200},
        "benefit_text": "200 yen off",
        "benefit_text_ja": "200円引き",
        "min_spend_yen": 0,
        "combinable": False,
        "code": holder.code,
        "applies": True,
        "problem": None,
        "discount_yen": 200,
    }
    assert answer.json()["customer"] == {"id": holder.customer_id, "nickname": "山田花子", "rank": None}
    assert answer.json()["points"] is None
    assert redeem(api, key, holder.code).status_code == 201


def test_the_store_sees_her_from_then_on_and_head_office_sees_that_it_does(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    key, path = key_headers(home, shops[0]), f"/v1/customers/{holder.customer_id}"
    for _ in range(2):
        resolve(api, key, "M-0001")
    assert api.get(path, headers=key).json()["store_ids"] == [store_id(shops[0])]
    told, created = api.get(f"{path}/timeline", headers=home.headers).json()["items"]
    assert (told["type"], told["store_id"]) == ("customer.updated", store_id(shops[0]))
    assert created["type"] == "customer.created"
    assert told["data"] == {"fields": ["store_ids"]}


def test_a_member_number_finds_her_but_opens_no_coupon(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    (coupon,) = resolve(api, key_headers(home, shops[0]), " M-0001 ").json()["coupons"]
    assert coupon["code"] == "********" + holder.code[-4:]
    assert redeem(api, key_headers(home, shops[0]), coupon["code"]).status_code == 404


def test_line_s_name_is_her_nickname(api: TestClient, home: BrandHome, shops: list[Store], holder: Holder) -> None:
    with home.open() as session:
        person = session.exec(select(Customer).where(col(Customer.id) == holder.id)).one()
        friend = make.friend(session, make.line_account(session, shops[1]), person)
        profile = session.exec(select(Identity).where(col(Identity.id) == friend.identity_id)).one()
        profile.display_name, profile.profile_at = "はなちゃん", utc_now()
        session.commit()
    answer = resolve(api, key_headers(home, shops[0]), holder.code)
    assert answer.json()["customer"]["nickname"] == "はなちゃん"


def test_only_what_the_store_takes_now_is_on_the_card(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    with home.open() as session:
        person = session.exec(select(Customer).where(col(Customer.id) == holder.id)).one()
        now = utc_now()
        here = make.coupon(session, name="here", redeemable_store_nos=[shops[0].no])
        make.issued_coupon(session, here, person, expires_at=now + timedelta(hours=1))
        for coupon, changes in (
            (make.coupon(session, name="elsewhere", redeemable_store_nos=[shops[1].no]), {}),
            (here, {"status": "void"}),
            (here, {"status": "redeemed"}),
            (here, {"expires_at": now}),
            (here, {"starts_at": now + timedelta(hours=1)}),
        ):
            make.issued_coupon(session, coupon, person, **changes)
        spent = make.coupon(session, name="spent", limits={"budget_yen": 100})
        session.get_one(CouponBudget, (home.scope.brand_id, spent.id)).discount_yen = 100
        make.issued_coupon(session, spent, person)
        daily = make.coupon(session, name="daily", limits={"per_store_per_day": 1})
        used = make.issued_coupon(session, daily)
        make.issued_coupon(session, daily, person)
        session.commit()
    keys = [key_headers(home, shop) for shop in shops]
    assert redeem(api, keys[0], used.code).status_code == 201

    def names(headers: dict[str, str], **more: str) -> list[str]:
        return [one["name"] for one in resolve(api, headers, holder.code, **more).json()["coupons"]]

    assert names(keys[0]) == ["here", "雨の日200円引き"]
    assert sorted(names(keys[1])) == ["daily", "elsewhere", "雨の日200円引き"]
    assert sorted(names(keys[2])) == ["daily", "雨の日200円引き"]
    assert names(home.headers, store_id=store_id(shops[0])) == names(keys[0])
    assert sorted(names(home.headers)) == ["daily", "elsewhere", "here", "spent", "雨の日200円引き"]


def test_head_office_looks_without_tying_her(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    assert resolve(api, home.headers, holder.code).status_code == 200
    with home.open() as session:
        assert session.exec(select(col(Customer.store_nos)).where(col(Customer.id) == holder.id)).one() == [shops[1].no]


def test_every_unknown_code_answers_the_same(
    api: TestClient, home: BrandHome, other_home: BrandHome, shops: list[Store]
) -> None:
    key = key_headers(home, shops[0])
    with other_home.open() as session:
        foreign = make.issued_coupon(session, customer=make.customer(session, member_number="M-7")).code
        session.commit()
    with home.open() as session:
        gone = make.issued_coupon(session)
        erase(session, gone.customer_id, utc_now())
        session.commit()
    for path in ("/v1/cards/resolve", "/v1/redemptions"):
        bodies = set()
        for code in (new_code(), foreign, "M-7", gone.code, "!", "x" * 64, "********" + foreign[-4:]):
            answer = api.post(path, headers=key, json={"code": code})
            bodies.add((answer.status_code, answer.text.replace(answer.json()["request_id"], "")))
        (only,) = bodies
        assert only[0] == 404


def test_a_key_names_its_own_stores_only_and_needs_its_permission(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    two = key_headers(home, *shops[:2])
    assert resolve(api, two, holder.code).json()["errors"][0]["pointer"] == "/store_id"
    assert resolve(api, two, holder.code, store_id=store_id(shops[2])).status_code == 404
    assert resolve(api, two, holder.code, store_id=store_id(shops[0])).status_code == 200
    refused = resolve(api, key_headers(home, shops[0], permissions=["coupons:read"]), holder.code)
    assert (refused.status_code, refused.json()["permission"]) == (403, "coupons:redeem")


def test_codes_are_listed_to_those_who_may_issue_them(
    api: TestClient, home: BrandHome, shops: list[Store], holder: Holder
) -> None:
    till = key_headers(home, shops[1])
    issuing = key_headers(home, shops[1], permissions=["coupons:read", "coupons:issue"])

    def codes(headers: dict[str, str], **query: str) -> set[str]:
        listed = api.get("/v1/issued-coupons", headers=headers, params=query).json()["items"]
        one = api.get(f"/v1/issued-coupons/{holder.copy_id}", headers=headers).json()
        return {one["code"], *(item["code"] for item in listed)}

    masked = "********" + holder.code[-4:]
    assert codes(till) == {masked}
    assert codes(till, code=holder.code) == {masked, holder.code}
    assert codes(issuing) == codes(home.headers) == {holder.code}
