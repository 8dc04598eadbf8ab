"""Files that Excel and other tools write, and files that are none: each trouble has one clear sentence."""

import gzip
from typing import Any

import pytest

from app.customers.imports.columns import Column, choose, recognise
from app.customers.imports.plan import Options, make_plan
from app.customers.imports.problems import ImportFileUnreadable
from app.customers.imports.reading import Place
from tests.app.customers.imports.conftest import Desk


def rows_of(content: bytes, **options: Any) -> list[Any]:
    """The rows of a file, in pieces of three bytes."""

    def pieces(position: int) -> Any:
        return (content[at : at + 3] for at in range(position, len(content), 3))

    plan = make_plan(Options(format="csv", **options), pieces)
    return [row for row, _ in plan.rows(pieces, Place())]


def test_an_excel_file_in_cp932_comes_in_right(desk: Desk) -> None:
    file = "会員番号,氏名,フリガナ,電話番号\r\n００１,髙﨑　①㈱,ﾀｶｻﾞｷ,０９０－１２３４－５６７８\r\n"
    operation = desk.run(file.encode("cp932"))
    assert operation["result"]["created"] == 1, operation
    (only,) = desk.people()
    assert (only.member_number, only.name, only.kana, only.phone) == ("001", "髙﨑 ①㈱", "タカザキ", "+819012345678")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_encoding_is_found_out(encoding: str) -> None:
    content = "会員番号,氏名\nM-1,髙橋\n".encode(encoding)
    assert [row.cells for row in rows_of(content)] == [["M-1", "髙橋"]]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_out(delimiter: str) -> None:
    content = f"会員番号{delimiter}氏名\nM-1{delimiter}花子\n".encode()
    assert [row.cells for row in rows_of(content)] == [["M-1", "花子"]]


def test_a_cell_may_hold_line_breaks_and_lines_are_counted_as_editors_count_them() -> None:
    rows = rows_of('会員番号,備考\nM-1,"a\nb"\n\nM-2,"x""y"\n'.encode())
    assert [(row.line, row.cells) for row in rows] == [(2, ["M-1", "a\nb"]), (5, ["M-2", 'x"y'])]


def test_reading_goes_on_from_any_row() -> None:
    content = "会員番号,氏名\n".encode() + b"".join(f'M-{no},"花\n子"\n'.encode() for no in range(20))

    def pieces(position: int) -> Any:
        return (content[at : at + 7] for at in range(position, len(content), 7))

    plan = make_plan(Options(format="csv"), pieces)
    whole = list(plan.rows(pieces, Place()))
    for number, (_, place) in enumerate(whole):
        assert [row for row, _ in plan.rows(pieces, place)] == [row for row, _ in whole[number + 1 :]]


@pytest.mark.parametrize(
    ("content", "query", "sentence", "line"),
    [
        (b"", {}, "The file is empty.", None),
        ("M-1,花子\nM-2,太郎\n".encode(), {}, "The first line must name the columns", 1),
        ("会員番号;氏名\nM-1;花子\n".encode(), {"delimiter": "comma"}, "The columns are separated by another sign", 1),
        ("氏名,住所\n花子,東京\n".encode(), {}, "No column names a person", 1),
        ("会員番号,会員ID\nM-1,M-1\n".encode(), {}, "Two columns hold member_number", 1),
        ('会員番号,氏名\nM-1,"花子\nM-2,太郎\n'.encode(), {}, "A quote that is opened on line 2 is never closed.", 2),
        ("会員番号,氏名\nM-1,花子\n".encode("utf-16"), {}, "The file is in UTF-16", 1),
        ("会員番号,氏名\nM-1,花子\n".encode("cp932"), {"encoding": "utf-8"}, "Line 1 cannot be read as UTF-8", 1),
        (b"member_number\nM-1\n\x85\xff\xff\n", {}, "Line 3 cannot be read", 3),
        (b"member_number\x00,name\nM-1,x\n", {}, "The header holds a NUL.", 1),
        (b"member_number,name\rM-1,x\r", {}, "Lines end in CR alone", 1),
        (b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", {}, "The file is an Excel workbook", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", {"encoding": "cp932"}, "The file is an Excel workbook", None),
    ],
)  # fmt: skip
def test_a_bad_file_fails_with_one_sentence(
    desk: Desk, content: bytes, query: dict[str, Any], sentence: str, line: int | None
) -> None:
    operation = desk.run(content, **query)
    assert operation["status"] == "failed"
    problem = operation["problem"]
    assert problem["type"] == "/problems/import-file-unreadable"
    assert problem["detail"].startswith(sentence), problem
    assert problem["line"] == line
    assert problem["detail_ja"]
    assert desk.people() == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"M-1,a\x00b\n", "The cell holds a NUL character."),
        (b"M-1," + b"x" * 2_000_000 + b"\n", "Is longer than 200 characters."),
        (b'M-1,"a"b\n', "A quote inside a quoted cell must be written twice."),
        (b"M-1,a,b\n", "The row has 3 cells and the header 2."),
        (b"M-1,\xff\xfe\n", "Cannot be read as UTF-8."),
    ],
)  # fmt: skip
def test_a_bad_row_has_one_sentence_and_those_around_it_come_in(desk: Desk, row: bytes, reason: str) -> None:
    content = "会員番号,氏名\nM-0,花子\n".encode() + row + b"M-2,x\n"
    operation = desk.run(content, encoding="utf-8")
    assert [(one["line"], one["reason"]) for one in desk.errors(operation)] == [("3", reason)]
    assert [one.member_number for one in desk.people()] == ["M-0", "M-2"]


@pytest.mark.parametrize(
    ("heading", "field"),
    [("お名前", "name"), ("氏名", "name"), (" フリガナ ", "kana"), ("ＴＥＬ", "phone"), ("E-Mail", "email"),
     ("LINEユーザーID", "line_user_id"), ("LINE UID", "line_user_id"), ("顧客ID", "external_id"),
     ("友だち追加日", "followed_at"), ("【必須】会員番号", None), ("member_number", "member_number")],
)  # fmt: skip
def test_headings_are_recognised(heading: str, field: str | None) -> None:
    found = recognise(heading)
    assert (found.field if found else None) == field


def test_a_mapping_goes_before_what_is_recognised() -> None:
    mapping = {"番号": "member_number", "サイズ": "attributes.size", "POS": "external_ids.pos", "電話": "ignore"}
    assert choose(["番号", "サイズ", "POS", "電話", "氏名"], mapping) == [
        Column("member_number"), Column("attributes", "size"), Column("external_ids", "pos"), None, Column("name"),
    ]  # fmt: skip


def test_a_mapping_to_a_heading_that_is_not_there_is_refused() -> None:
    with pytest.raises(ImportFileUnreadable, match="does not have"):
        choose(["会員番号"], {"会員番号": "member_number", "名前": "name"})


def test_a_file_may_come_packed(desk: Desk) -> None:
    headers = {**desk.home.headers, "Content-Type": "text/csv", "Content-Encoding": "gzip"}
    content = gzip.compress("会員番号,氏名\nM-1,花子\n".encode())
    answer = desk.api.post("/v1/customers/import", content=content, headers=headers)
    assert desk.finish(answer.json()["id"])["result"]["created"] == 1


def test_what_an_export_wrote_before_figures_and_formulas_is_taken_off(desk: Desk) -> None:
    desk.run("会員番号,氏名,電話番号\n=\"00123\",'=花子,'+819012345678\n".replace('="00123"', '"=""00123"""'))
    (only,) = desk.people()
    assert (only.member_number, only.name, only.phone) == ("00123", "=花子", "+819012345678")
