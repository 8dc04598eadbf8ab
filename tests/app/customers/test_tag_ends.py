"""Tags with an end: who put them on, until when, and that they come off."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore, CustomerTag
from app.customers.tags import tasks
from app.customers.tags.many import put_on, take_off_ended
from app.events.models import Event
from app.jobs.queue import Work
from app.schemas import write_instant
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tenants.tables import utc_now
from tests import make
from tests.app.customers.test_customers_api import Shops
from tests.conftest import BrandHome

SOON = timedelta(minutes=5)


@pytest.fixture
def shops(home: BrandHome) -> Shops:
    return Shops(home)


@pytest.fixture
def person(home: BrandHome, shops: Shops) -> str:
    """The path of a customer of both stores."""
    with home.open() as session:
        customer = make.customer(session, shops.a, shops.b)
        session.commit()
    return f"/v1/customers/{encode_id('cus', customer.id)}"


def carried(api: TestClient, headers: dict[str, str], person: str) -> dict[str, dict[str, Any]]:
    items = api.get(f"{person}/tags", headers=headers).json()["items"]
    return {item["name"]: item for item in items}


def end(home: BrandHome, now: Any) -> int:
    with home.open() as session:
        taken = take_off_ended(session, 100, now)
        session.commit()
    return taken


def test_a_tag_is_put_on_until_a_moment(api: TestClient, home: BrandHome, person: str) -> None:
    until = write_instant(utc_now() + SOON)
    answer = api.put(f"{person}/tags/vip", json={"expires_at": until}, headers=home.headers)
    assert (answer.status_code, answer.json()["tags"]) == (200, ["vip"])
    shown = carried(api, home.headers, person)["vip"]
    assert (shown["source"], shown["expires_at"], shown["store_id"]) == ("api", until, None)
    api.put(f"{person}/tags/vip", headers=home.headers)
    assert carried(api, home.headers, person)["vip"]["expires_at"] == until, "without a body the end stays"
    api.put(f"{person}/tags/vip", json={"expires_at": None}, headers=home.headers)
    assert carried(api, home.headers, person)["vip"]["expires_at"] is None


@pytest.mark.parametrize("body", [{"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": 1}, {"until": None}, []])
def test_an_end_that_is_none_is_refused(api: TestClient, home: BrandHome, person: str, body: Any) -> None:
    assert api.put(f"{person}/tags/vip", json=body, headers=home.headers).status_code == 422
    assert carried(api, home.headers, person) == {}


def test_what_has_ended_comes_off_and_is_told_of(api: TestClient, home: BrandHome, shops: Shops, person: str) -> None:
    now = utc_now()
    for name, headers, minutes in (("short", home.headers, 5), ("own", shops.key_a, 5), ("long", home.headers, 60)):
        until = {"expires_at": write_instant(now + timedelta(minutes=minutes))}
        assert api.put(f"{person}/tags/{name}", json=until, headers=headers).status_code == 200
    api.put(f"{person}/tags/for-ever", headers=home.headers)
    unseen = api.get(person, headers=shops.key_b).json()
    assert (end(home, now), end(home, now + SOON + SOON)) == (0, 2)
    after = api.get(person, headers=home.headers).json()
    assert after["tags"] == ["for-ever", "long"]
    assert after["updated_at"] == write_instant(now + SOON + SOON)
    assert api.get(person, headers=shops.key_b).json() != unseen, "a tag of the brand went"
    with home.open() as session:
        customer = session.exec(select(Customer)).one()
        assert len(customer.tag_nos) == 2
        told = session.exec(select(Event.data).where(col(Event.type) == "customer.updated")).all()
    assert told[-1] == {"fields": ["tags"]}
    assert end(home, now + SOON + SOON) == 0


def test_a_store_s_own_tag_ends_without_another_store_s_knowledge(
    api: TestClient, home: BrandHome, shops: Shops, person: str
) -> None:
    now = utc_now()
    api.put(f"{person}/tags/own", json={"expires_at": write_instant(now + SOON)}, headers=shops.key_a)
    assert carried(api, shops.key_b, person) == {}
    at_b, at_a = (api.get(person, headers=key).headers["etag"] for key in (shops.key_b, shops.key_a))
    assert end(home, now + SOON) == 1
    assert api.get(person, headers=shops.key_b).headers["etag"] == at_b
    assert api.get(person, headers=shops.key_a).headers["etag"] != at_a
    with home.open() as session:
        touched = session.exec(select(CustomerStore.store_no).where(col(CustomerStore.updated_at) == now + SOON)).all()
    assert touched == [shops.a.no]


def test_the_end_that_a_source_gave_moves_on_and_never_back(home: BrandHome, shops: Shops) -> None:
    now = utc_now()
    with home.open() as session:
        tag, customer = make.tag(session), make.customer(session, shops.a)
        key = customer.id

        def until() -> Any:
            return session.exec(select(CustomerTag.expires_at)).one()

        assert put_on(session, tag, {key: now + SOON}, source="auto:1", now=now) == 1
        assert put_on(session, tag, {key: now + SOON * 3}, source="auto:1", now=now) == 0
        assert put_on(session, tag, {key: now + SOON * 2}, source="auto:1", now=now) == 0
        assert until() == now + SOON * 3
        put_on(session, tag, {key: now + SOON * 9}, source="auto:2", now=now)
        assert until() == now + SOON * 3, "what another put on stays as it is"
        put_on(session, tag, {key: None}, source="auto:1", now=now)
        assert until() is None


def test_the_clock_has_ended_tags_taken_off(
    api: TestClient,
    home: BrandHome,
    person: str,
    keyring: Keyring,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 1)
    now = utc_now()
    for name in ("one", "two"):
        api.put(f"{person}/tags/{name}", json={"expires_at": write_instant(now + SOON)}, headers=home.headers)
    work = Work(home.engine, keyring, settings, now + SOON, home.scope.brand_id)
    tasks.end_tags_of_brands(work)
    with home.open() as session:
        waiting = text("SELECT task_name FROM procrastinate_jobs WHERE args->>'brand_id' = :brand")
        names = session.execute(waiting, {"brand": str(home.scope.brand_id)}).scalars().all()
    assert names == ["customers.tags.tasks.end_tags"]
    tasks.end_tags(work)
    assert carried(api, home.headers, person) == {}
