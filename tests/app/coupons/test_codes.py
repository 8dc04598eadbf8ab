"""Codes: how they are made, and how they are read back."""

from collections import Counter

import pytest
from sqlalchemy import text

from app.coupons.codes import ALPHABET, CODE_SQL, LENGTH, RANDOM_SQL, find_code, new_code
from tenants.session import ScopedSession


def test_a_code_is_twelve_letters_without_those_that_look_alike() -> None:
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert {len(code) for code in codes} == {LENGTH}
    assert set("".join(codes)) == set(ALPHABET)
    assert not set("ILOU") & set(ALPHABET)


@pytest.mark.parametrize(
    "typed",
    [
        "7KQ2M8V4T01X",
        "7kq2m8v4t01x",
        "7KQ2-M8V4-T01X",
        " 7kq2 m8v4\tt01x\n",
        "７ＫＱ２Ｍ８Ｖ４ｔ０１ｘ",
        "7KQ2−M8V4ーTOIX",
        "7KQ2M8V4toLx",
    ],
)
def test_a_code_is_found_however_it_is_typed(typed: str) -> None:
    assert find_code(typed) == "7KQ2M8V4T01X"


@pytest.mark.parametrize("typed", ["", "7KQ2M8V4T01", "7KQ2M8V4T01XX", "7KQ2M8V4T01U", "7KQ2M8V4T01あ", "' OR 1=1 --"])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert find_code(typed) is None


def test_sql_makes_the_same_kind_of_code(session: ScopedSession) -> None:
    rows = f"SELECT {CODE_SQL} FROM (SELECT {RANDOM_SQL} AS random FROM generate_series(1, 4000)) AS drawn"
    codes = session.connection().execute(text(rows)).scalars().all()
    assert len(set(codes)) == 4000
    assert all(find_code(code) == code for code in codes)
    for place in range(LENGTH):
        letters = Counter(code[place] for code in codes)
        # 125 of each are expected; a bit that is not random would leave half of them out.
        assert set(letters) == set(ALPHABET)
        assert max(letters.values()) < 250
