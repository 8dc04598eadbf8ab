"""Files of customers, taken in over HTTP."""

from datetime import date
from typing import Any

from tests import make
from tests.app.customers.imports.conftest import Desk


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
        from tenants.ids import encode_id

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
