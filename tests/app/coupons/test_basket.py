"""A basket is told what each coupon would give or why not, and coupons on one order must go together."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.coupons import redeeming
from app.coupons.problems import CouponNotCombinable
from tenants.ids import encode_id
from tenants.session import ScopedSession
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.app.coupons.test_caps import all_at_once
from tests.app.coupons.test_redeem import NOON, issued
from tests.app.coupons.test_router import key_headers, shops
from tests.conftest import BrandHome

__all__ = ["shops"]

DAY = timedelta(days=1)


def weigh(api: TestClient, headers: dict[str, str], code: str, **basket: Any) -> dict[str, tuple[bool, Any, Any]]:
    """By the coupon's name: whether it applies, what it gives, and else the name of the problem."""
    answer = api.post("/v1/cards/resolve", headers=headers, json={"code": code, **basket})
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: (one["applies"], one["discount_yen"], one["problem"] and one["problem"]["type"].rpartition("/")[2])
        for one in answer.json()["coupons"]
    }


def test_a_basket_is_told_what_each_coupon_gives_and_why_another_does_not(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    percent = {"kind": "percent_off", "percent": 10}
    with home.open() as session:
        hanako = make.customer(session, shops[0])
        offers: dict[str, dict[str, Any]] = {
            "plain": {},
            "percent": {"benefit": percent},
            "big": {"min_spend_yen": 5000},
            "elsewhere": {"redeemable_store_nos": [shops[1].no]},
            "spent": {"limits": {"budget_yen": 0}},
        }
        copies = {
            name: make.issued_coupon(session, make.coupon(session, name=name, **changes), hanako)
            for name, changes in offers.items()
        }
        soon, later = make.coupon(session, name="soon"), utc_now() + DAY
        make.issued_coupon(session, soon, hanako, starts_at=later, expires_at=later + DAY)
        session.commit()
    key, code = key_headers(home, shops[0]), copies["plain"].code
    found = weigh(api, key, code, basket=[{"unit_price_yen": 890, "quantity": 2}])
    assert found == {
        "plain": (True, 200, None),
        "percent": (True, 178, None),
        "big": (False, None, "coupon-minimum-spend"),
        "elsewhere": (False, None, "coupon-not-here"),
        "spent": (False, None, "coupon-budget-spent"),
        "soon": (False, None, "coupon-not-started"),
    }
    assert set(weigh(api, key, code)) == {"plain", "percent", "big"}  # without a basket what the store takes


def test_coupons_on_one_order_must_go_together(session: ScopedSession) -> None:
    store, other = make.store(session), make.store(session)
    alone, first, second = issued(session), issued(session, combinable=True), issued(session, combinable=True)
    redeeming.redeem(session, first.code, store=store, order_ref="R-1", now=NOON)
    redeeming.redeem(session, second.code, store=store, order_ref="R-1", now=NOON)
    with pytest.raises(CouponNotCombinable):
        redeeming.redeem(session, alone.code, store=store, order_ref="R-1", now=NOON)
    # Another store's receipt may have the same number.
    redeeming.redeem(session, alone.code, store=other, order_ref="R-1", now=NOON)


def test_what_was_given_back_stands_in_nobodys_way(session: ScopedSession) -> None:
    store = make.store(session)
    first, second = issued(session), issued(session)
    use = redeeming.redeem(session, first.code, store=store, order_ref="R-1", now=NOON)
    with pytest.raises(CouponNotCombinable) as caught:
        redeeming.redeem(session, second.code, store=store, order_ref="R-1", now=NOON)
    assert caught.value.coupon == "雨の日200円引き"
    redeeming.reverse(session, use.id, reason="会計のやり直し", scope=session.scope, now=NOON)
    redeeming.redeem(session, second.code, store=store, order_ref="R-1", now=NOON)


def test_of_two_tills_on_one_order_one_is_refused(home: BrandHome) -> None:
    with home.open() as session:
        store = make.store(session)
        codes = [make.issued_coupon(session, make.coupon(session)).code for _ in range(8)]
        session.commit()

    def using(code: str) -> Any:
        return lambda session: redeeming.redeem(session, code, store=store, order_ref="R-1", now=utc_now())

    assert all_at_once(home, [using(code) for code in codes]) == Counter({"done": 1, "coupon-not-combinable": 7})


def test_a_card_tells_points_and_rank_once_there_is_a_programme(
    api: TestClient, home: BrandHome, shops: list[Store]
) -> None:
    with home.open() as session:
        hanako = make.customer(session, shops[0], member_number="M-1")
        session.commit()
    key = key_headers(home, shops[0])

    def resolve() -> dict[str, Any]:
        told: dict[str, Any] = api.post("/v1/cards/resolve", headers=key, json={"code": "M-1"}).json()
        return told

    assert (resolve()["points"], resolve()["points_debt"]) == (None, None)
    api.put("/v1/points/programme", json={"orders": {"yen_per_point": 100}}, headers=home.headers)
    entry = {"customer_id": encode_id("cus", hanako.id), "delta": 70, "source_ref": "gift"}
    assert api.post("/v1/points", json=entry, headers=home.headers).status_code == 201
    assert (resolve()["points"], resolve()["points_debt"]) == (70, 0)
