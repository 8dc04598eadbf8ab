"""Why a campaign writes to somebody or does not, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer, Friend
from tenants.ids import encode_id
from tenants.line_accounts.models import LineAccount
from tenants.stores.models import Store
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome


class Road:
    """A person who follows the accounts of five stores, at home in the third; she came to the fifth last."""

    def __init__(self, api: TestClient, home: BrandHome) -> None:
        self.api, self.home = api, home
        with home.open() as session:
            self.stores: list[Store] = [make.store(session) for _ in range(5)]
            self.accounts: list[LineAccount] = [make.line_account(session, store) for store in self.stores]
            self.customer: Customer = make.follower(session, *self.accounts, home=self.stores[2])
            self.stranger: Customer = make.customer(session)
            make.visit(session, self.customer, self.stores[4], last_order_at=utc_now() - timedelta(days=3))
            session.commit()

    def draft(self, **changes: Any) -> str:
        body = {"name": "秋のお知らせ", "messages": [{"type": "text", "text": "新しいメニューです"}], **changes}
        answer = self.api.post("/v1/campaigns", json=body, headers=self.home.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def launch(self, campaign_id: str) -> None:
        assert self.api.post(f"/v1/campaigns/{campaign_id}/launch", headers=self.home.headers).status_code == 202

    def explain(self, campaign_id: str, customer: Customer | None = None) -> Any:
        params = {"customer_id": encode_id("cus", (customer or self.customer).id)}
        answer = self.api.get(f"/v1/campaigns/{campaign_id}/explain", params=params, headers=self.home.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def id_of(self, number: int) -> str:
        return encode_id("acc", self.accounts[number].id)

    def block(self, number: int) -> None:
        with self.home.open() as session:
            friend = session.exec(select(Friend).where(col(Friend.line_account_id) == self.accounts[number].id)).one()
            friend.status = "blocked"
            session.commit()


@pytest.fixture
def road(api: TestClient, home: BrandHome) -> Road:
    return Road(api, home)


def test_who_blocks_the_account_that_spoke_hears_from_the_next_best(road: Road) -> None:
    first = road.draft()
    told = road.explain(first)
    assert (told["is_launched"], told["chosen"], told["line_account_id"]) == (False, True, road.id_of(2))
    assert "home store" in told["text"]
    assert "いつもの店舗" in told["text_ja"]
    assert len(told["senders"]) == 5
    road.launch(first)
    road.block(2)
    second = road.draft()
    told = road.explain(second)
    assert (told["chosen"], told["line_account_id"]) == (True, road.id_of(4))
    assert "last" in told["text"]
    assert len(told["senders"]) == 4
    road.launch(second)
    decided = road.explain(second)
    assert (decided["is_launched"], decided["line_account_id"]) == (True, road.id_of(4))


def test_after_the_launch_it_says_what_was_decided_then(road: Road) -> None:
    campaign = road.draft()
    road.launch(campaign)
    road.block(2)
    told = road.explain(campaign)
    assert (told["is_launched"], told["chosen"], told["line_account_id"]) == (True, True, road.id_of(2))
    assert told["senders"][0]["line_account_id"] == road.id_of(4)
    assert "今なら別の" in told["text_ja"]


def test_whom_nobody_reaches_any_more_is_told_who_spoke(road: Road) -> None:
    campaign = road.draft()
    road.launch(campaign)
    for number in range(5):
        road.block(number)
    told = road.explain(campaign)
    assert (told["chosen"], told["line_account_id"], told["senders"]) == (True, road.id_of(2), [])
    assert told["text_ja"].endswith("から届きました。")


def test_the_senders_stand_in_the_order_of_the_policy(road: Road) -> None:
    order = [road.id_of(number) for number in (3, 0, 4, 1, 2)]
    campaign = road.draft(sender_policy="fixed_order", audience={"line_account_ids": order})
    assert [one["line_account_id"] for one in road.explain(campaign)["senders"]] == order


def test_who_is_left_out_is_told_why(road: Road) -> None:
    body = {"purpose": "marketing", "channel": "line", "is_granted": False}
    path = f"/v1/customers/{encode_id('cus', road.customer.id)}/consents"
    assert road.api.post(path, json=body, headers=road.home.headers).status_code == 201
    told = road.explain(road.draft())
    assert (told["in_audience"], told["chosen"], told["reason"], told["line_account_id"]) == (
        True,
        False,
        "consent",
        None,
    )
    assert told["text_ja"] == "お知らせの受け取りを希望されていません。"
    assert road.explain(road.draft(), road.stranger)["reason"] == "no_friend"


def test_who_is_not_in_the_audience_is_told_so(road: Road) -> None:
    rule = {"field": "order_count", "op": ">=", "value": 3}
    told = road.explain(road.draft(audience={"rule": rule}))
    assert (told["in_audience"], told["chosen"], told["senders"]) == (False, False, [])
    assert told["text"] == "The campaign's rule does not hold for her."


def test_a_store_is_told_of_its_own_campaign_and_customers_only(road: Road) -> None:
    with road.home.open() as session:
        store = session.get_one(Store, (road.home.scope.brand_id, road.stores[4].id))
        permissions = ["campaigns:read", "campaigns:write", "customers:read"]
        key = make.store_key(session, store, permissions=permissions)
        session.commit()
    headers = {"Authorization": f"Bearer {key}"}
    body = {"name": "店舗から", "messages": [{"type": "text", "text": "お待ちしています"}]}
    store_id = encode_id("store", road.stores[4].id)
    made = road.api.post("/v1/campaigns", json={**body, "store_id": store_id}, headers=headers)
    assert made.status_code == 201, made.text
    hers = {"customer_id": encode_id("cus", road.customer.id)}
    told = road.api.get(f"/v1/campaigns/{made.json()['id']}/explain", params=hers, headers=headers).json()
    assert [one["line_account_id"] for one in told["senders"]] == [road.id_of(4)]
    assert told["senders"][0]["is_home_store"] is False
    unknown = {"customer_id": encode_id("cus", road.stranger.id)}
    assert (
        road.api.get(f"/v1/campaigns/{made.json()['id']}/explain", params=unknown, headers=headers).status_code == 404
    )
    others = road.draft()
    assert road.api.get(f"/v1/campaigns/{others}/explain", params=hers, headers=headers).status_code == 404
