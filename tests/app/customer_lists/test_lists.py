"""Lists of customers over HTTP: made, filled, shown to whom they concern, put away."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import true

from app.campaigns.models import Campaign
from app.customers.joining.service import merge
from app.customers.models import Customer
from app.messaging import planning, service
from app.messaging.audience import Audience
from tenants.ids import encode_id, uuid7
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome

LISTS = "/v1/customer-lists"


class Desk:
    """Someone with a credential who works on lists."""

    def __init__(self, api: TestClient, headers: dict[str, str]) -> None:
        self.api, self.headers = api, headers

    def make(self, **body: Any) -> Any:
        answer = self.api.post(LISTS, json={"name": "招待客", **body}, headers=self.headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def add(self, list_id: str, *items: dict[str, str]) -> list[Any]:
        answer = self.api.post(f"{LISTS}/{list_id}/members", json={"items": items}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def members(self, list_id: str, **params: Any) -> Any:
        answer = self.api.get(f"{LISTS}/{list_id}/members", params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, list_id: str) -> set[str]:
        return {one["customer_id"] for one in self.members(list_id)["items"]}

    def get(self, list_id: str) -> Any:
        return self.api.get(f"{LISTS}/{list_id}", headers=self.headers).json()


@pytest.fixture
def desk(api: TestClient, home: BrandHome) -> Desk:
    return Desk(api, home.headers)


def people(home: BrandHome, count: int, **changes: Any) -> list[Customer]:
    with home.open() as session:
        made = [make.customer(session, **changes) for _ in range(count)]
        session.commit()
        return made


def of(*customers: Customer) -> list[dict[str, str]]:
    return [{"customer_id": encode_id("cus", one.id)} for one in customers]


def test_each_who_is_named_is_told_of(desk: Desk, home: BrandHome) -> None:
    made = desk.make(description="商店会の名簿から")
    external, member = f"EC-{uuid7().hex}", f"M-{uuid7().hex}"
    (first,), (second,), (third,) = (
        people(home, 1),
        people(home, 1, external_id=external),
        people(home, 1, member_number=member),
    )
    named = [*of(first), {"external_id": external}, {"member_number": member}, *of(first), {"external_id": "nobody"}]
    items = desk.add(made["id"], *named)
    assert [one["status"] for one in items] == [201, 201, 201, 200, 404]
    assert [one["id"] for one in items[:3]] == [encode_id("cus", one.id) for one in (first, second, third)]
    assert items[4]["problem"]["type"].endswith("not-found")
    assert [one["status"] for one in desk.add(made["id"], *of(second))] == [200]
    assert desk.get(made["id"])["customers"] == 3


def test_members_are_paged_and_taken_off(desk: Desk, home: BrandHome) -> None:
    made, customers = desk.make(), people(home, 5)
    desk.add(made["id"], *of(*customers))
    first = desk.members(made["id"], limit=3)
    second = desk.members(made["id"], limit=3, cursor=first["next_cursor"])
    told = [one["customer_id"] for one in (*first["items"], *second["items"])]
    assert sorted(told) == sorted(encode_id("cus", one.id) for one in customers)
    gone = f"{LISTS}/{made['id']}/members/{told[0]}"
    assert desk.api.delete(gone, headers=desk.headers).status_code == 204
    assert desk.api.delete(gone, headers=desk.headers).status_code == 404
    assert desk.ids(made["id"]) == set(told[1:])


def test_what_is_put_away_takes_nobody_in_and_is_found_among_its_like(desk: Desk, home: BrandHome) -> None:
    made, (customer,) = desk.make(), people(home, 1)
    desk.add(made["id"], *of(customer))
    assert desk.api.delete(f"{LISTS}/{made['id']}", headers=desk.headers).status_code == 204
    refused = desk.api.post(f"{LISTS}/{made['id']}/members", json={"items": of(customer)}, headers=desk.headers)
    assert refused.status_code == 409
    found = desk.api.get(LISTS, params={"archived": True}, headers=desk.headers).json()["items"]
    assert [(one["id"], one["customers"]) for one in found] == [(made["id"], 1)]
    assert desk.api.get(LISTS, headers=desk.headers).json()["items"] == []


def test_a_store_puts_its_own_customers_on_its_own_lists(api: TestClient, home: BrandHome, desk: Desk) -> None:
    with home.open() as session:
        store = make.store(session)
        key = make.store_key(session, store, permissions=["customers:read", "customers:write"])
        hers, other = make.customer(session, store), make.customer(session)
        session.commit()
    stores = Desk(api, {"Authorization": f"Bearer {key}"})
    mine, brands = stores.make(), desk.make()
    assert [one["status"] for one in stores.add(mine["id"], *of(hers, other))] == [201, 404]
    desk.add(brands["id"], *of(hers, other))
    assert stores.ids(brands["id"]) == {encode_id("cus", hers.id)}
    assert (stores.get(brands["id"])["customers"], desk.get(brands["id"])["customers"]) == (1, 2)
    refused = api.post(f"{LISTS}/{brands['id']}/members", json={"items": of(hers)}, headers=stores.headers)
    assert refused.status_code == 403


def test_who_is_merged_is_on_the_list_once(desk: Desk, home: BrandHome) -> None:
    made, (one, same, other) = desk.make(), people(home, 3)
    desk.add(made["id"], *of(one, same, other))
    with home.open() as session:
        for lost in (same, other):
            merge(session, lost.id, one.id, source="api", proof={}, merged_by="x", now=utc_now())
        session.commit()
    assert desk.ids(made["id"]) == {encode_id("cus", one.id)}
    assert desk.get(made["id"])["customers"] == 1
    assert [item["id"] for item in desk.add(made["id"], *of(same))] == [encode_id("cus", one.id)]


def test_whom_a_run_did_not_reach_is_a_list_and_exact(desk: Desk, home: BrandHome) -> None:
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        make.quota(session, account, limit=2)
        followers = [make.follower(session, account) for _ in range(5)]
        make.customer(session)
        campaign = Campaign(name="秋", messages=[{"type": "text", "text": "秋です"}], launched_at=utc_now())
        session.add(campaign)
        session.flush()
        run, _ = service.start_run(
            session,
            cause=service.Cause(kind="campaign", campaign_id=campaign.id),
            content=service.Content(messages=campaign.messages),
            audience=Audience(where=true(), senders=planning.list_senders(session, None, None)),
            now=utc_now(),
        )
        session.commit()
        assert run.left_out == {"quota": 3, "no_friend": 1}
    campaign_id = encode_id("cmp", campaign.id)
    short = desk.make(**{"from": {"campaign_id": campaign_id, "reasons": ["quota"]}})
    assert short["customers"] == 3
    told = desk.api.get(f"/v1/campaigns/{campaign_id}/deliveries", headers=desk.headers).json()["items"]
    assert desk.ids(short["id"]) == {one["customer_id"] for one in told if one["reason"] == "quota"}
    all_of_them = desk.make(**{"from": {"campaign_id": campaign_id, "reasons": ["quota", "no_friend"]}})
    assert all_of_them["customers"] == len(followers) - 2 + 1
    unknown = {"name": "x", "from": {"campaign_id": encode_id("cmp", uuid7()), "reasons": ["quota"]}}
    refused = desk.api.post(LISTS, json=unknown, headers=desk.headers)
    assert refused.json()["errors"][0]["pointer"] == "/from/campaign_id"


def test_a_key_names_exactly_one(desk: Desk, home: BrandHome) -> None:
    made = desk.make()
    for item in ({}, {"external_id": "a", "member_number": "b"}):
        answer = desk.api.post(f"{LISTS}/{made['id']}/members", json={"items": [item]}, headers=desk.headers)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/items/0"


def test_an_erased_person_is_on_no_list(desk: Desk, home: BrandHome) -> None:
    made, (customer,) = desk.make(), people(home, 1)
    desk.add(made["id"], *of(customer))
    path = f"/v1/customers/{encode_id('cus', customer.id)}"
    told = desk.api.get(f"{path}/export", headers=desk.headers).json()
    assert [one["list_id"] for one in told["lists"]] == [made["id"]]
    assert desk.api.delete(path, headers=desk.headers).status_code == 202
    assert desk.members(made["id"])["items"] == []
