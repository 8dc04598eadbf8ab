"""The page about segments names every field with its operators."""

from app.segments.rules import OPERATORS
from tests.docs.test_docs import coded, read, rows


def test_every_field_is_on_the_page_with_its_operators() -> None:
    told = [row for row in rows(read("docs/segments.md")) if row[0].startswith("`")]
    fields = {coded(row[0])[0]: tuple(coded(row[1])) for row in told if "{" not in row[0] and "/" not in row[0]}
    assert fields.pop("attribute.<name>") == ()
    assert fields == OPERATORS
