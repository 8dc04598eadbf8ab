"""A store rehearses its campaign with its own eyes: no dry run tells what its customers do at other stores."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.customers.summary import add_orders
from app.customers.tags import service as tags
from tenants.ids import encode_id
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.app.customers.test_customers_api import NOON
from tests.conftest import BrandHome

SENDING = ["campaigns:read", "campaigns:write", "campaigns:launch", "segments:read", "segments:write"]


class Asked:
    """A store A that sends, whose one follower has spent 500 yen with it and 9,500 with store B."""

    def __init__(self, home: BrandHome) -> None:
        with home.open() as session:
            a, b = make.store(session), make.store(session)
            self.area = encode_id("area", make.area(session, a, b).id)
            person = make.follower(session, make.line_account(session, a), home=a, store_nos=[])
            add_orders(session, person, a, orders=1, spend_yen=500, ordered_at=NOON, now=NOON)
            add_orders(session, person, b, orders=3, spend_yen=9500, ordered_at=NOON, now=NOON)
            tags.tag(session, person.id, [make.tag(session, b, name="辛党")], source="test", now=NOON)
            make.segment(session, name="Bの客", rule={"field": "store", "op": "in", "value": encode_id("store", b.id)})
            everyone = session.exec(select(Customer)).all()
            assert [one.spend_yen for one in everyone] == [10_000]
            assert sorted(session.exec(select(col(CustomerStore.spend_yen))).all()) == [500, 9500]
            self.a_id, self.b_id = encode_id("store", a.id), encode_id("store", b.id)
            keys = [make.store_key(session, *stores, permissions=SENDING) for stores in ((a,), (a, b))]
            session.commit()
        self.store, self.both = (BrandHome(home.engine, home.scope, key) for key in keys)

    def chosen(self, api: TestClient, caller: BrandHome, audience: dict[str, Any]) -> int:
        """How many a dry run of A's campaign to this audience would send to."""
        campaign = draft(api, self.store, store_id=self.a_id, audience=audience)
        return int(act(api, caller, campaign, "dry-run").json()["chosen"])


@pytest.fixture
def asked(home: BrandHome) -> Asked:
    return Asked(home)


@pytest.mark.parametrize(
    ("field", "here", "anywhere"),
    [("spend_yen", 500, 10_000), ("order_count", 1, 4)],
)
def test_a_store_s_dry_run_counts_what_was_bought_there(
    api: TestClient, home: BrandHome, asked: Asked, field: str, here: int, anywhere: int
) -> None:
    for caller in (asked.store, home):
        assert asked.chosen(api, caller, {"rule": {"field": field, "op": "=", "value": here}}) == 1
        assert asked.chosen(api, caller, {"rule": {"field": field, "op": ">", "value": here}}) == 0
    whole = draft(api, home, audience={"rule": {"field": field, "op": "=", "value": anywhere}})
    assert act(api, home, whole, "dry-run").json()["chosen"] == 1


def test_a_dry_run_does_not_tell_other_stores_tags_by_their_name(
    api: TestClient, home: BrandHome, asked: Asked
) -> None:
    with home.open() as session:
        make.tag(session, name="辛党")
        session.commit()
    rule = {"field": "tag", "op": "has", "value": "辛党"}
    assert asked.chosen(api, asked.store, {"rule": rule}) == 0
    whole = draft(api, home, audience={"rule": rule})
    assert act(api, home, whole, "dry-run").json()["chosen"] == 1


def test_head_office_s_segment_chooses_for_a_store_by_what_it_sees(
    api: TestClient, home: BrandHome, asked: Asked
) -> None:
    (segment,) = api.get("/v1/segments", headers=asked.store.headers).json()["items"]
    assert asked.chosen(api, asked.store, {"segment_id": segment["id"]}) == 0
    assert asked.chosen(api, asked.store, {"rule": {"field": "area", "op": "in", "value": asked.area}}) == 1
    whole = draft(api, home, audience={"segment_id": segment["id"]})
    assert act(api, home, whole, "dry-run").json()["chosen"] == 1


def test_a_key_of_two_stores_asks_in_the_name_of_one(api: TestClient, asked: Asked) -> None:
    audience = {"rule": {"field": "store", "op": "bought_at", "value": asked.b_id}}
    body = {"name": "A", "messages": [{"type": "text", "text": "A"}], "store_id": asked.a_id, "audience": audience}
    answer = api.post("/v1/campaigns", json=body, headers=asked.both.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/audience/rule/value")


def test_a_launch_reaches_whom_the_dry_run_counted(api: TestClient, home: BrandHome, asked: Asked) -> None:
    for value, chosen in ((1, 1), (2, 0)):
        rule = {"field": "order_count", "op": ">=", "value": value}
        campaign = draft(api, asked.store, store_id=asked.a_id, audience={"rule": rule})
        assert act(api, asked.store, campaign, "launch").status_code == 202
        stats = api.get(f"/v1/campaigns/{campaign['id']}/stats", headers=home.headers).json()
        assert stats["chosen"] == chosen


def test_a_store_is_told_of_head_office_s_campaign_what_came_of_it_there(
    api: TestClient, home: BrandHome, asked: Asked
) -> None:
    with home.open() as session:
        elsewhere = make.store(session)
        account = make.line_account(session, elsewhere)
        for _ in range(3):
            make.follower(session, account, home=elsewhere)
        make.follower(session)
        session.commit()
    campaign = draft(api, home, audience={"rule": {"all": []}})
    assert act(api, home, campaign, "launch").status_code == 202
    path = f"/v1/campaigns/{campaign['id']}/stats"
    whole, there = (api.get(path, headers=caller.headers).json() for caller in (home, asked.store))
    assert (whole["chosen"], whole["waiting"], whole["left_out"]) == (4, 4, {"no_friend": 1})
    assert (there["chosen"], there["waiting"], there["left_out"]) == (1, 1, {})
    assert act(api, home, campaign, "cancel").status_code == 200
    there = api.get(path, headers=asked.store.headers).json()
    assert (there["chosen"], there["waiting"], there["left_out"]) == (1, 0, {"stopped": 1})
