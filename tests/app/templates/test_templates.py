"""Templates: head office writes messages, stores word the blocks that are theirs, and a run keeps its words."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from app.messaging.models import Run
from tenants.ids import encode_id
from tests import make
from tests.conftest import BrandHome

SPRING = {
    "name": "春のご案内",
    "messages": [{"type": "text", "text": "{{ store.name }}です。{{ block.greeting }}\n{{ block.news }}"}],
    "blocks": [
        {"name": "greeting", "default": "いつもありがとうございます。"},
        {"name": "news", "default": "春のラーメン祭り。", "may_override": False},
    ],
}


class Place:
    """A brand with one account of one store that one person follows, and a key of that store."""

    def __init__(self, api: TestClient, home: BrandHome) -> None:
        self.api, self.home = api, home
        with home.open() as session:
            store = make.store(session, name="渋谷店")
            make.follower(session, make.line_account(session, store), home=store)
            key = make.store_key(session, store, permissions=["campaigns:read", "campaigns:write"])
            self.store_id, self.store_no = encode_id("store", store.id), store.no
            session.commit()
        self.key = {"Authorization": f"Bearer {key}"}

    def create(self, **changes: Any) -> dict[str, Any]:
        answer = self.api.post("/v1/message-templates", json={**SPRING, **changes}, headers=self.home.headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def word(self, template: dict[str, Any], block: str, value: str, *, by: dict[str, str] | None = None) -> Any:
        body = {"value": value} if by else {"value": value, "store_id": self.store_id}
        path = f"/v1/message-templates/{template['id']}/blocks/{block}"
        return self.api.put(path, json=body, headers=by or self.home.headers)

    def preview(self, template: dict[str, Any], store_id: str | None) -> Any:
        path = f"/v1/message-templates/{template['id']}/preview"
        return self.api.post(path, json={"store_id": store_id}, headers=self.home.headers).json()


@pytest.fixture
def place(api: TestClient, home: BrandHome) -> Place:
    return Place(api, home)


def test_a_preview_shows_what_a_store_s_customers_would_read(place: Place) -> None:
    template = place.create()
    assert place.word(template, "greeting", "渋谷は今日も元気です。", by=place.key).status_code == 200
    shown = place.preview(template, place.store_id)
    assert shown == {
        "messages": [{"type": "text", "text": "渋谷店です。渋谷は今日も元気です。\n春のラーメン祭り。"}],
        "detail": None,
    }
    elsewhere = place.preview(template, None)["messages"][0]["text"]
    assert "いつもありがとうございます。" in elsewhere


def test_a_preview_says_why_a_store_would_send_nothing(place: Place) -> None:
    template = place.create(messages=[{"type": "text", "text": "{{ store.phone }} {{ block.greeting }}"}])
    shown = place.preview(template, place.store_id)
    assert (shown["messages"], "store.phone" in shown["detail"]) == (None, True)


def test_a_block_that_head_office_words_alone_is_not_the_store_s_to_word(place: Place) -> None:
    template = place.create()
    assert place.word(template, "news", "セールは中止です。", by=place.key).status_code == 409
    assert place.word(template, "news", "渋谷店は4月から。").status_code == 200
    assert place.word(template, "unknown", "x", by=place.key).status_code == 404


def test_a_store_words_its_own_blocks_and_changes_nothing_else(place: Place) -> None:
    template = place.create()
    with place.home.open() as session:
        other = encode_id("store", make.store(session).id)
        session.commit()
    path = f"/v1/message-templates/{template['id']}"
    body = {"value": "x", "store_id": other}
    assert place.api.put(f"{path}/blocks/greeting", json=body, headers=place.key).status_code == 404
    assert place.api.patch(path, json={"name": "x"}, headers=place.key).status_code == 403
    place.word(template, "greeting", "こんにちは。", by=place.key)
    own = place.api.get(f"{path}/blocks", headers=place.key).json()["items"]
    assert [(one["value"], one["is_own"]) for one in own] == [("こんにちは。", True), ("春のラーメン祭り。", False)]
    mine = {"store_id": place.store_id}
    assert place.api.delete(f"{path}/blocks/greeting", params=mine, headers=place.key).status_code == 204
    assert not any(one["is_own"] for one in place.api.get(f"{path}/blocks", headers=place.key).json()["items"])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"messages": [{"type": "text", "text": "{{ block.other }}"}]}, "/messages"),
        ({"messages": [{"type": "shout"}]}, "/messages/0/type"),
        ({"blocks": [*SPRING["blocks"], {"name": "big", "default": "{{ store.name }}"}]}, "/blocks/2/default"),
        ({"blocks": [*SPRING["blocks"], {"name": "page", "kind": "url", "default": "ftp://x"}]}, "/blocks/2/default"),
        ({"blocks": [*SPRING["blocks"], SPRING["blocks"][0]]}, "/blocks"),
        ({"blocks": [{"name": "Über", "default": "x"}]}, "/blocks/0/name"),
    ],
)
def test_a_template_that_could_not_be_sent_is_refused(place: Place, changes: dict[str, Any], pointer: str) -> None:
    answer = place.api.post("/v1/message-templates", json={**SPRING, **changes}, headers=place.home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_store_s_words_may_not_make_a_text_too_long(place: Place) -> None:
    template = place.create(messages=[{"type": "text", "text": "あ" * 4900 + "{{ block.greeting }}"}])
    refused = place.word(template, "greeting", "い" * 200)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/value")


def launch(place: Place, **changes: Any) -> dict[str, Any]:
    made = place.api.post("/v1/campaigns", json={"name": "春", **changes}, headers=place.home.headers)
    assert made.status_code == 201, made.text
    answer = place.api.post(f"/v1/campaigns/{made.json()['id']}/launch", headers=place.home.headers)
    assert answer.status_code == 202, answer.text
    campaign: dict[str, Any] = made.json()
    return campaign


def test_a_run_keeps_the_words_with_which_it_began(place: Place) -> None:
    template = place.create()
    place.word(template, "greeting", "渋谷は今日も元気です。")
    campaign = launch(place, template_id=template["id"])
    assert campaign["messages"] == template["messages"]
    place.word(template, "greeting", "閉店します。")
    with place.home.open() as session:
        (values,) = session.exec(select(Run.store_values).order_by(col(Run.id).desc()).limit(1)).all()
    assert values is not None
    assert values[str(place.store_no)] == {
        "block.greeting": "渋谷は今日も元気です。",
        "block.news": "春のラーメン祭り。",
        "store.name": "渋谷店",
    }


def test_a_campaign_keeps_its_messages_when_the_template_changes(place: Place) -> None:
    template = place.create()
    path = f"/v1/message-templates/{template['id']}"
    made = place.api.post(
        "/v1/campaigns", json={"name": "春", "template_id": template["id"]}, headers=place.home.headers
    )
    changed = {"messages": [{"type": "text", "text": "{{ block.greeting }}"}]}
    assert place.api.patch(path, json=changed, headers=place.home.headers).status_code == 200
    again = place.api.get(f"/v1/campaigns/{made.json()['id']}", headers=place.home.headers).json()
    assert again["messages"] == template["messages"]


def test_who_writes_messages_anew_leaves_the_template(place: Place) -> None:
    template = place.create()
    made = place.api.post(
        "/v1/campaigns", json={"name": "春", "template_id": template["id"]}, headers=place.home.headers
    )
    path = f"/v1/campaigns/{made.json()['id']}"
    both = {"template_id": template["id"], "messages": [{"type": "text", "text": "x"}]}
    assert place.api.patch(path, json=both, headers=place.home.headers).json()["errors"][0]["pointer"] == "/template_id"
    changed = place.api.patch(path, json={"messages": both["messages"]}, headers=place.home.headers).json()
    assert (changed["template_id"], changed["messages"]) == (None, both["messages"])


def test_messages_without_a_template_have_no_blocks(place: Place) -> None:
    body = {"name": "春", "messages": SPRING["messages"]}
    answer = place.api.post("/v1/campaigns", json=body, headers=place.home.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/messages")
