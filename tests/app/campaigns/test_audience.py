"""Whom a campaign is for, over HTTP: lists, trade zones, exclusions, and what explain says of who is not meant."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.customers.models import Customer
from tenants.areas.models import Area
from tenants.ids import encode_id, uuid7
from tenants.tables import utc_now
from tests import make
from tests.conftest import BrandHome

HELLO = [{"type": "text", "text": "新しいメニューです"}]


class Town:
    """A shop with an account in Shibuya and one in Osaka, and people who follow both."""

    def __init__(self, api: TestClient, home: BrandHome) -> None:
        self.api, self.home, self.headers = api, home, home.headers
        with home.open() as session:
            self.shibuya = make.store(session, municipality_code="13113", latitude=35.659, longitude=139.7)
            self.osaka = make.store(session, municipality_code="27127", latitude=34.705, longitude=135.5)
            accounts = [make.line_account(session, store) for store in (self.shibuya, self.osaka)]
            self.local = make.follower(session, *accounts, municipality_code="13113")
            self.regular = make.follower(session, *accounts, home=self.shibuya)
            self.usual = make.follower(session, *accounts, usual_store_no=self.shibuya.no, municipality_code="01101")
            self.far = make.follower(session, *accounts, home=self.osaka, municipality_code="27127")
            session.commit()

    def area(self, zone: dict[str, Any] | None) -> str:
        with self.home.open() as session:
            area = Area(name="渋谷", trade_zone=zone)
            session.add(area)
            session.commit()
            return encode_id("area", area.id)

    def list_of(self, *customers: Customer, name: str = "招待客") -> str:
        made = self.api.post("/v1/customer-lists", json={"name": name}, headers=self.headers).json()["id"]
        items = [{"customer_id": encode_id("cus", one.id)} for one in customers]
        self.api.post(f"/v1/customer-lists/{made}/members", json={"items": items}, headers=self.headers)
        return str(made)

    def draft(self, audience: dict[str, Any] | None = None, **changes: Any) -> str:
        body = {"name": "秋のお知らせ", "messages": HELLO, "audience": audience or {}, **changes}
        answer = self.api.post("/v1/campaigns", json=body, headers=self.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def refuse(self, **changes: Any) -> str:
        body = {"name": "秋のお知らせ", "messages": HELLO, **changes}
        answer = self.api.post("/v1/campaigns", json=body, headers=self.headers)
        assert answer.status_code == 422, answer.text
        return str(answer.json()["errors"][0]["pointer"])

    def meant(self, campaign: str) -> set[str]:
        """Whom a launch writes to, of those whom the town knows."""
        launched = self.api.post(f"/v1/campaigns/{campaign}/launch", headers=self.headers)
        assert launched.status_code == 202, launched.text
        told = self.api.get(f"/v1/campaigns/{campaign}/deliveries", headers=self.headers).json()["items"]
        names = {encode_id("cus", getattr(self, name).id): name for name in ("local", "regular", "usual", "far")}
        return {names[one["customer_id"]] for one in told if one["status"] == "waiting"}

    def explain(self, campaign: str, customer: Customer) -> Any:
        params = {"customer_id": encode_id("cus", customer.id)}
        return self.api.get(f"/v1/campaigns/{campaign}/explain", params=params, headers=self.headers).json()


@pytest.fixture
def town(api: TestClient, home: BrandHome) -> Town:
    return Town(api, home)


def test_a_campaign_goes_to_who_is_on_a_list(town: Town) -> None:
    campaign = town.draft({"list_ids": [town.list_of(town.local), town.list_of(town.far)]})
    told = town.explain(campaign, town.regular)
    assert (told["in_audience"], told["text"]) == (False, "She is on none of the campaign's lists.")
    assert town.meant(campaign) == {"local", "far"}


def test_who_is_excluded_is_no_part_of_it_and_told_why(town: Town) -> None:
    first = town.draft({"list_ids": [town.list_of(town.regular)]}, name="先週のお知らせ")
    assert town.meant(first) == {"regular"}
    exclude = {
        "list_ids": [town.list_of(town.local, name="苦情対応中")],
        "campaign_ids": [first],
        "rule": {"field": "store", "op": "home", "value": [encode_id("store", town.osaka.id)]},
    }
    campaign = town.draft({"exclude": exclude})
    told = [town.explain(campaign, one) for one in (town.local, town.regular, town.far)]
    assert [one["in_audience"] for one in told] == [False] * 3
    assert 'excluded list "苦情対応中"' in told[0]["text"]
    assert "「先週のお知らせ」が届いている" in told[1]["text_ja"]
    assert told[2]["text"] == "The excluding rule holds for her."
    assert town.meant(campaign) == {"usual"}


def test_an_excluded_segment_keeps_out_whom_it_chooses(town: Town) -> None:
    rule = {"field": "municipality", "op": "=", "value": "13113"}
    segment = town.api.post("/v1/segments", json={"name": "渋谷区民", "rule": rule}, headers=town.headers)
    assert segment.status_code == 201, segment.text
    assert town.meant(town.draft({"exclude": {"segment_id": segment.json()["id"]}})) == {"regular", "usual", "far"}


def test_a_campaign_that_was_stopped_before_her_turn_did_not_write_to_her(town: Town) -> None:
    first = town.draft()
    assert len(town.meant(first)) == 4
    assert town.api.post(f"/v1/campaigns/{first}/cancel", headers=town.headers).status_code == 200
    assert len(town.meant(town.draft({"exclude": {"campaign_ids": [first]}}))) == 4


ZONES = [
    {"municipality_codes": ["13113", "13104"]},
    {"radius": {"latitude": 35.658, "longitude": 139.701, "radius_m": 2000}},
    {
        "polygon": {
            "type": "Polygon",
            "coordinates": [[[139.6, 35.6], [139.8, 35.6], [139.8, 35.7], [139.6, 35.7], [139.6, 35.6]]],
        }
    },
]


@pytest.mark.parametrize("zone", ZONES, ids=["municipalities", "radius", "polygon"])
def test_a_trade_zone_holds_who_is_at_home_in_its_stores_or_lives_in_its_municipalities(
    town: Town, zone: dict[str, Any]
) -> None:
    campaign = town.draft({"trade_zone_area_ids": [town.area(zone)]})
    told = town.explain(campaign, town.far)
    assert "商圏" in told["text_ja"]
    at_home = {"regular", "usual"}
    assert town.meant(campaign) == (at_home | {"local"} if "municipality_codes" in zone else at_home)


def test_what_is_named_must_be_there(town: Town) -> None:
    campaign, listed = encode_id("cmp", uuid7()), encode_id("list", uuid7())
    assert town.refuse(audience={"list_ids": [listed]}) == "/audience/list_ids/0"
    assert town.refuse(audience={"exclude": {"list_ids": [listed]}}) == "/audience/exclude/list_ids/0"
    assert town.refuse(audience={"exclude": {"campaign_ids": [campaign]}}) == "/audience/exclude/campaign_ids/0"
    without = town.area(None)
    assert town.refuse(audience={"trade_zone_area_ids": [without]}) == "/audience/trade_zone_area_ids/0"
    broken = {"field": "nothing", "op": "=", "value": 1}
    assert town.refuse(audience={"exclude": {"rule": broken}}).startswith("/audience/exclude/rule")


def test_a_list_that_was_put_away_is_named_no_more(town: Town) -> None:
    listed = town.list_of(town.local)
    campaign = town.draft({"list_ids": [listed]})
    assert town.api.delete(f"/v1/customer-lists/{listed}", headers=town.headers).status_code == 204
    refused = town.api.post(f"/v1/campaigns/{campaign}/launch", headers=town.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/audience/list_ids/0")


def test_several_messages_to_one_person_are_said_twice_over(town: Town) -> None:
    assert town.refuse(sender_policy="all_accounts") == "/one_per_person"
    assert town.refuse(one_per_person=False) == "/one_per_person"
    assert town.refuse(one_per_person=False, sender_policy="nearest") == "/one_per_person"
    campaign = town.draft(one_per_person=False, sender_policy="all_accounts")
    path = f"/v1/campaigns/{campaign}"
    half = town.api.patch(path, json={"sender_policy": "nearest"}, headers=town.headers)
    assert half.status_code == 422
    whole = town.api.patch(path, json={"sender_policy": "nearest", "one_per_person": True}, headers=town.headers)
    assert (whole.json()["sender_policy"], whole.json()["one_per_person"]) == ("nearest", True)


def test_a_store_s_campaign_excludes_by_what_the_store_saw(town: Town) -> None:
    with town.home.open() as session:
        shibuya = session.merge(town.shibuya)
        key = make.store_key(session, shibuya, permissions=["campaigns:read", "campaigns:write", "campaigns:launch"])
        make.visit(session, town.regular, shibuya, last_order_at=utc_now())
        session.commit()
    everybody = town.draft(sender_policy="fixed_order")
    assert len(town.meant(everybody)) == 4
    headers = {"Authorization": f"Bearer {key}"}
    body = {
        "name": "店舗から",
        "messages": HELLO,
        "store_id": encode_id("store", town.shibuya.id),
        "audience": {"exclude": {"campaign_ids": [everybody]}},
    }
    made = town.api.post("/v1/campaigns", json=body, headers=headers)
    assert made.status_code == 201, made.text
    told = town.api.post(f"/v1/campaigns/{made.json()['id']}/dry-run", headers=headers).json()
    # The account of Shibuya was the first in the order, so all four heard from it; Osaka's word would not count.
    assert (told["chosen"], told["left_out"]) == (0, {})
