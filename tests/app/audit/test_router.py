"""The audit log over HTTP and on the command line."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.audit import chain
from app.audit.gather import Gatherer
from app.audit.models import AuditEntry
from app.audit.service import Actor, Deed, Thing, follow, new_entry, note
from app.audit.writing import add_rows, row_of
from app.settings import Settings
from tenants.ids import encode_id, uuid7
from tenants.stores.models import Store
from tests import make
from tests.app.admin.calls import assert_problem, create, create_store
from tests.app.audit.conftest import ListEntries
from tests.conftest import BrandHome

NOON = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
KEY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
PEOPLE = [uuid7() for _ in range(5)]


def get(api: TestClient, home: BrandHome, path: str, **query: Any) -> dict[str, Any]:
    answer = api.get(path, params=query, headers=home.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read_at(home: BrandHome, minute: int, *people: UUID, caller_id: UUID = KEY) -> None:
    """An entry of a read by a store's key."""
    entry = new_entry(
        home.scope.brand_id,
        "read",
        Actor("store_key", caller_id, "レジ"),
        Deed("list_customers", None, 200, people),
        NOON,
    )
    entry.at = NOON + timedelta(minutes=minute)
    with home.open() as session:
        add_rows(session, [row_of(entry)])
        session.commit()


@pytest.fixture
def three_reads(home: BrandHome) -> None:
    """A key reads two people, one of them again, and later a third; another key reads a fourth."""
    read_at(home, 0, PEOPLE[0], PEOPLE[1])
    read_at(home, 10, PEOPLE[0])
    read_at(home, 20, PEOPLE[2])
    read_at(home, 5, PEOPLE[3], caller_id=uuid7())


SPAN = {"caller_id": encode_id("key", KEY), "after": "2026-06-01T12:00:00+09:00", "before": "2026-06-01T12:20:00+09:00"}


def test_an_entry_is_shown_with_ids_as_elsewhere(api: TestClient, home: BrandHome, list_entries: ListEntries) -> None:
    store = create_store(api, home, "S1")
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store["id"]])
    item = get(api, home, "/v1/audit-log")["items"][0]
    assert item["id"].startswith("aud_")
    assert item["caller_id"].startswith("client_")
    assert (item["kind"], item["action"], item["status"]) == ("change", "create_store_key", 201)
    assert (item["object_id"], item["changes_left_out"], item["times"]) == (key["id"], 0, 1)
    tie = next(row for row in item["changes"] if row["table"] == "api_key_store")
    assert tie["key"] == {"api_key_id": key["id"], "store_id": store["id"]}
    assert tie["before"] is None


@pytest.mark.usefixtures("three_reads")
def test_entries_are_found_by_what_they_say(api: TestClient, home: BrandHome) -> None:
    store = create_store(api, home, "S1")

    def found(**query: Any) -> int:
        # Reading the log is a read itself, and may have been written down by now.
        items = get(api, home, "/v1/audit-log", **query)["items"]
        return len([item for item in items if item["action"] != "list_audit_entries"])

    assert found(kind="read") == 4
    assert found(action="create_store") == found(object_id=store["id"]) == found(kind="change") == 1
    assert found(caller_id=SPAN["caller_id"]) == 3
    assert found(customer_id=encode_id("cus", PEOPLE[0])) == 2
    assert found(kind="refused") == 0


def test_entries_are_found_by_their_time(api: TestClient, home: BrandHome) -> None:
    started = datetime.now(UTC)
    create_store(api, home, "S1")
    ended = datetime.now(UTC)

    def found(**span: datetime) -> int:
        return len(get(api, home, "/v1/audit-log", **{name: at.isoformat() for name, at in span.items()})["items"])

    assert found(after=started, before=ended) == 1
    assert found(after=ended) == found(before=started) == 0


def test_the_log_is_read_page_by_page(api: TestClient, home: BrandHome) -> None:
    made = [create_store(api, home, f"S{number}")["id"] for number in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = get(api, home, "/v1/audit-log", **query)
        seen += [item["object_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == made[::-1]


@pytest.mark.usefixtures("three_reads")
def test_it_tells_whom_a_key_read_in_a_time_span(api: TestClient, home: BrandHome) -> None:
    answer = get(api, home, "/v1/audit-log/reads", **SPAN)
    expected = [
        {
            "customer_id": encode_id("cus", PEOPLE[1]),
            "first_at": "2026-06-01T03:00:00Z",
            "last_at": "2026-06-01T03:00:00Z",
            "times": 1,
        },
        {
            "customer_id": encode_id("cus", PEOPLE[0]),
            "first_at": "2026-06-01T03:00:00Z",
            "last_at": "2026-06-01T03:10:00Z",
            "times": 2,
        },
    ]
    assert answer == {"items": expected, "next_cursor": None, "total": 2}


@pytest.mark.usefixtures("three_reads")
def test_whom_a_key_read_comes_in_pages_with_the_total_on_each(api: TestClient, home: BrandHome) -> None:
    span = {**SPAN, "before": "2026-06-01T13:00:00+09:00", "limit": 1}
    seen = []
    while True:
        page = get(api, home, "/v1/audit-log/reads", **span)
        assert page["total"] == 3
        seen += [item["customer_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        span["cursor"] = page["next_cursor"]
    assert seen == [encode_id("cus", one) for one in (PEOPLE[2], PEOPLE[1], PEOPLE[0])]


def test_a_key_that_read_nobody_has_a_total_of_nothing(api: TestClient, home: BrandHome) -> None:
    assert get(api, home, "/v1/audit-log/reads", **SPAN) == {"items": [], "next_cursor": None, "total": 0}


@pytest.mark.usefixtures("three_reads")
def test_whom_a_key_read_comes_as_csv(api: TestClient, home: BrandHome) -> None:
    headers = {**home.headers, "Accept": "text/csv"}
    answer = api.get("/v1/audit-log/reads", params=SPAN, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines() == [
        "customer_id,first_at,last_at,times",
        f"{encode_id('cus', PEOPLE[1])},2026-06-01T03:00:00Z,2026-06-01T03:00:00Z,1",
        f"{encode_id('cus', PEOPLE[0])},2026-06-01T03:00:00Z,2026-06-01T03:10:00Z,2",
    ]


@pytest.mark.usefixtures("three_reads")
def test_another_brand_finds_nothing_of_it(api: TestClient, other_home: BrandHome) -> None:
    assert get(api, other_home, "/v1/audit-log")["items"] == []
    assert get(api, other_home, "/v1/audit-log/reads", **SPAN)["total"] == 0


@pytest.mark.parametrize("caller_id", ["cus_01h459nb4pez5wsktk68anc03q", "key_1", "nothing"])
def test_what_is_no_credentials_id_is_refused(caller_id: str, api: TestClient, home: BrandHome) -> None:
    answer = api.get("/v1/audit-log/reads", params={**SPAN, "caller_id": caller_id}, headers=home.headers)
    assert_problem(answer, 422, "invalid", "/query/caller_id")


def test_it_needs_the_permission(api: TestClient, home: BrandHome) -> None:
    with home.open() as session:
        token = make.access_token(session, ["keys:read"])
        session.commit()
    for path in ("/v1/audit-log", "/v1/audit-log/reads"):
        answer = api.get(path, params=SPAN if "reads" in path else {}, headers={"Authorization": f"Bearer {token}"})
        assert_problem(answer, 403, "permission-missing")


def test_credentials_are_shown_with_their_last_use(api: TestClient, home: BrandHome, gatherer: Gatherer) -> None:
    store = create_store(api, home, "S1")
    key = create(api, home, "/v1/store-keys", name="レジ", store_ids=[store["id"]])
    path = f"/v1/store-keys/{key['id']}"
    unused = get(api, home, path)
    assert (unused["last_used_at"], unused["last_used_from"]) == (None, None)
    api.get("/v1/brand", headers={"Authorization": f"Bearer {key['key']}"})
    gatherer.flush()
    used = get(api, home, path)
    assert used["last_used_at"] > key["created_at"]
    assert used["last_used_from"] == "testclient"
    (client,) = get(api, home, "/v1/api-clients")["items"]
    assert client["last_used_from"] == "testclient"


def test_what_an_operator_does_is_noted_with_its_rows(home: BrandHome) -> None:
    actor = Actor("operator", None, "yamada")
    with home.open() as session:
        follow(session)
        made = make.store(session, name="新店")
        note(session, actor, Deed("create_store", Thing("store", made.id)), now=NOON)
        session.commit()
    with home.open() as session:
        from sqlmodel import select

        (entry,) = session.exec(select(AuditEntry)).all()
    assert (entry.kind, entry.caller_kind, entry.caller_name) == ("change", "operator", "yamada")
    assert entry.changes[0]["after"]["name"] == "新店"  # type: ignore[index]


def test_an_undone_savepoint_leaves_no_rows(home: BrandHome) -> None:
    with home.open() as session:
        trail = follow(session)
        make.store(session, name="残る")
        savepoint = session.begin_nested()
        make.store(session, name="消える")
        savepoint.rollback()
        assert [row["after"]["name"] for row in trail.rows() if row["table"] == "store"] == ["残る"]


def test_a_row_made_and_changed_is_told_once_as_it_is_in_the_end(home: BrandHome) -> None:
    with home.open() as session:
        trail = follow(session)
        made = make.store(session, name="一")
        made.name = "二"
        session.flush()
        gone = Store(no=900, code="X", name="X")
        session.add(gone)
        session.flush()
        session.delete(gone)
        session.flush()
        (row,) = trail.rows()
    assert (row["before"], row["after"]["name"]) == (None, "二")


def run(arguments: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of `noren …` over the tests' database."""
    from app import cli
    from app import settings as settings_

    monkeypatch.setattr(sys, "argv", ["noren", *arguments])
    monkeypatch.setattr(settings_, "get_settings", lambda: settings)
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.usefixtures("three_reads")
def test_the_chain_is_verified_on_the_command_line(
    home: BrandHome, engine: Engine, settings: Settings, monkeypatch: Any, capsys: Any, admin_engine: Engine
) -> None:
    brand = encode_id("brand", home.scope.brand_id)
    chain.seal_all(engine, home.scope.brand_id, datetime.now(UTC))
    assert run(["audit", "verify", "--brand", brand, "--json"], settings, monkeypatch) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["holds"], report["brands"][0]["entries"]) == (True, 4)
    run(["audit", "head", "--brand", brand], settings, monkeypatch)
    assert capsys.readouterr().out == f"{brand} {report['brands'][0]['head']}\n"
    wrong = "1:" + "00" * 32
    assert run(["audit", "verify", "--brand", brand, "--anchor", wrong], settings, monkeypatch) == 1
    assert "the chain does not hold seal 1" in capsys.readouterr().out


@pytest.mark.usefixtures("three_reads")
def test_whom_a_credential_read_is_told_on_the_command_line_and_noted(
    home: BrandHome, settings: Settings, monkeypatch: Any, capsys: Any
) -> None:
    brand = encode_id("brand", home.scope.brand_id)
    span = ["--credential", SPAN["caller_id"], "--after", SPAN["after"], "--before", SPAN["before"]]
    assert run(["audit", "reads", "--brand", brand, *span, "--json"], settings, monkeypatch) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["total"], told["items"][1]["times"]) == (2, 2)
    with home.open() as session:
        from sqlmodel import select

        entries = session.exec(select(AuditEntry).where(AuditEntry.caller_kind == "operator")).all()
    assert [(entry.kind, entry.action, entry.object_id) for entry in entries] == [("read", "audit_reads", KEY)]
