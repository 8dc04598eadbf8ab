"""Approval: a store drafts, head office approves or sends back, and what is changed needs approval again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import col, select

from app.messaging.models import Run
from tenants.ids import decode_id
from tenants.stores.models import Store
from tests import make
from tests.app.campaigns.life.conftest import Life

TOMORROW = datetime.now(UTC) + timedelta(days=1)


def test_a_store_that_needs_approval_launches_only_what_was_approved(life: Life) -> None:
    life.set_brand(campaign_approval="stores")
    campaign = life.draft(life.store, store_id=life.store_id)
    refused = life.act(campaign, "launch", life.store)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/approval-missing")
    assert life.act(campaign, "submit", life.store).json()["status"] == "awaiting_approval"
    approved = life.act(campaign, "approve").json()
    assert (approved["status"], approved["approved_at"] is not None) == ("draft", True)
    assert life.act(campaign, "launch", life.store).json()["status"] == "sending"
    assert life.steps(campaign) == ["drafted", "submitted", "approved", "launched"]


def test_what_is_changed_after_approval_needs_approval_again(life: Life) -> None:
    life.set_brand(campaign_approval="stores")
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    life.act(campaign, "approve")
    assert (
        life.change(campaign, life.store, messages=[{"type": "text", "text": "半額！"}]).json()["approved_at"] is None
    )
    assert life.act(campaign, "launch", life.store).status_code == 409


def test_approval_outlives_another_moment_to_send_at(life: Life) -> None:
    life.set_brand(campaign_approval="stores")
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    life.act(campaign, "approve")
    life.change(campaign, life.store, schedule={"send_at": TOMORROW.isoformat()})
    assert life.act(campaign, "launch", life.store).json()["status"] == "scheduled"


def test_what_has_a_moment_is_scheduled_by_its_approval(life: Life) -> None:
    campaign = life.draft(life.store, store_id=life.store_id, schedule={"send_at": TOMORROW.isoformat()})
    life.act(campaign, "submit", life.store)
    assert life.act(campaign, "approve").json()["status"] == "scheduled"
    assert life.steps(campaign)[-2:] == ["approved", "scheduled"]


def test_head_office_sends_back_with_a_word_why(life: Life) -> None:
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    assert life.act(campaign, "return", note=None).status_code == 422
    returned = life.act(campaign, "return", note="価格が違います。").json()
    assert (returned["status"], returned["last_step"]["note"]) == ("draft", "価格が違います。")
    step = life.get(f"{campaign}/steps", life.store)["items"][0]
    assert step["kind"] == "returned"
    assert step["taken_by"].startswith("client_")


def test_what_is_changed_while_it_awaits_approval_is_a_draft_again(life: Life) -> None:
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    assert life.change(campaign, life.store, name="冬").json()["status"] == "draft"
    assert life.act(campaign, "approve").status_code == 409


def test_a_store_cannot_approve(life: Life) -> None:
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    refused = life.act(campaign, "approve", life.store)
    assert (refused.status_code, refused.json()["permission"]) == (403, "campaigns:approve")


def test_no_store_key_is_given_the_permission_to_approve(life: Life) -> None:
    body = {"name": "x", "store_ids": [life.store_id], "permissions": ["campaigns:approve"]}
    assert life.api.post("/v1/store-keys", json=body, headers=life.home.headers).status_code == 422


def test_head_office_s_own_campaign_needs_no_approval(life: Life) -> None:
    life.set_brand(campaign_approval="stores")
    assert life.act(life.draft(), "launch").json()["status"] == "sending"


def test_of_head_office_s_steps_a_store_sees_what_and_when_but_not_who_nor_the_note(life: Life) -> None:
    campaign = life.draft()
    life.act(campaign, "submit", note="新宿店には内緒")
    step = life.get(f"{campaign}/steps", life.store)["items"][0]
    assert (step["kind"], step["taken_by"], step["note"]) == ("submitted", None, None)
    assert life.get(campaign, life.store)["last_step"]["note"] is None


def test_whoever_approves_what_goes_by_itself_may_issue_its_coupon(life: Life) -> None:
    with life.home.open() as session:
        coupon_id = str(make.coupon(session).id)
        token = make.access_token(session, ["campaigns:read", "campaigns:write", "campaigns:approve"])
        session.commit()
    from uuid import UUID

    from tenants.ids import encode_id

    schedule = {"send_at": TOMORROW.isoformat()}
    campaign = life.draft(coupon_id=encode_id("cpn", UUID(coupon_id)), schedule=schedule)
    life.act(campaign, "submit")
    refused = life.act(campaign, "approve", {"Authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.json()["permission"]) == (403, "coupons:issue")
    assert life.get(campaign)["status"] == "awaiting_approval"


GREETING = {"name": "greeting", "kind": "text", "default": "こんにちは", "may_override": True}


def approve_with_a_block(life: Life, **changes: Any) -> tuple[str, str]:
    """The ids of a store's template and of a campaign from it that head office has approved."""
    life.set_brand(campaign_approval="stores")
    messages = [{"type": "text", "text": "{{ block.greeting }}"}]
    body = {"name": "雛形", "messages": messages, "blocks": [GREETING], "store_id": life.store_id}
    template = life.api.post("/v1/message-templates", json=body, headers=life.store).json()["id"]
    body = {"name": "秋", "template_id": template, "store_id": life.store_id, **changes}
    campaign = life.api.post("/v1/campaigns", json=body, headers=life.store).json()["id"]
    life.act(campaign, "submit", life.store)
    assert life.act(campaign, "approve").status_code == 200
    return template, campaign


def words_of(life: Life, campaign: str) -> str:
    """What the block says in the campaign's run at the store."""
    with life.home.open() as session:
        run = session.exec(select(Run).where(col(Run.campaign_id) == decode_id("cmp", campaign))).one()
        store_no = session.exec(select(Store.no).where(col(Store.id) == decode_id("store", life.store_id))).one()
    assert run.store_values is not None
    return str(run.store_values[str(store_no)]["block.greeting"])


def test_what_a_store_words_after_approval_is_not_sent_under_it(life: Life) -> None:
    template, campaign = approve_with_a_block(life)
    path = f"/v1/message-templates/{template}"
    assert life.api.put(f"{path}/blocks/greeting", json={"value": "半額！"}, headers=life.store).status_code == 200
    changed = {"blocks": [GREETING | {"default": "全品半額！"}]}
    assert life.api.patch(path, json=changed, headers=life.store).status_code == 200
    samples = life.act(campaign, "dry-run", life.store).json()["samples"]
    assert samples[0]["messages"] == [{"type": "text", "text": "こんにちは"}]
    assert life.act(campaign, "launch", life.store).status_code == 202
    assert words_of(life, campaign) == "こんにちは"


def test_nor_by_the_clock(life: Life) -> None:
    template, campaign = approve_with_a_block(life, schedule={"send_at": TOMORROW.isoformat()})
    path = f"/v1/message-templates/{template}/blocks/greeting"
    assert life.api.put(path, json={"value": "半額！"}, headers=life.store).status_code == 200
    life.tick(campaign, TOMORROW + timedelta(seconds=5))
    assert words_of(life, campaign) == "こんにちは"


def test_new_words_are_sent_once_they_are_approved_too(life: Life) -> None:
    template, campaign = approve_with_a_block(life)
    path = f"/v1/message-templates/{template}/blocks/greeting"
    assert life.api.put(path, json={"value": "新しい朝"}, headers=life.store).status_code == 200
    life.act(campaign, "submit", life.store)
    life.act(campaign, "approve")
    life.act(campaign, "launch", life.store)
    assert words_of(life, campaign) == "新しい朝"


def test_what_was_changed_since_it_was_read_is_not_approved(life: Life) -> None:
    campaign = life.draft(life.store, store_id=life.store_id)
    life.act(campaign, "submit", life.store)
    path = f"/v1/campaigns/{campaign}"
    seen = life.api.get(path, headers=life.home.headers).headers["ETag"]
    life.change(campaign, life.store, messages=[{"type": "text", "text": "半額！"}])
    life.act(campaign, "submit", life.store)
    refused = life.api.post(f"{path}/approve", headers={**life.home.headers, "If-Match": seen})
    assert (refused.status_code, refused.json()["type"]) == (412, "/problems/stale-version")
    seen = life.api.get(path, headers=life.home.headers).headers["ETag"]
    assert life.api.post(f"{path}/approve", headers={**life.home.headers, "If-Match": seen}).status_code == 200
