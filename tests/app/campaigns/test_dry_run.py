"""What was rehearsed is what happens; and where something changed in between, the launch says what."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.customers.consents.models import Consent
from app.customers.models import Customer
from app.messaging import rehearsals
from app.messaging.models import DryRun, DryRunGroup
from tenants.ids import decode_id, encode_id
from tenants.line_accounts.models import LineAccount
from tenants.tables import utc_now
from tests import make
from tests.app.campaigns.test_router import act, draft
from tests.conftest import BrandHome

NOTHING: dict[str, Any] = {"added": {}, "removed": {}, "moved": []}
PEOPLE = 40


@pytest.fixture
def town(home: BrandHome) -> BrandHome:
    """Two accounts of two stores, people who follow one or both or neither, and some who withdrew their consent."""
    with home.open() as session:
        stores = [make.store(session, name=name) for name in ("新宿店", "渋谷店")]
        accounts = [make.line_account(session, store) for store in stores]
        for number in range(PEOPLE):
            follows = [account for place, account in enumerate(accounts) if number % 5 in (place, 3, 4)]
            make.follower(session, *follows, home=stores[number % 2])
        session.commit()
    withdraw(home, *list_people(home)[:6])
    return home


def limit_quota(home: BrandHome, limit: int) -> None:
    """Let the first account send so many messages this month."""
    with home.open() as session:
        first = session.exec(select(LineAccount).order_by(col(LineAccount.no)).limit(1)).one()
        make.quota(session, first, limit=limit)
        session.commit()


def list_people(home: BrandHome) -> list[str]:
    with home.open() as session:
        return [encode_id("cus", one) for one in session.exec(select(Customer.id).order_by(col(Customer.id))).all()]


def withdraw(home: BrandHome, *customer_ids: str) -> None:
    """Let people say that they want no more messages."""
    with home.open() as session:
        for customer_id in customer_ids:
            no = Consent(
                customer_id=decode_id("cus", customer_id),
                purpose="marketing",
                channel="line",
                is_granted=False,
                source="紙",
                occurred_at=utc_now(),
            )
            session.add(no)
        session.commit()


def rehearse(api: TestClient, home: BrandHome, campaign: dict[str, Any]) -> dict[str, Any]:
    answer = act(api, home, campaign, "dry-run")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def launch(api: TestClient, home: BrandHome, campaign: dict[str, Any], **body: Any) -> dict[str, Any]:
    path = f"/v1/campaigns/{campaign['id']}/launch"
    answer = api.post(path, headers=home.headers, json=body) if body else api.post(path, headers=home.headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


def decisions(api: TestClient, home: BrandHome, campaign: dict[str, Any]) -> dict[str, str | None]:
    """Everybody in the run: chosen (None), or why not."""
    path = f"/v1/campaigns/{campaign['id']}/deliveries"
    items = api.get(path, params={"limit": 200}, headers=home.headers).json()["items"]
    return {one["customer_id"]: one["reason"] for one in items}


def test_launched_at_once_a_campaign_reaches_whom_the_dry_run_said_person_by_person(
    api: TestClient, town: BrandHome
) -> None:
    limit_quota(town, 4)
    campaign = draft(api, town, holdout_ratio=0.3)
    told = rehearse(api, town, campaign)
    path = f"/v1/campaigns/{campaign['id']}/explain"
    said = {
        customer_id: api.get(path, params={"customer_id": customer_id}, headers=town.headers).json()["reason"]
        for customer_id in list_people(town)
    }
    launched = launch(api, town, campaign)
    assert (launched["dry_run_id"], launched["difference"]) == (told["id"], NOTHING)
    became = decisions(api, town, campaign)
    counts = list(became.values())
    assert {reason: counts.count(reason) for reason in set(counts) - {None}} == told["left_out"]
    assert counts.count(None) == told["chosen"] == sum(one["chosen"] for one in told["by_store"])
    assert set(told["left_out"]) == {"no_friend", "consent", "holdout", "quota"}
    # A quota is used up in a certain order, of which one person asked for alone knows nothing.
    assert {one: reason for one, reason in became.items() if reason != "quota"} == {
        one: reason for one, reason in said.items() if became[one] != "quota"
    }


def test_what_changed_between_dry_run_and_launch_is_told_by_reason(api: TestClient, town: BrandHome) -> None:
    campaign = draft(api, town, audience={"rule": {"field": "order_count", "op": "=", "value": 0}})
    told = rehearse(api, town, campaign)
    with town.open() as session:
        account = make.line_account(session, make.store(session))
        make.follower(session, account)
        make.follower(session)
        session.commit()
    reached = [one for one in list_people(town) if explained(api, town, campaign, one) is None]
    withdraw(town, reached[-2])
    assert api.patch(f"/v1/customers/{reached[3]}", json={"name": "改"}, headers=town.headers).status_code == 200
    with town.open() as session:
        bought = session.exec(select(Customer).where(col(Customer.name) == "改")).one()
        bought.order_count = 1
        session.add(bought)
        session.commit()
    launched = launch(api, town, campaign)
    assert launched["dry_run_id"] == told["id"]
    assert launched["difference"] == {
        "added": {"chosen": 1, "no_friend": 1},
        "removed": {"chosen": 1},
        "moved": [{"from": "chosen", "to": "consent", "count": 1}],
    }
    assert (
        api.get(f"/v1/campaigns/{campaign['id']}", headers=town.headers).json()["difference"] == launched["difference"]
    )


def explained(api: TestClient, home: BrandHome, campaign: dict[str, Any], customer_id: str) -> str | None:
    path = f"/v1/campaigns/{campaign['id']}/explain"
    reason: str | None = api.get(path, params={"customer_id": customer_id}, headers=home.headers).json()["reason"]
    return reason


def test_a_dry_run_of_what_the_campaign_no_longer_is_counts_only_if_it_is_named(
    api: TestClient, town: BrandHome
) -> None:
    first, second = draft(api, town), draft(api, town)
    for campaign in (first, second):
        campaign["dry_run"] = rehearse(api, town, campaign)["id"]
        changed = {"audience": {"rule": {"field": "order_count", "op": ">", "value": 0}}}
        path = f"/v1/campaigns/{campaign['id']}"
        assert api.patch(path, json=changed, headers=town.headers).status_code == 200
    assert launch(api, town, first)["dry_run_id"] is None
    launched = launch(api, town, second, dry_run_id=second["dry_run"])
    assert launched["dry_run_id"] == second["dry_run"]
    assert launched["difference"]["removed"]["chosen"] > 0


def test_a_launch_names_a_dry_run_of_its_own_campaign(api: TestClient, town: BrandHome) -> None:
    campaign, other = draft(api, town), draft(api, town)
    told = rehearse(api, town, other)
    path = f"/v1/campaigns/{campaign['id']}/launch"
    answer = api.post(path, json={"dry_run_id": told["id"]}, headers=town.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/dry_run_id")
    assert launch(api, town, campaign)["difference"] is None


def test_a_dry_run_shows_the_messages_of_each_store_with_a_made_up_customer(api: TestClient, town: BrandHome) -> None:
    text = "{{ customer.name }}様、{{ store.name }}でお待ちしています。"
    campaign = draft(api, town, messages=[{"type": "text", "text": text}])
    told = rehearse(api, town, campaign)
    texts = {one["messages"][0]["text"] for one in told["samples"]}
    assert texts == {f"山田 花子様、{name}でお待ちしています。" for name in ("新宿店", "渋谷店")}
    assert [one["store_id"] for one in told["samples"]] == [one["store_id"] for one in told["by_store"]]


def test_a_dry_run_says_what_each_account_s_quota_takes_afterwards(api: TestClient, town: BrandHome) -> None:
    limit_quota(town, 10)
    told = rehearse(api, town, draft(api, town))
    after = {one["quota_after"]: one["chosen"] for one in told["by_line_account"]}
    assert after[0] == 10
    assert set(after) == {0, None}


def test_ten_dry_runs_of_a_campaign_are_kept_for_a_week(api: TestClient, town: BrandHome) -> None:
    campaign = draft(api, town)
    told = [rehearse(api, town, campaign)["id"] for _ in range(12)]
    with town.open() as session:
        kept = session.exec(select(DryRun.id).order_by(col(DryRun.id))).all()
        assert [encode_id("dry", one) for one in kept] == told[2:]
        rehearsals.forget(session, utc_now() + timedelta(minutes=1))
        assert session.exec(select(DryRun)).all() == []
        assert session.exec(select(DryRunGroup)).all() == []


def test_a_store_reads_nothing_of_what_a_dry_run_of_head_office_said(api: TestClient, town: BrandHome) -> None:
    campaign = draft(api, town)
    rehearse(api, town, campaign)
    launch(api, town, campaign)
    with town.open() as session:
        key = make.store_key(session, make.store(session), permissions=["campaigns:read"])
        session.commit()
    store = BrandHome(town.engine, town.scope, key)
    shown = api.get(f"/v1/campaigns/{campaign['id']}", headers=store.headers).json()
    assert (shown["run_id"] is None, shown["dry_run_id"], shown["difference"]) == (False, None, None)
