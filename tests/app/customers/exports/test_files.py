"""Files of customers: who is in them, what stands in their cells, and that they are written once and whole."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.customers.exports import tasks
from app.customers.joining.models import ExternalId
from app.customers.models import CustomerTag
from app.jobs.queue import Work
from app.operations.service import lock_running
from app.settings import Settings
from tenants.ids import decode_id, encode_id
from tenants.sealing import Keyring
from tests import make
from tests.conftest import BrandHome

NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def work(engine: Engine, keyring: Keyring, settings: Settings, home: BrandHome) -> Work:
    return Work(engine, keyring, settings, NOON, home.scope.brand_id)


def export(api: TestClient, home: BrandHome, work: Work, **body: Any) -> tuple[dict[str, Any], bytes]:
    """The finished operation, and its file."""
    begun = api.post("/v1/customers/export", json=body, headers=home.headers)
    assert begun.status_code == 202, begun.text
    assert (begun.json()["kind"], begun.json()["status"]) == ("customer_export", "running")
    tasks.export_customers(work, decode_id("op", begun.json()["id"]))
    done = api.get(f"/v1/operations/{begun.json()['id']}", headers=home.headers).json()
    assert done["status"] == "done", done
    fetched = api.get(done["files"][0]["url"], headers=home.headers)
    assert fetched.status_code == 200
    return done, fetched.content


def rows_of(content: bytes, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(encoding))))


def test_everybody_stands_in_it_with_headings_that_an_import_knows(
    api: TestClient, home: BrandHome, work: Work
) -> None:
    with home.open() as session:
        store, tag = make.store(session, code="S001"), make.tag(session, name="常連")
        person = make.customer(
            session,
            store,
            name="山田 花子",
            kana="ヤマダ ハナコ",
            phone="+819012345678",
            birthday_on=date(1990, 4, 1),
            gender="female",
            attributes={"size": "L"},
            home_store_id=store.id,
            home_store_no=store.no,
            order_count=3,
            tag_nos=[tag.no],
        )
        session.add(CustomerTag(customer_id=person.id, tag_id=tag.id, tag_no=tag.no))
        session.add(ExternalId(system="pos", value="P-1", customer_id=person.id))
        make.customer(session, name="消えた人", erased_at=NOON)
        session.commit()
    done, content = export(api, home, work)
    assert content.startswith(b"\xef\xbb\xbf")
    assert done["result"] == {"rows": 1, "letters_replaced": 0}
    (row,) = rows_of(content)
    assert row["Noren ID"] == encode_id("cus", person.id)
    assert (row["氏名"], row["フリガナ"], row["性別"]) == ("山田 花子", "ヤマダ ハナコ", "女性")
    assert row["電話番号"] == "'+819012345678"
    assert (row["生年月日"], row["ホーム店舗"], row["タグ"]) == ("1990-04-01", "S001", "常連")
    assert (row["attributes.size"], row["external_ids.pos"], row["注文回数"]) == ("L", "P-1", "3")


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@SUM(A1)"])
def test_no_cell_is_a_formula(api: TestClient, home: BrandHome, work: Work, name: str) -> None:
    with home.open() as session:
        make.customer(session, name=name)
        session.commit()
    _, content = export(api, home, work, columns=["name"])
    assert [row["氏名"] for row in rows_of(content)] == [f"'{name}"]


def test_what_cp932_does_not_have_is_replaced_and_counted(api: TestClient, home: BrandHome, work: Work) -> None:
    with home.open() as session:
        make.customer(session, name="髙﨑 𠮷野〜🍜")
        session.commit()
    done, content = export(api, home, work, columns=["name"], encoding="cp932", language="en")
    assert done["result"] == {"rows": 1, "letters_replaced": 2}
    assert [row["name"] for row in rows_of(content, "cp932")] == ["髙﨑 〓野～〓"]


def test_a_rule_or_a_segment_chooses(api: TestClient, home: BrandHome, work: Work) -> None:
    with home.open() as session:
        for count in range(4):
            make.customer(session, name=f"{count}回", order_count=count)
        session.commit()
    rule = {"field": "order_count", "op": ">=", "value": 2}
    saved = api.post("/v1/segments", json={"name": "二回以上", "rule": rule}, headers=home.headers).json()["id"]
    for chosen in ({"rule": rule}, {"segment_id": saved}):
        done, content = export(api, home, work, columns=["name"], **chosen)
        assert [row["氏名"] for row in rows_of(content)] == ["2回", "3回"]
        assert done["progress"] == {"done": 2, "total": 2}


def test_ndjson_holds_what_an_import_takes(api: TestClient, home: BrandHome, work: Work) -> None:
    with home.open() as session:
        person = make.customer(session, name="山田 花子", attributes={"spicy": True, "size": 3}, order_count=2)
        session.add_all(ExternalId(system="pos", value=value, customer_id=person.id) for value in ("P-2", "P-1"))
        session.commit()
    _, content = export(api, home, work, format="ndjson")
    assert [orjson.loads(line) for line in content.splitlines()] == [
        {
            "id": encode_id("cus", person.id),
            "name": "山田 花子",
            "external_ids": [{"system": "pos", "id": "P-1"}, {"system": "pos", "id": "P-2"}],
            "attributes": {"size": 3, "spicy": True},
        }
    ]


def test_a_worker_that_dies_between_two_batches_is_followed_by_one_that_goes_on(
    api: TestClient, home: BrandHome, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH_ROWS", 2)
    with home.open() as session:
        for number in range(5):
            make.customer(session, name=f"{number}番")
        session.commit()
    begun = api.post("/v1/customers/export", json={"columns": ["name"]}, headers=home.headers).json()
    with work.session() as session:
        operation = lock_running(session, decode_id("op", begun["id"]))
        assert operation is not None
        assert tasks.write_batch(session, operation, work)
    halfway = api.get(f"/v1/operations/{begun['id']}", headers=home.headers).json()
    assert (halfway["status"], halfway["progress"]) == ("running", {"done": 2, "total": 5})
    for _ in range(2):
        tasks.export_customers(work, decode_id("op", begun["id"]))
    done = api.get(f"/v1/operations/{begun['id']}", headers=home.headers).json()
    content = api.get(done["files"][0]["url"], headers=home.headers).content
    assert [row["氏名"] for row in rows_of(content)] == [f"{number}番" for number in range(5)]


def test_a_segment_that_is_not_there_and_a_rule_that_is_none_are_refused(api: TestClient, home: BrandHome) -> None:
    def refused(**body: Any) -> tuple[int, str]:
        answer = api.post("/v1/customers/export", json=body, headers=home.headers)
        return answer.status_code, answer.json().get("errors", [{"pointer": ""}])[0]["pointer"]

    assert refused(segment_id="seg_01h459nb4pez5wsktk68anc03q") == (404, "")
    assert refused(rule={"field": "horoscope", "op": "=", "value": 1}) == (422, "/rule/field")
    assert refused(columns=["horoscope"]) == (422, "/columns/0")
    assert refused(rule={"all": []}, segment_id="seg_01h459nb4pez5wsktk68anc03q")[0] == 422


def test_the_audit_log_tells_whose_data_the_file_held(api: TestClient, home: BrandHome, work: Work) -> None:
    with home.open() as session:
        person = make.customer(session)
        session.commit()
    export(api, home, work, columns=["name"])
    api.app.state.audit.flush()  # type: ignore[attr-defined]
    query = {"customer_id": encode_id("cus", person.id), "kind": "read"}
    reads = api.get("/v1/audit-log", params=query, headers=home.headers).json()["items"]
    assert [one["action"] for one in reads] == ["read_operation_file"]
