"""Auto-tags: rules that tag customers by what they do, and by whom a rule of segments chooses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy.event
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from app.auto_tags import service, tasks
from app.auto_tags.projection import tag_by_events
from app.customers.models import Customer
from app.events.models import Event
from app.events.projector import project
from app.jobs.queue import Work
from app.settings import Settings
from tenants.ids import encode_id, uuid7
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.commerce.test_orders_api import World, order
from tests.conftest import BrandHome

LOYAL = {"field": "order_count", "op": ">=", "value": 2}


@pytest.fixture
def world(home: BrandHome) -> World:
    return World(home)


@pytest.fixture
def work(home: BrandHome, keyring: Keyring, settings: Settings) -> Callable[..., Work]:
    """What a job of the brand has, at a moment."""
    return lambda now=None: Work(home.engine, keyring, settings, now or utc_now(), home.scope.brand_id)


def new_tag(api: TestClient, headers: dict[str, str], name: str = "vip") -> str:
    return str(api.post("/v1/tags", json={"name": name}, headers=headers).json()["id"])


def create(api: TestClient, headers: dict[str, str], tag_id: str, trigger: Any, **more: Any) -> Any:
    body = {"name": "自動", "tag_id": tag_id, "trigger": trigger, **more}
    return api.post("/v1/auto-tags", json=body, headers=headers)


def tags_of(api: TestClient, home: BrandHome, customer_id: str) -> dict[str, dict[str, Any]]:
    items = api.get(f"/v1/customers/{customer_id}/tags", headers=home.headers).json()["items"]
    return {item["name"]: item for item in items}


def buy(api: TestClient, home: BrandHome, world: World, times: int, **changes: Any) -> None:
    for at in range(times):
        body = order(world, external_id=f"o-{uuid7()}", **{"amount_yen": 100 + at, **changes})
        assert api.post("/v1/orders", json=body, headers=home.headers).status_code == 201


def work_off(home: BrandHome, work: Callable[..., Work], now: datetime | None = None) -> int:
    """Project what waits, and run the jobs that came of it; answers how many they were."""
    while project(home.engine, home.scope.brand_id, utc_now(), [tag_by_events]):
        pass
    waiting = text("DELETE FROM procrastinate_jobs WHERE args->>'brand_id' = :brand RETURNING task_name, args")
    with home.open() as session:
        jobs = session.execute(waiting, {"brand": str(home.scope.brand_id)}).all()
        session.commit()
    for name, arguments in jobs:
        if name == "auto_tags.tasks.tag_people":
            tasks.tag_people(work(now), arguments["matches"])
        elif name == "auto_tags.tasks.follow_rule":
            tasks.follow_rule(work(now), UUID(arguments["auto_tag_id"]))
    return len([name for name, _ in jobs if name.startswith("auto_tags")])


def test_an_auto_tag_is_created_read_changed_and_archived(api: TestClient, home: BrandHome) -> None:
    tag_id = new_tag(api, home.headers)
    made = create(api, home.headers, tag_id, {"event": {"type": "order.paid"}}, expires_after_days=30)
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["trigger"]) == ("live", {"event": {"type": "order.paid"}})
    path = f"/v1/auto-tags/{made.json()['id']}"
    read = api.get(path, headers=home.headers)
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    changed = api.patch(path, json={"status": "paused"}, headers={**home.headers, "If-Match": read.headers["etag"]})
    assert (changed.status_code, changed.json()["status"]) == (200, "paused")
    stale = api.patch(path, json={"name": "x"}, headers={**home.headers, "If-Match": read.headers["etag"]})
    assert stale.status_code == 412
    assert [one["id"] for one in api.get("/v1/auto-tags", headers=home.headers).json()["items"]] == [made.json()["id"]]
    assert api.delete(path, headers=home.headers).status_code == 204
    assert api.get(path, headers=home.headers).status_code == 404
    assert api.get("/v1/auto-tags", headers=home.headers).json()["items"] == []


@pytest.mark.parametrize(
    ("trigger", "more", "pointer"),
    [
        ({}, {}, "/trigger"),
        ({"event": {"type": "order.paid"}, "rule": LOYAL}, {}, "/trigger"),
        ({"event": {"type": "sneezed"}}, {}, "/trigger/event/type"),
        ({"event": {"type": "run.finished"}}, {}, "/trigger/event/type"),
        ({"event": {}}, {}, "/trigger/event/type"),
        ({"event": {"type": "order.paid", "within_days": 3}}, {}, "/trigger/event/within_days"),
        ({"event": {"type": "order.paid", "where": {}}}, {}, "/trigger/event/where"),
        ({"event": {"type": "order.paid", "store_id": "store_x"}}, {}, "/trigger/event/store_id"),
        (
            {"event": {"type": "order.paid", "store_id": encode_id("store", UUID(int=7))}},
            {},
            "/trigger/event/store_id",
        ),
        ({"rule": {"field": "nothing", "op": "=", "value": 1}}, {}, "/trigger/rule/field"),
        ({"rule": {"field": "tag", "op": "has", "value": "nobody-has-it"}}, {}, "/trigger/rule/value"),
        ({"rule": LOYAL}, {"expires_after_days": 3}, "/expires_after_days"),
        ({"event": {"type": "order.paid"}}, {"expires_after_days": 0}, "/expires_after_days"),
        ({"event": {"type": "order.paid"}}, {"status": "asleep"}, "/status"),
        ({"event": {"type": "order.paid"}}, {"tag_id": encode_id("tag", UUID(int=7))}, "/tag_id"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(
    api: TestClient, home: BrandHome, trigger: Any, more: dict[str, Any], pointer: str
) -> None:
    body = {"name": "自動", "tag_id": new_tag(api, home.headers), "trigger": trigger, **more}
    answer = api.post("/v1/auto-tags", json=body, headers=home.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_rule_that_asks_for_its_own_tag_is_refused_however_far_away(api: TestClient, home: BrandHome) -> None:
    vip, good = new_tag(api, home.headers, "vip"), new_tag(api, home.headers, "good")
    for named in (vip, "vip"):
        answer = create(api, home.headers, vip, {"rule": {"not": {"field": "tag", "op": "has", "value": named}}})
        assert answer.json()["errors"][0]["pointer"] == "/trigger/rule/not/value"
    has_vip = {"name": "VIP", "rule": {"field": "tag", "op": "has_any", "value": ["vip"]}}
    segment = api.post("/v1/segments", json=has_vip, headers=home.headers).json()["id"]
    through = {"all": [LOYAL, {"field": "segment", "op": "in", "value": [segment]}]}
    answer = create(api, home.headers, vip, {"rule": through})
    assert answer.json()["errors"][0]["pointer"] == "/trigger/rule/all/1/value/0"
    first = create(api, home.headers, good, {"rule": through})
    assert first.status_code == 201
    answer = create(api, home.headers, vip, {"rule": {"field": "tag", "op": "has", "value": good}})
    assert answer.json()["errors"][0]["pointer"] == "/trigger/rule/value"
    path = f"/v1/auto-tags/{first.json()['id']}"
    itself = {"trigger": {"rule": {"field": "tag", "op": "has", "value": good}}}
    assert api.patch(path, json=itself, headers=home.headers).status_code == 422
    assert api.patch(path, json={"trigger": {"rule": through}}, headers=home.headers).status_code == 200


def test_who_does_it_is_tagged_until_some_days_later(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    trigger = {"event": {"type": "order.paid", "where": {"amount_yen": 777}, "store_id": world.a_id}}
    made = create(api, home.headers, new_tag(api, home.headers), trigger, expires_after_days=3650).json()
    buy(api, home, world, 1, customer_id=world.taro_id)
    buy(api, home, world, 1, customer_id=world.taro_id, amount_yen=777, store_id=world.b_id)
    buy(api, home, world, 1, amount_yen=777)
    assert work_off(home, work) == 1
    shown = tags_of(api, home, world.hanako_id)["vip"]
    assert shown["source"] == f"auto:{made['id']}"
    assert shown["expires_at"] == "2036-11-18T03:00:00Z"
    assert tags_of(api, home, world.taro_id) == {}
    buy(api, home, world, 1, amount_yen=777, ordered_at="2026-11-21T04:00:00Z")
    work_off(home, work)
    assert tags_of(api, home, world.hanako_id)["vip"]["expires_at"] == "2036-11-18T04:00:00Z"


def test_what_happened_too_long_ago_and_what_is_taken_away_tag_nobody(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    tag_id = new_tag(api, home.headers)
    body = order(world)
    api.post("/v1/orders", json=body, headers=home.headers)
    work_off(home, work)
    create(api, home.headers, tag_id, {"event": {"type": "order.paid"}}, expires_after_days=30)
    for changes in ({"amount_yen": 5}, {"customer_id": world.taro_id, "ordered_at": "2020-01-01T00:00:00Z"}):
        assert api.post("/v1/orders", json={**body, **changes}, headers=home.headers).status_code == 200
    work_off(home, work)
    assert tags_of(api, home, world.hanako_id) == tags_of(api, home, world.taro_id) == {}


def test_a_brand_without_auto_tags_pays_one_query_a_batch(api: TestClient, home: BrandHome, world: World) -> None:
    buy(api, home, world, 3)
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    with home.open() as session:
        events = session.exec(select(Event)).all()
        sqlalchemy.event.listen(session.connection(), "before_cursor_execute", note)
        tag_by_events(session, events)
    assert len(statements) == 1


def test_a_rule_tags_exactly_those_who_meet_it(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 2)
    with home.open() as session:
        crowd = [make.customer(session, world.a, order_count=2) for _ in range(5)]
        session.commit()
    buy(api, home, world, 2)
    made = create(api, home.headers, new_tag(api, home.headers), {"rule": LOYAL}).json()
    api.put(f"/v1/customers/{world.taro_id}/tags/vip", headers=home.headers)
    assert work_off(home, work) == 1
    ids = [world.hanako_id, *(encode_id("cus", one.id) for one in crowd)]
    assert all(tags_of(api, home, one)["vip"]["source"] == f"auto:{made['id']}" for one in ids)
    with home.open() as session:
        for one in session.exec(select(Customer).where(col(Customer.id).in_([one.id for one in crowd]))).all():
            one.order_count = 0
        session.commit()
    tasks.follow_rule(work(), service_id(made))
    assert all(tags_of(api, home, one) == {} for one in ids[1:])
    assert tags_of(api, home, world.hanako_id).keys() == {"vip"}
    assert tags_of(api, home, world.taro_id)["vip"]["source"] == "api", "what others put on stays"
    assert api.get(f"/v1/auto-tags/{made['id']}", headers=home.headers).json()["ran_at"] is not None


def service_id(made: dict[str, Any]) -> UUID:
    from tenants.ids import decode_id

    return decode_id("atag", made["id"])


def test_a_tag_that_head_office_puts_on_too_is_no_longer_the_rule_s(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    made = create(api, home.headers, new_tag(api, home.headers), {"rule": {"all": []}}).json()
    work_off(home, work)
    api.put(f"/v1/customers/{world.hanako_id}/tags/vip", headers=home.headers)
    nobody: dict[str, Any] = {"trigger": {"rule": {"any": []}}}
    assert api.patch(f"/v1/auto-tags/{made['id']}", json=nobody, headers=home.headers).status_code == 200
    work_off(home, work)
    assert tags_of(api, home, world.hanako_id)["vip"]["source"] == "api"
    assert tags_of(api, home, world.taro_id) == {}


def test_paused_and_without_its_tag_it_does_nothing(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    tag_id = new_tag(api, home.headers)
    create(api, home.headers, tag_id, {"rule": {"all": []}}, status="paused")
    create(api, home.headers, tag_id, {"event": {"type": "order.paid"}}, status="paused")
    live = create(api, home.headers, tag_id, {"rule": {"all": []}}).json()
    api.delete(f"/v1/tags/{tag_id}", headers=home.headers)
    buy(api, home, world, 1)
    work_off(home, work)
    tasks.follow_rule(work(), service_id(live))
    with home.open() as session:
        assert session.exec(select(Customer.tag_nos)).all() == [[], []]


def test_a_rule_that_can_no_longer_be_followed_changes_nobody(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    body = {"name": "S", "rule": {"all": []}}
    segment = api.post("/v1/segments", json=body, headers=home.headers).json()["id"]
    rule = {"field": "segment", "op": "in", "value": [segment]}
    made = create(api, home.headers, new_tag(api, home.headers), {"rule": rule}).json()
    work_off(home, work)
    assert tags_of(api, home, world.hanako_id).keys() == {"vip"}
    with home.open() as session:
        session.execute(text("UPDATE segment SET archived_at = now() WHERE brand_id = :b"), {"b": home.scope.brand_id})
        session.commit()
    tasks.follow_rule(work(), service_id(made))
    assert tags_of(api, home, world.hanako_id).keys() == {"vip"}


@pytest.fixture
def store_key(home: BrandHome, world: World) -> dict[str, str]:
    """A key of store A that may write segments and tags."""
    granted = ["segments:read", "segments:write", "customers:read", "customers:write"]
    with home.open() as session:
        secret = make.store_key(session, world.a, permissions=granted)
        session.commit()
    return {"Authorization": f"Bearer {secret}"}


def test_a_store_s_auto_tag_asks_with_the_store_s_eyes(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work], store_key: dict[str, str]
) -> None:
    loyal, bought = new_tag(api, store_key, "常連A"), new_tag(api, store_key, "A来店")
    assert create(api, store_key, loyal, {"rule": LOYAL}).status_code == 201
    assert create(api, store_key, bought, {"event": {"type": "order.paid"}}).status_code == 201
    buy(api, home, world, 1)
    buy(api, home, world, 5, store_id=world.b_id)
    buy(api, home, world, 2, store_id=world.b_id, customer_id=world.taro_id)
    work_off(home, work)
    assert tags_of(api, home, world.hanako_id).keys() == {"A来店"}
    assert tags_of(api, home, world.taro_id) == {}
    buy(api, home, world, 1)
    for trigger in api.get("/v1/auto-tags", headers=store_key).json()["items"]:
        if "rule" in trigger["trigger"]:
            tasks.follow_rule(work(), service_id(trigger))
    assert tags_of(api, home, world.hanako_id).keys() == {"A来店", "常連A"}


def test_a_store_neither_changes_head_office_s_nor_sees_another_store_s(
    api: TestClient, home: BrandHome, world: World, store_key: dict[str, str]
) -> None:
    with home.open() as session:
        secret = make.store_key(session, world.b, permissions=["segments:read", "segments:write"])
        session.commit()
    other_key = {"Authorization": f"Bearer {secret}"}
    brands = create(api, home.headers, new_tag(api, home.headers), {"rule": LOYAL}).json()
    stores = create(api, home.headers, new_tag(api, store_key, "A"), {"rule": LOYAL}).json()
    assert stores["store_id"] == world.a_id
    for key, seen in ((store_key, [stores["id"], brands["id"]]), (other_key, [brands["id"]])):
        assert [one["id"] for one in api.get("/v1/auto-tags", headers=key).json()["items"]] == seen
    assert create(api, store_key, brands["tag_id"], {"rule": LOYAL}).status_code == 403
    assert api.patch(f"/v1/auto-tags/{brands['id']}", json={"name": "x"}, headers=store_key).status_code == 403
    assert api.delete(f"/v1/auto-tags/{stores['id']}", headers=other_key).status_code == 404
    elsewhere = {"event": {"type": "order.paid", "store_id": world.b_id}}
    assert create(api, store_key, stores["tag_id"], elsewhere).status_code == 422


def test_the_clock_has_all_live_rules_followed(
    api: TestClient, home: BrandHome, world: World, work: Callable[..., Work]
) -> None:
    create(api, home.headers, new_tag(api, home.headers), {"rule": {"all": []}})
    waiting = text("DELETE FROM procrastinate_jobs WHERE args->>'brand_id' = :brand")
    with home.open() as session:
        session.execute(waiting, {"brand": str(home.scope.brand_id)})
        session.commit()
    tasks.follow_rules(work(utc_now() + timedelta(minutes=15)))
    assert work_off(home, work) == 1
    assert tags_of(api, home, world.hanako_id).keys() == {"vip"}
