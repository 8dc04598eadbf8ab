"""Whom an answer named is gathered, and written within a second or at the end; refusals are counted together."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import col, select
from starlette.requests import Request

from app.audit import gather, requests
from app.audit.gather import Gatherer
from app.audit.models import AuditEntry
from app.audit.service import Actor, Seen
from app.database import Urls, make_engine
from app.keys import digest_of, new_secret
from app.main import create_app
from app.settings import Settings
from tenants.api_keys.models import ApiKey
from tenants.api_keys.queries import list_uses
from tenants.brands.queries import get_brand
from tenants.ids import decode_id, encode_id, uuid7
from tenants.operators.service import grant_support
from tenants.tables import utc_now
from tests import make
from tests.app.admin.calls import create
from tests.app.audit.conftest import ListEntries
from tests.conftest import BrandHome

NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)


def read_entry(brand_id: UUID, kind: str = "read", address: str | None = None) -> Seen:
    actor = Actor("api_client", uuid7(), "本部システム", None, address)
    named = [encode_id("cus", uuid7()).removeprefix("cus_").encode()]
    return Seen(brand_id, uuid7(), NOW, kind, actor, "get_customer", None, 200, named)


def count_entries(home: BrandHome) -> int:
    with home.open() as session:
        return len(session.exec(select(AuditEntry)).all())


@pytest.fixture
def two_people(api: TestClient, home: BrandHome) -> list[str]:
    """The ids of two customers."""
    return [create(api, home, "/v1/customers", external_id=f"c-{number}")["id"] for number in range(2)]


def test_a_list_leaves_an_entry_with_whom_it_named(
    api: TestClient, home: BrandHome, two_people: list[str], list_entries: ListEntries
) -> None:
    api.get("/v1/customers", headers={**home.headers, "Request-Id": "req_of_this_test"})
    (entry,) = list_entries("read")
    assert (entry.action, entry.status, entry.request_id) == ("list_customers", 200, "req_of_this_test")
    assert set(entry.customer_ids) == {decode_id("cus", one) for one in two_people}


def test_an_answer_about_a_person_names_her_though_its_body_does_not(
    api: TestClient, home: BrandHome, two_people: list[str], list_entries: ListEntries
) -> None:
    api.get(f"/v1/customers/{two_people[0]}/friends", headers=home.headers)
    (entry,) = list_entries("read")
    assert entry.customer_ids == [decode_id("cus", two_people[0])]
    assert (entry.object_type, entry.object_id) == ("cus", decode_id("cus", two_people[0]))


def test_an_empty_list_names_nobody(
    api: TestClient, home: BrandHome, two_people: list[str], list_entries: ListEntries
) -> None:
    answer = api.get("/v1/issued-coupons", params={"customer_id": two_people[0]}, headers=home.headers)
    assert answer.json()["items"] == []
    assert list_entries("read") == []


def test_an_answer_without_people_leaves_nothing(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    api.get("/v1/stores", headers=home.headers)
    assert list_entries() == []


def test_refusals_are_counted_together(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    for _ in range(3):
        api.get(f"/v1/customers/{encode_id('cus', uuid7())}", headers=home.headers)
    with home.open() as session:
        weak = make.access_token(session, ["brand:read"])
        session.commit()
    api.post("/v1/tags", json={"name": "x"}, headers={"Authorization": f"Bearer {weak}"})
    refused = list_entries("refused")
    assert sorted((entry.action, entry.status, entry.times) for entry in refused) == [
        ("create_tag", 403, 1),
        ("get_customer", 404, 3),
    ]
    assert all(entry.customer_ids == [] for entry in refused)


def test_a_key_that_has_expired_is_known_by_its_refusal(
    api: TestClient, home: BrandHome, list_entries: ListEntries
) -> None:
    with home.open() as session:
        secret = make.store_key(session, make.store(session))
        key = session.exec(select(ApiKey)).one()
        key.expires_at = utc_now() - timedelta(minutes=1)
        session.commit()
    assert api.get("/v1/brand", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    (entry,) = list_entries("refused")
    assert (entry.status, entry.caller_kind, entry.caller_id) == (401, "store_key", key.id)


def test_different_refusals_are_told_apart_up_to_a_bound(home: BrandHome, engine: Engine, monkeypatch: Any) -> None:
    monkeypatch.setattr(gather, "MOST_REFUSALS", 3)
    gatherer = Gatherer(engine)
    lost = gather.LOST.labels("refused")._value.get()
    for number in range(5):
        gatherer.add_refusal(read_entry(home.scope.brand_id, "refused", f"192.0.2.{number}"))
    gatherer.flush(everything=True)
    assert count_entries(home) == 3
    assert gather.LOST.labels("refused")._value.get() - lost == 2


def test_the_thread_writes_within_seconds(api: TestClient, home: BrandHome, two_people: list[str]) -> None:
    before = count_entries(home)
    api.get("/v1/customers", headers=home.headers)
    deadline, pause = datetime.now(UTC) + timedelta(seconds=60), threading.Event()
    while count_entries(home) == before and datetime.now(UTC) < deadline:
        pause.wait(0.1)
    assert count_entries(home) == before + 1


def test_what_is_gathered_is_written_at_the_end(settings: Settings, home: BrandHome) -> None:
    app = create_app(settings)
    with TestClient(app) as client:
        made = client.post("/v1/customers", json={"external_id": "c-1"}, headers=home.headers).json()
        client.get(f"/v1/customers/{made['id']}", headers=home.headers)
        client.get(f"/v1/customers/{encode_id('cus', uuid7())}", headers=home.headers)
    with home.open() as session:
        kinds = [entry.kind for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))]
    assert kinds == ["change", "read", "refused"]


def test_what_cannot_be_written_now_is_written_later(home: BrandHome, urls: Urls, engine: Engine) -> None:
    nowhere = make_engine("postgresql://noren_app@127.0.0.1:9/none")
    gatherer = Gatherer(nowhere)
    gatherer.add_read(read_entry(home.scope.brand_id))
    gatherer.add_use(home.scope.brand_id, uuid7(), NOW, "192.0.2.1")
    assert gatherer.flush() is False
    gatherer.engine = engine
    assert gatherer.flush() is True
    assert count_entries(home) == 1
    nowhere.dispose()


def test_nothing_is_written_for_a_brand_that_is_gone(engine: Engine) -> None:
    gatherer = Gatherer(engine)
    gone = uuid7()
    gatherer.add_read(read_entry(gone))
    gatherer.add_use(gone, uuid7(), NOW, None)
    assert gatherer.flush() is True
    from tenants.scope import Scope
    from tenants.session import open_session

    with open_session(engine, Scope(gone)) as session:
        assert session.exec(select(AuditEntry)).all() == []


def test_an_answer_that_cannot_be_taken_down_is_not_given(
    api: TestClient, home: BrandHome, two_people: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(gather, "MOST_WAITING", 0)
    monkeypatch.setattr(requests, "WAIT_SECONDS", 0.0)
    assert api.get("/v1/customers", headers=home.headers).status_code == 503
    assert api.get("/v1/stores", headers=home.headers).status_code == 200


def test_two_processes_write_side_by_side(home: BrandHome, urls: Urls) -> None:
    engines = [make_engine(urls.app, pool_size=1) for _ in range(2)]
    gatherers = [Gatherer(engine) for engine in engines]
    credentials = [uuid7() for _ in range(50)]

    def fill_and_flush(gatherer: Gatherer, order: int) -> None:
        for turn in range(10):
            for credential in credentials[::order]:
                gatherer.add_use(home.scope.brand_id, credential, NOW + timedelta(seconds=turn), "192.0.2.1")
                gatherer.add_read(read_entry(home.scope.brand_id))
            assert gatherer.flush()

    threads = [
        threading.Thread(target=fill_and_flush, args=(one, order))
        for one, order in zip(gatherers, (1, -1), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_entries(home) == 1_000
    with home.open() as session:
        uses = list_uses(session, credentials)
    assert {use.last_used_at for use in uses.values()} == {NOW + timedelta(seconds=9)}
    assert len(uses) == 50
    for engine in engines:
        engine.dispose()


def test_a_credentials_last_use_is_known(api: TestClient, home: BrandHome, gatherer: Gatherer) -> None:
    started = datetime.now(UTC)
    api.get("/v1/brand", headers=home.headers)
    gatherer.flush()
    from tenants.clients.models import ApiClient

    with home.open() as session:
        client = session.exec(select(ApiClient)).one()
        use = list_uses(session, [client.id])[client.id]
    assert use.last_used_at >= started
    assert use.last_used_from == "testclient"


def test_an_older_use_does_not_overwrite_a_newer_one(home: BrandHome, engine: Engine) -> None:
    credential = uuid7()
    for at in (NOW, NOW - timedelta(minutes=1)):
        gatherer = Gatherer(engine)
        gatherer.add_use(home.scope.brand_id, credential, at, str(at.minute))
        gatherer.flush()
    with home.open() as session:
        assert list_uses(session, [credential])[credential].last_used_at == NOW


def test_a_streamed_answer_is_followed_to_its_end(api: TestClient, home: BrandHome, gatherer: Gatherer) -> None:
    people = [uuid7() for _ in range(40)]
    text = "".join(f"{encode_id('cus', one)},a\n" for one in people).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), 17):  # cuts through ids
            yield text[start : start + 17]

    async def run() -> None:
        scope = {
            "type": "http", "method": "GET", "path": "/v1/export", "query_string": b"", "headers": [],
            "app": api.app, "path_params": {}, "client": ("192.0.2.1", 1), "request_id": "req_stream",
        }  # fmt: skip
        request = Request(scope)
        request.state.caller = SimpleNamespace(kind="api_client", id=uuid7(), name="x", scope=home.scope)
        response = StreamingResponse(chunks())
        await requests.record_answer(request, response)
        assert [chunk async for chunk in response.body_iterator]

    asyncio.run(run())
    gatherer.flush()
    with home.open() as session:
        (entry,) = session.exec(select(AuditEntry)).all()
    assert set(entry.customer_ids) == set(people)


@pytest.fixture(autouse=True)
def _quiet_thread(gatherer: Gatherer) -> Iterator[None]:
    """Leave nothing of one test for the next."""
    yield
    gatherer.flush(everything=True)


def test_every_use_of_a_support_grant_is_told_also_one_that_names_nobody(
    api: TestClient, home: BrandHome, list_entries: ListEntries
) -> None:
    token = new_secret("support")
    with home.open() as session:
        grant_support(
            session,
            get_brand(session, home.scope.brand_id),
            operator="保守",
            reason="4711",
            permissions=["staff:read", "reports:read"],
            life=timedelta(hours=1),
            digest=digest_of(token),
            now=utc_now(),
        )
        session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    assert api.get("/v1/staff", headers=headers).status_code == 200
    assert api.get("/v1/reports/summary", headers={**headers, "Accept": "text/csv"}).status_code == 200
    assert api.get("/v1/staff", headers=home.headers).status_code == 200
    told = [(entry.caller_kind, entry.action) for entry in list_entries("read")]
    assert told == [("support", "list_staff"), ("support", "get_summary")]
