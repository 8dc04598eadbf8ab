"""Campaigns over HTTP: draft, rehearse, launch once, stop."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.messaging.models import Run
from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

HELLO = {"name": "秋のお知らせ", "messages": [{"type": "text", "text": "{{ store.name }}からのお知らせ"}]}


@pytest.fixture
def reached(home: BrandHome) -> BrandHome:
    """A brand with one account of one store, three followers and one person who follows nobody."""
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        for _ in range(3):
            make.follower(session, account)
        make.follower(session)
        session.commit()
    return home


def draft(api: TestClient, home: BrandHome, **changes: Any) -> dict[str, Any]:
    answer = api.post("/v1/campaigns", json={**HELLO, **changes}, headers=home.headers)
    assert answer.status_code == 201, answer.text
    campaign: dict[str, Any] = answer.json()
    return campaign


def act(api: TestClient, home: BrandHome, campaign: dict[str, Any], verb: str) -> Any:
    return api.post(f"/v1/campaigns/{campaign['id']}/{verb}", headers=home.headers)


def test_a_campaign_begins_as_a_draft_and_is_read_back(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    assert campaign["status"] == "draft"
    again = api.get(f"/v1/campaigns/{campaign['id']}", headers=reached.headers)
    assert again.json() == campaign
    assert again.headers["ETag"]


def test_a_dry_run_says_who_and_who_not_and_writes_nothing(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    answer = act(api, reached, campaign, "dry-run").json()
    assert (answer["chosen"], answer["left_out"]) == (3, {"no_friend": 1})
    with reached.open() as session:
        assert session.exec(select(Run)).all() == []


def test_a_launched_campaign_sends_and_lists_everyone(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    launched = act(api, reached, campaign, "launch")
    assert launched.status_code == 202
    assert launched.json()["status"] == "sending"
    path = f"/v1/campaigns/{campaign['id']}/deliveries"
    everyone = api.get(path, headers=reached.headers).json()["items"]
    assert sorted(item["status"] for item in everyone) == ["left_out", "waiting", "waiting", "waiting"]
    left_out = api.get(path, params={"status": "left_out"}, headers=reached.headers).json()["items"]
    assert [item["reason"] for item in left_out] == ["no_friend"]
    assert api.get(f"/v1/campaigns/{campaign['id']}/stats", headers=reached.headers).json()["waiting"] == 3


def test_deliveries_come_in_pages_without_a_gap(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    act(api, reached, campaign, "launch")
    path, seen, cursor = f"/v1/campaigns/{campaign['id']}/deliveries", [], None
    for _ in range(5):
        page = api.get(
            path, params={"limit": 1} | ({"cursor": cursor} if cursor else {}), headers=reached.headers
        ).json()
        seen += [item["customer_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 4


def test_two_calls_that_launch_at_once_start_one_run(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda _: act(api, reached, campaign, "launch"), range(8))
        )
    assert statuses == [202] + [409] * 7
    with reached.open() as session:
        assert len(session.exec(select(Run)).all()) == 1


def test_a_campaign_with_a_coupon_issues_a_copy_to_everyone_chosen(api: TestClient, reached: BrandHome) -> None:
    with reached.open() as session:
        coupon = make.coupon(session)
        session.commit()
    messages = [{"type": "text", "text": "コード {{ coupon.code }}"}]
    campaign = draft(api, reached, coupon_id=encode_id("cpn", coupon.id), messages=messages)
    assert act(api, reached, campaign, "launch").status_code == 202
    assert api.get(f"/v1/campaigns/{campaign['id']}/stats", headers=reached.headers).json()["issued"] == 3


def test_a_campaign_whose_coupon_has_ended_is_not_launched(api: TestClient, reached: BrandHome) -> None:
    with reached.open() as session:
        coupon = make.coupon(session, validity={"from": "2020-01-01", "to": "2020-01-31"})
        session.commit()
    campaign = draft(api, reached, coupon_id=encode_id("cpn", coupon.id))
    refused = act(api, reached, campaign, "launch")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/coupon-ended")
    assert api.get(f"/v1/campaigns/{campaign['id']}", headers=reached.headers).json()["status"] == "draft"


def test_a_campaign_whose_coupon_was_archived_is_not_launched(api: TestClient, reached: BrandHome) -> None:
    with reached.open() as session:
        coupon_id = encode_id("cpn", make.coupon(session).id)
        session.commit()
    campaign = draft(api, reached, coupon_id=coupon_id)
    assert api.delete(f"/v1/coupons/{coupon_id}", headers=reached.headers).status_code == 204
    for verb in ("dry-run", "launch"):
        assert act(api, reached, campaign, verb).status_code == 409


def test_pause_resume_and_cancel_follow_the_state(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    assert act(api, reached, campaign, "pause").status_code == 409
    act(api, reached, campaign, "launch")
    assert act(api, reached, campaign, "pause").json()["status"] == "paused"
    assert act(api, reached, campaign, "resume").json()["status"] == "sending"
    assert act(api, reached, campaign, "cancel").json()["status"] == "cancelled"
    assert act(api, reached, campaign, "resume").status_code == 409
    stats = api.get(f"/v1/campaigns/{campaign['id']}/stats", headers=reached.headers).json()
    assert (stats["waiting"], stats["left_out"]["stopped"]) == (0, 3)


def test_a_launched_campaign_can_no_longer_be_changed(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    changed = api.patch(f"/v1/campaigns/{campaign['id']}", json={"name": "冬"}, headers=reached.headers)
    assert changed.json()["name"] == "冬"
    act(api, reached, campaign, "launch")
    late = api.patch(f"/v1/campaigns/{campaign['id']}", json={"name": "春"}, headers=reached.headers)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/conflict")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"messages": []}, "/messages"),
        ({"messages": [{"type": "text", "text": "{{ customer.shoe_size }}"}]}, "/messages/0/text"),
        ({"messages": [{"type": "text", "text": "{{ coupon.code }}"}]}, "/messages"),
        (
            {"audience": {"rule": {"all": [{"field": "shoe_size", "op": "=", "value": 1}]}}},
            "/audience/rule/all/0/field",
        ),
        ({"audience": {"store_ids": ["store_01h455vb4pex5vsknk084sn02q"]}}, "/audience/store_ids/0"),
        ({"audience": {"segment_id": "seg_01h455vb4pex5vsknk084sn02q"}}, "/audience/segment_id"),
        ({"coupon_id": "cpn_01h455vb4pex5vsknk084sn02q"}, "/coupon_id"),
        ({"holdout_ratio": 1}, "/holdout_ratio"),
        ({"quota_policy": "hope"}, "/quota_policy"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_pointer(
    api: TestClient, home: BrandHome, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/v1/campaigns", json={**HELLO, **changes}, headers=home.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_draft_is_not_given_a_coupon_that_does_not_exist(api: TestClient, reached: BrandHome) -> None:
    path = f"/v1/campaigns/{draft(api, reached)['id']}"
    answer = api.patch(path, json={"coupon_id": "cpn_01h455vb4pex5vsknk084sn02q"}, headers=reached.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/coupon_id")


def test_a_draft_that_was_deleted_is_gone_and_cannot_be_launched(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    path = f"/v1/campaigns/{campaign['id']}"
    assert api.delete(path, headers=reached.headers).status_code == 204
    assert act(api, reached, campaign, "launch").status_code == 404
    assert api.get(path, headers=reached.headers).status_code == 404
    assert api.delete(path, headers=reached.headers).status_code == 404


def test_another_brand_s_campaign_is_not_there(api: TestClient, reached: BrandHome, other_home: BrandHome) -> None:
    campaign = draft(api, reached)
    for verb in ("launch", "dry-run", "pause", "cancel"):
        assert act(api, other_home, campaign, verb).status_code == 404
    assert api.get("/v1/campaigns", headers=other_home.headers).json()["items"] == []


def test_a_store_s_campaign_reaches_only_the_store_s_own_accounts(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        mine, other = make.store(session), make.store(session)
        make.follower(session, make.line_account(session, mine))
        make.follower(session, make.line_account(session, other))
        key = make.store_key(session, mine, permissions=["campaigns:read", "campaigns:write", "campaigns:launch"])
        session.commit()
    store = BrandHome(home.engine, home.scope, key)
    campaign = draft(api, store, store_id=encode_id("store", mine.id))
    assert act(api, store, campaign, "dry-run").json()["chosen"] == 1
    assert act(api, store, campaign, "launch").status_code == 202


def test_a_store_key_reads_head_office_s_campaign_but_cannot_launch_it(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    with reached.open() as session:
        key = make.store_key(session, make.store(session), permissions=["campaigns:read", "campaigns:launch"])
        session.commit()
    store = BrandHome(reached.engine, reached.scope, key)
    assert api.get(f"/v1/campaigns/{campaign['id']}", headers=store.headers).status_code == 200
    assert act(api, store, campaign, "launch").status_code == 404


def test_the_month_s_quota_is_listed_by_account(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        account = make.line_account(session, make.store(session))
        make.quota(session, account, limit=1000, used=40)
        session.commit()
    (shown,) = api.get("/v1/quota", headers=home.headers).json()["items"]
    assert (shown["line_account_id"], shown["limit"], shown["used"]) == (encode_id("acc", account.id), 1000, 40)
    assert api.get("/v1/quota", params={"month": "2026-13"}, headers=home.headers).status_code == 422


def test_the_run_knows_the_campaign_that_caused_it(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    run_id = act(api, reached, campaign, "launch").json()["run_id"]
    with reached.open() as session:
        run = session.exec(select(Run).where(col(Run.campaign_id).is_not(None))).one()
    assert run_id == encode_id("run", run.id)


def test_in_quiet_hours_nothing_is_launched_and_the_dry_run_says_why(api: TestClient, reached: BrandHome) -> None:
    campaign = draft(api, reached)
    now = datetime.now(UTC) + timedelta(hours=9)
    hours = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=1):%H:%M}"}
    changed = api.patch("/v1/brand", json={"quiet_hours": hours}, headers=reached.headers)
    assert changed.status_code == 200, changed.text
    answer = act(api, reached, campaign, "dry-run").json()
    assert (answer["chosen"], answer["left_out"]) == (0, {"no_friend": 1, "quiet_hours": 3})
    refused = act(api, reached, campaign, "launch")
    assert refused.status_code == 409
    assert f"until {hours['to']}" in refused.json()["detail"]
    assert api.patch("/v1/brand", json={"quiet_hours": None}, headers=reached.headers).status_code == 200
    assert act(api, reached, campaign, "launch").status_code == 202
