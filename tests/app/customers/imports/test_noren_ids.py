"""Rows that name people by the id that Noren gave them, as exported files do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.customers.exports import tasks
from tenants.ids import decode_id, encode_id, uuid7
from tests import make
from tests.app.customers.imports.conftest import Desk
from tests.app.customers.imports.test_import import counts
from tests.conftest import BrandHome

UNCHANGED = {"created": 0, "changed": 0, "failed": 0}


def make_people(home: BrandHome, *people: dict[str, Any]) -> list[str]:
    """Ids of new customers, in their order."""
    with home.open() as session:
        made = [encode_id("cus", make.customer(session, **values).id) for values in people]
        session.commit()
    return made


@pytest.mark.parametrize(
    ("wanted", "media_type"),
    [
        ({}, "text/csv"),
        ({"language": "en", "encoding": "utf-8"}, "text/csv"),
        ({"format": "ndjson"}, "application/x-ndjson"),
    ],
)
def test_an_exported_file_changes_nobody_though_some_are_known_by_line_alone(
    desk: Desk, wanted: dict[str, Any], media_type: str
) -> None:
    with desk.home.open() as session:
        account = make.line_account(session, make.store(session, code="S001"))
        for _ in range(2):
            make.friend(session, account)
        session.commit()
    make_people(desk.home, *({"phone": "+819011112222"} for _ in range(5)), {"member_number": "M-1"})
    before = [one.model_dump() for one in desk.people()]
    begun = desk.api.post("/v1/customers/export", json=wanted, headers=desk.home.headers).json()
    tasks.export_customers(desk.work(), decode_id("op", begun["id"]))
    url = desk.look(begun["id"])["files"][0]["url"]
    content = desk.api.get(url, headers=desk.home.headers).content
    for is_dry in (True, False):
        taken = desk.run(content, media_type, dry_run=is_dry)
        assert counts(taken) == {"rows": 8, "unchanged": 8, **UNCHANGED}, taken["result"]
    assert [one.model_dump() for one in desk.people()] == before


def test_a_noren_id_alone_names_a_person(desk: Desk) -> None:
    (one,) = make_people(desk.home, {"name": "花子"})
    operation = desk.run(f"Noren ID,氏名\n{one},山田 花子\n")
    assert counts(operation) == {"rows": 1, "created": 0, "changed": 1, "unchanged": 0, "failed": 0}
    assert [person.name for person in desk.people()] == ["山田 花子"]


def test_the_id_of_somebody_merged_stands_for_the_survivor(desk: Desk) -> None:
    one, other = make_people(desk.home, {"name": "花子"}, {"name": "山田"})
    merged = desk.api.post("/v1/customers/merge", json={"from": other, "into": one}, headers=desk.home.headers)
    assert merged.status_code == 200, merged.text
    file = f"noren_id,gender\n{other},female\n{one},female\n"
    dry = desk.run(file, dry_run=True)
    assert counts(dry) == counts(desk.run(file))
    assert counts(dry) == {"rows": 2, "created": 0, "changed": 1, "unchanged": 1, "failed": 0}
    assert desk.api.get(f"/v1/customers/{one}", headers=desk.home.headers).json()["gender"] == "female"


def test_an_id_that_nobody_of_the_brand_has_fails_its_row_and_makes_nobody(desk: Desk, other_home: BrandHome) -> None:
    (own,) = make_people(desk.home, {"name": "花子"})
    (foreign,) = make_people(other_home, {"name": "他所"})
    unknown = encode_id("cus", uuid7())
    rows = f"{own},花子,M-1\n{foreign},誰か,M-1\n{unknown},誰か,\n"
    operation = desk.run(f"Noren ID,氏名,会員番号\n{rows}")
    assert counts(operation) == {"rows": 3, "created": 0, "changed": 1, "unchanged": 0, "failed": 2}
    errors = desk.errors(operation)
    assert [(one["line"], one["column"]) for one in errors] == [("3", "Noren ID"), ("4", "Noren ID")]
    assert {one["reason"] for one in errors} == {"The brand has no customer with this Noren ID."}
    assert {one["reason_ja"] for one in errors} == {"このNoren IDのお客様はいません。"}
    assert [person.name for person in desk.people()] == ["花子"]


def test_an_id_and_a_number_of_two_people_are_a_conflict(desk: Desk) -> None:
    one, _ = make_people(desk.home, {"name": "花子"}, {"name": "太郎", "member_number": "M-2"})
    operation = desk.run(f"Noren ID,会員番号\n{one},M-2\n")
    assert (operation["result"]["conflicts"], operation["result"]["failed"]) == (1, 1)
    listed = desk.api.get("/v1/customer-conflicts", headers=desk.home.headers).json()["items"]
    assert [found["keys"] for found in listed] == [["member_number", "noren_id"]]


def test_what_is_no_noren_id_is_refused_in_ndjson_too(desk: Desk) -> None:
    operation = desk.run('{"id": "store_x", "member_number": "M-1"}\n{"id": 7}\n', "application/x-ndjson")
    assert [one["column"] for one in desk.errors(operation)] == ["id", "id"]
    assert "cus_" in desk.errors(operation)[0]["reason_ja"]


@pytest.mark.parametrize("row", ["{id},S9,花子,", ",S9,花子,M-1"])
def test_a_home_that_is_archived_by_now_stays_where_the_id_names_her(desk: Desk, row: str) -> None:
    with desk.home.open() as session:
        home = make.store(session, code="S9")
        person = make.customer(session, home, name="花子", home_store_id=home.id, home_store_no=home.no)
        home.archived_at = datetime.now(UTC)
        session.commit()
        named = encode_id("cus", person.id)
    operation = desk.run(f"Noren ID,ホーム店舗,氏名,会員番号\n{row.format(id=named)}\n")
    is_by_id = "{id}" in row
    assert (operation["result"]["unchanged"], operation["result"]["failed"]) == (int(is_by_id), int(not is_by_id))
    assert [one.home_store_no for one in desk.people()] == [home.no]
