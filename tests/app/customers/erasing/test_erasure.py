"""Erasure: afterwards nothing of the person is left."""

import psycopg
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from app.customers.models import Customer
from app.database import Urls
from app.settings import Settings
from tenants.ids import encode_id
from tenants.sealing import Keyring
from tests import make
from tests.app.inbound.calls import Channel, commit_channel, count, stored, tell, told, work_off_all
from tests.conftest import BrandHome

NAME, PHONE, WORDS = "消去花子", "+819087654321", "わたしの秘密"


def _meet(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> tuple[Channel, str, str]:
    """A person with a name, a phone, a tag and a message; her channel, LINE user id and path."""
    channel, user = commit_channel(home, keyring), make.line_user_id()
    tell(api, channel, told("follow", user), told("message", user, message={"type": "text", "text": WORDS}))
    work_off_all(engine, keyring, settings, channel)
    tell(api, channel, told("message", user, message={"type": "text", "text": WORDS}))
    with home.open() as session:
        path = f"/v1/customers/{encode_id('cus', session.exec(select(Customer)).one().id)}"
    values = {"name": NAME, "phone": PHONE, "external_id": "消去-1", "attributes": {"note": WORDS}}
    assert api.patch(path, json=values, headers=home.headers).status_code == 200
    assert api.put(f"{path}/tags/vip", headers=home.headers).status_code == 200
    return channel, user, path


def test_nothing_of_an_erased_person_is_left_in_any_table(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome, urls: Urls
) -> None:
    _, user, path = _meet(api, engine, keyring, settings, home)
    answer = api.delete(path, headers=home.headers)
    assert (answer.status_code, answer.json()["id"]) == (202, path.rpartition("/")[2])
    assert answer.json()["erased_at"]
    everything = _dump(urls, home)
    for trace in (user, NAME, PHONE, WORDS, "消去-1"):
        assert trace not in everything


def test_an_erased_person_is_found_nowhere(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> None:
    _, _, path = _meet(api, engine, keyring, settings, home)
    api.delete(path, headers=home.headers)
    for method, more in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/timeline"), ("PUT", "/tags/vip")]:
        assert api.request(method, path + more, headers=home.headers, json={}).status_code == 404
    assert api.get("/v1/customers", headers=home.headers).json()["items"] == []
    again = api.post("/v1/customers", json={"phone": PHONE}, headers=home.headers)
    assert (again.status_code, again.json()["name"]) == (201, None)


def test_a_redelivery_does_not_bring_her_back_but_a_new_follow_does(
    api: TestClient, engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome
) -> None:
    channel, user = commit_channel(home, keyring), make.line_user_id()
    first = told("follow", user)
    tell(api, channel, first)
    work_off_all(engine, keyring, settings, channel)
    with home.open() as session:
        path = f"/v1/customers/{encode_id('cus', session.exec(select(Customer)).one().id)}"
    assert api.delete(path, headers=home.headers).status_code == 202
    tell(api, channel, first)
    work_off_all(engine, keyring, settings, channel)
    with home.open() as session:
        assert count(session, "friend") == 0
    assert [row.body for row in stored(home, channel)] == [None]
    tell(api, channel, told("follow", user))
    work_off_all(engine, keyring, settings, channel)
    with home.open() as session:
        assert count(session, "friend") == 1
        assert count(session, "customer") == 2


def _dump(urls: Urls, home: BrandHome) -> str:
    """Every row of every brand table that holds anything of this brand, as text; the admin sees all of them."""
    with psycopg.connect(urls.owner) as connection:
        connection.execute(f"SET noren.brand_id = '{home.scope.brand_id}'; SET noren.stores = 'all'".encode())
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'brand_id' AND table_schema = 'public'"
        ).fetchall()
        rows = [connection.execute(f'SELECT t::text FROM "{name}" AS t'.encode()).fetchall() for (name,) in tables]
    assert len(rows) > 10
    return "\n".join(str(row) for table in rows for row in table)
