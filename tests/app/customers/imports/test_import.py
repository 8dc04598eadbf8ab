"""Files of customers, taken in over HTTP."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from app.customers.models import Friend
from app.events.models import Event
from tenants.brands.queries import get_brand
from tenants.ids import encode_id, uuid7
from tests import make
from tests.app.customers.imports.conftest import Desk
from tests.conftest import BrandHome


def counts(operation: Any) -> dict[str, int]:
    return {name: operation["result"][name] for name in ("rows", "created", "changed", "unchanged", "failed")}


def test_a_file_makes_customers_of_its_rows(desk: Desk) -> None:
    operation = desk.run(
        "会員番号,氏名,フリガナ,電話番号,生年月日,性別,郵便番号,attributes.size\n"
        "M-1,髙橋　花子,ﾀｶﾊｼ ﾊﾅｺ,０９０－１２３４－５６７８,1990/4/1,女性,〒150-0001,L\n"
        "M-2,山﨑 太郎,,9012345679,S55.4.1,男,,\n"
    )
    assert (operation["status"], operation["problem"]) == ("done", None)
    assert counts(operation) == {"rows": 2, "created": 2, "changed": 0, "unchanged": 0, "failed": 0}
    first, second = desk.people()
    assert (first.member_number, first.name, first.kana, first.phone) == (
        "M-1",
        "髙橋 花子",
        "タカハシ ハナコ",
        "+819012345678",
    )
    assert (first.birthday_on, first.gender, first.postal_code) == (date(1990, 4, 1), "female", "1500001")
    assert first.attributes == {"size": "L"}
    assert (second.name, second.phone, second.birthday_on) == ("山﨑 太郎", "+819012345679", date(1980, 4, 1))


@pytest.mark.usefixtures("tokyo")
def test_the_municipality_is_found_by_the_address(desk: Desk) -> None:
    file = "会員番号,住所\nM-1,東京都渋谷区神南１－２－３\nM-2,ニューヨーク5番街\n"
    desk.run(file)
    assert [one.municipality_code for one in desk.people()] == ["13113", None]
    assert counts(desk.run(file))["unchanged"] == 2
    desk.run("会員番号,住所\nM-1,東京都新宿区新宿3-1\n")
    assert desk.people()[0].municipality_code == "13104"


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    file = "会員番号,氏名,タグ\nM-1,花子,常連\nM-2,太郎,\n"
    desk.run(file)
    before = [(one.id, one.updated_at) for one in desk.people()]
    again = desk.run(file)
    assert counts(again) == {"rows": 2, "created": 0, "changed": 0, "unchanged": 2, "failed": 0}
    assert [(one.id, one.updated_at) for one in desk.people()] == before


def test_only_what_differs_is_changed(desk: Desk) -> None:
    desk.run("会員番号,氏名,メール\nM-1,花子,hanako@example.jp\nM-2,太郎,taro@example.jp\n")
    operation = desk.run("会員番号,氏名,メール\nM-1,山田 花子,\nM-2,太郎,TARO@example.jp\n")
    assert counts(operation) == {"rows": 2, "created": 0, "changed": 1, "unchanged": 1, "failed": 0}
    assert [(one.name, one.email) for one in desk.people()] == [
        ("山田 花子", "hanako@example.jp"),
        ("太郎", "taro@example.jp"),
    ]


def test_a_person_who_stands_twice_in_a_file_is_one(desk: Desk) -> None:
    operation = desk.run("会員番号,電話番号,氏名\nM-1,090-1111-2222,花子\n,090-1111-2222,山田 花子\nM-1,,山田 花\n")
    assert counts(operation) == {"rows": 3, "created": 1, "changed": 2, "unchanged": 0, "failed": 0}
    (only,) = desk.people()
    assert (only.name, only.phone, only.member_number) == ("山田 花", "+819011112222", "M-1")


def test_a_bad_row_is_told_with_its_line_and_the_others_come_in(desk: Desk) -> None:
    operation = desk.run("会員番号,氏名,電話番号\nM-1,花子,12\nM-2,太郎,\n,誰か,\n")
    assert counts(operation) == {"rows": 3, "created": 1, "changed": 0, "unchanged": 0, "failed": 2}
    errors = desk.errors(operation)
    assert [(one["line"], one["column"]) for one in errors] == [("2", "電話番号"), ("4", "")]
    assert errors[0]["reason"].startswith("Must be a number such as 090-1234-5678")
    assert "090-1234-5678" in errors[0]["reason_ja"]
    assert operation["result"]["errors"][1]["line"] == 4


def test_an_error_names_the_column_as_the_file_heads_it(desk: Desk) -> None:
    declared = {"name": "size", "label": "サイズ", "type": "choice", "choices": ["S", "M"]}
    answer = desk.api.post("/v1/customer-attributes", json=declared, headers=desk.home.headers)
    assert answer.status_code == 201, answer.text
    operation = desk.run(
        "会員番号,ホーム店舗,サイズ,携帯\nM-1,ない店,,\nM-2,,XL,\nM-3,,,12\n",
        mapping='{"サイズ": "attributes.size"}',
    )
    assert [one["column"] for one in desk.errors(operation)] == ["ホーム店舗", "サイズ", "携帯"]


def test_a_row_that_names_two_people_is_a_conflict(desk: Desk) -> None:
    desk.run("会員番号,電話番号\nM-1,09011112222\nM-2,09033334444\n")
    operation = desk.run("会員番号,電話番号\nM-1,09033334444\n")
    assert (operation["result"]["conflicts"], operation["result"]["failed"]) == (1, 1)
    listed = desk.api.get("/v1/customer-conflicts", headers=desk.home.headers).json()["items"]
    assert [one["keys"] for one in listed] == [["member_number", "phone"]]


def test_a_friend_list_makes_friends_of_an_account(desk: Desk) -> None:
    with desk.home.open() as session:
        store = make.store(session)
        account = make.line_account(session, store)
        session.commit()
        account_id, account_no = encode_id("acc", account.id), account.no
    one, other = "U" + "a" * 32, "U" + "b" * 32
    file = (
        "ユーザーID,LINE登録名,タグ,ブロック,友だち追加日\n"
        f'{one},はなこ,"常連,夜",,2024/03/01 12:34\n{other},たろう,,ブロック,2024-02-01\n'
    )
    operation = desk.run(file, line_account_id=account_id)
    assert counts(operation) == {"rows": 2, "created": 2, "changed": 0, "unchanged": 0, "failed": 0}
    first, second = desk.people()
    assert (first.account_nos, second.account_nos) == ([account_no], [])
    assert first.store_nos == [store.no]
    assert len(first.tag_nos) == 2
    shown = desk.api.get(f"/v1/customers/{encode_id('cus', first.id)}/friends", headers=desk.home.headers).json()
    assert [(one["status"], one["source"], one["followed_at"]) for one in shown["items"]] == [
        ("following", "import", "2024-03-01T03:34:00Z")
    ]
    assert counts(desk.run(file, line_account_id=account_id))["unchanged"] == 2


def test_a_dry_run_counts_the_same_and_changes_nothing(desk: Desk) -> None:
    desk.run("会員番号,氏名\nM-1,花子\n")
    file = "会員番号,氏名,電話番号,タグ\nM-1,山田 花子,,常連\nM-2,太郎,09011112222,\n,,09011112222,新規\nM-3,,x,\n"
    dry = desk.run(file, dry_run=True)
    assert dry["result"]["dry_run"] is True
    assert [one.name for one in desk.people()] == ["花子"]
    real = desk.run(file)
    assert counts(dry) == counts(real)
    assert counts(real) == {"rows": 4, "created": 1, "changed": 2, "unchanged": 0, "failed": 1}


def test_ndjson_is_taken_as_the_api_takes_bodies(desk: Desk) -> None:
    operation = desk.run(
        '{"external_id": "x1", "name": "花子", "attributes": {"spicy": true}, "tags": ["常連"],'
        ' "external_ids": [{"system": "pos", "id": "77"}]}\n'
        "not json\n"
        '{"external_ids": [{"system": "pos", "id": "77"}], "name": null, "attributes": {"spicy": null, "n": 3}}\n',
        "application/x-ndjson",
    )
    assert counts(operation) == {"rows": 3, "created": 1, "changed": 1, "unchanged": 0, "failed": 1}
    (only,) = desk.people()
    assert (only.external_id, only.name, only.attributes) == ("x1", None, {"n": 3})


def test_a_merged_persons_number_names_the_one_she_turned_out_to_be(desk: Desk) -> None:
    desk.run("会員番号,氏名\nM-1,花子\nM-2,山田 花子\n")
    one, other = (encode_id("cus", person.id) for person in desk.people())
    merged = desk.api.post("/v1/customers/merge", json={"from": other, "into": one}, headers=desk.home.headers)
    assert merged.status_code == 200, merged.text
    file = "会員番号,性別\nM-2,女性\n"
    dry = desk.run(file, dry_run=True)
    operation = desk.run(file)
    assert counts(operation) == counts(dry) == {"rows": 1, "created": 0, "changed": 1, "unchanged": 0, "failed": 0}
    shown = desk.api.get(f"/v1/customers/{one}", headers=desk.home.headers).json()
    assert (shown["member_number"], shown["gender"]) == ("M-1", "female")


def test_another_number_than_she_has_is_refused(desk: Desk) -> None:
    desk.run("会員番号,電話番号\nM-1,09011112222\n")
    operation = desk.run("会員番号,電話番号\nM-9,09011112222\n")
    assert (operation["result"]["failed"], operation["result"]["conflicts"]) == (1, 1)
    assert [one.member_number for one in desk.people()] == ["M-1"]


def test_without_a_basis_nobody_known_elsewhere_is_tied_to_a_line_user(desk: Desk) -> None:
    with desk.home.open() as session:
        account, other = make.line_account(session), make.line_account(session, channel_id="1650000002")
        person = make.customer(session, member_number="M-1")
        make.friend(session, other, person)
        brand = get_brand(session, session.scope.brand_id)
        brand.joining_basis = None
        session.commit()
        account_id = encode_id("acc", account.id)
    operation = desk.run(f"会員番号,LINEユーザーID\nM-1,U{'c' * 32}\n", line_account_id=account_id)
    assert desk.errors(operation)[0]["reason"].startswith("The brand has recorded no basis")


def test_what_a_webhook_told_of_a_friend_stays(desk: Desk) -> None:
    with desk.home.open() as session:
        account = make.line_account(session)
        friend = make.friend(session, account, status="blocked", line_user_id=f"U{'d' * 32}")
        session.commit()
        account_id = encode_id("acc", account.id)
    desk.run(f"LINEユーザーID,友だち状態,タグ\nU{'d' * 32},友だち,常連\n", line_account_id=account_id)
    with desk.home.open() as session:
        assert session.exec(select(Friend.status).where(col(Friend.id) == friend.id)).one() == "blocked"
    (only,) = desk.people()
    assert (only.account_nos, len(only.tag_nos)) == ([], 1)


@pytest.mark.parametrize(
    ("heading", "query"), [("LINEユーザーID", {}), ("友だち", {"mapping": '{"友だち": "line_user_id"}'})]
)
def test_a_friend_list_without_an_account_fails_as_a_whole(desk: Desk, heading: str, query: dict[str, str]) -> None:
    operation = desk.run(f"会員番号,{heading}\nM-1,U{'e' * 32}\n", **query)
    assert (operation["status"], operation["files"]) == ("failed", [])
    assert "line_account_id" in operation["problem"]["detail"]
    assert "line_account_id" in operation["problem"]["detail_ja"]
    assert desk.people() == []


def test_line_user_ids_that_are_mapped_to_nothing_need_no_account(desk: Desk) -> None:
    operation = desk.run(f"会員番号,LINEユーザーID\nM-1,U{'e' * 32}\n", mapping='{"LINEユーザーID": "ignore"}')
    assert counts(operation) == {"rows": 1, "created": 1, "changed": 0, "unchanged": 0, "failed": 0}


def test_a_line_user_id_of_ndjson_without_an_account_is_an_error(desk: Desk) -> None:
    line = f'{{"member_number": "M-1", "line_user_id": "U{"e" * 32}"}}\n'
    operation = desk.run(line, "application/x-ndjson")
    assert "line_account_id" in desk.errors(operation)[0]["reason"]


def test_everybody_gets_the_tag_and_the_store_of_the_file(desk: Desk) -> None:
    with desk.home.open() as session:
        store = make.store(session)
        session.commit()
    desk.run("会員番号,タグ\nM-1,夜\nM-2,\n", tag="移行", store_id=encode_id("store", store.id))
    path = f"/v1/customers/{encode_id('cus', desk.people()[0].id)}"
    shown = desk.api.get(path, headers=desk.home.headers).json()
    assert (shown["tags"], shown["store_ids"]) == (["夜", "移行"], [encode_id("store", store.id)])
    assert [len(one.tag_nos) for one in desk.people()] == [2, 1]


def test_many_rows_with_one_address_are_not_one_person_each_time_anew(desk: Desk) -> None:
    """A made-up address that a shop gave to everybody: the first has it, the others have a number of their own."""
    rows = "".join(f"M-{number},same@example.jp\n" for number in range(300))
    operation = desk.run("会員番号,メール\n" + rows)
    assert counts(operation) == {"rows": 300, "created": 1, "changed": 0, "unchanged": 0, "failed": 299}


@pytest.mark.parametrize(("name", "prefix"), [("store_id", "store"), ("line_account_id", "acc")])
def test_a_store_or_account_that_is_not_there_is_named_and_a_foreign_one_looks_the_same(
    desk: Desk, other_home: BrandHome, name: str, prefix: str
) -> None:
    with other_home.open() as session:
        store = make.store(session)
        foreign = {"store": store.id, "acc": make.line_account(session, store).id}[prefix]
        session.commit()
    answers = [desk.send("会員番号\nM-1\n", **{name: encode_id(prefix, one)}) for one in (uuid7(), foreign)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["errors"] == [{"pointer": f"/query/{name}", "detail": "There is no such thing."}]
    unlike = {"request_id", "instance"}
    bodies = [{member: value for member, value in one.json().items() if member not in unlike} for one in answers]
    assert bodies[0] == bodies[1]


def test_an_import_that_is_cancelled_stops(desk: Desk) -> None:
    operation_id = desk.begin("会員番号\nM-1\n")
    desk.api.post(f"/v1/operations/{operation_id}/cancel", headers=desk.home.headers)
    assert desk.finish(operation_id)["problem"]["type"] == "/problems/operation-cancelled"
    assert desk.people() == []


def test_an_import_records_one_event_and_none_for_each_person(desk: Desk) -> None:
    operation = desk.run("会員番号\nM-1\nM-2\n")
    with desk.home.open() as session:
        events = session.exec(select(Event)).all()
    assert [one.type for one in events] == ["import.finished"]
    assert events[0].data["created"] == 2
    assert encode_id("op", UUID(events[0].data["operation_id"])) == operation["id"]
