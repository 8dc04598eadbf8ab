"""Nothing of the API lies outside the matrix: kinds of credentials, fields of rules, paths, and what is said."""

import pytest

from app.segments.rules import OPERATORS
from tests.document import document
from tests.walls import credentials, purpose
from tests.walls.arrangements import BEFORE
from tests.walls.document import Document
from tests.walls.vocabulary import FREE, RULE_REFERENCES, Uncovered, kind_of_text

OPENAPI = document()
PLAIN_FIELDS = {
    "order_count", "spend_yen", "last_order_at", "last_visit_at", "first_seen_at", "gender", "age", "birthday_month",
    "prefecture", "municipality", "friend_source", "points", "rank",
}  # fmt: skip
"""Fields of segment rules that compare with numbers, dates and texts."""

ELSEWHERE = {"/oauth/": "tests/walls/test_oauth.py", "/operator/v1/": "tests/walls/test_operator.py"}
"""Operations that are not called with a credential of a brand, and where they are tried."""


def test_every_kind_of_credential_is_known() -> None:
    assert credentials.list_uncovered(OPENAPI) == []


def test_every_operation_is_tried_somewhere() -> None:
    known = ("/v1/", *ELSEWHERE)
    assert [path for path in OPENAPI["paths"] if not path.startswith(known)] == []


def test_every_field_of_a_rule_that_takes_ids_is_tried() -> None:
    assert set(OPERATORS) - PLAIN_FIELDS == set(RULE_REFERENCES)
    tried = {(template["all"][0]["field"], kind) for template, kind in FREE["rule"].templates if "all" in template}
    assert tried == {(field, kind) for field, kinds in RULE_REFERENCES.items() for kind in kinds}


def test_what_is_said_of_operations_is_said_of_operations_that_exist() -> None:
    names = set(Document(OPENAPI).list_names())
    said = {*BEFORE, *purpose.ONE_ROW, *(name for name, _ in purpose.FOUND_OVER_THE_WALL)}
    assert said - names == set()


def test_a_new_word_is_not_passed_over() -> None:
    with pytest.raises(Uncovered, match="takes the text 'horoscope'"):
        kind_of_text("POST /v1/customers", "horoscope")
    assert purpose.HEAD_OFFICES
