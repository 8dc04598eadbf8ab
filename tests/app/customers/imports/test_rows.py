"""Rows of files read as the API reads bodies, in whatever way Excel and people write them."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.customers.imports.fields import list_kinds, read_date, read_instant
from app.customers.schemas import CustomerUpsert

TOKYO = ZoneInfo("Asia/Tokyo")
KINDS = list_kinds(TOKYO)
API_FIELDS = sorted(set(KINDS) & set(CustomerUpsert.model_fields))

_DIGITS = st.text("0123456789", min_size=1, max_size=12)
_PIECES = st.sampled_from(
    ["090", "0", "-", " ", "+81", "@", "a", "Z", ".", "example", ".jp", "１", "ｶ", "か\u3099", "髙", "_"]
)
WRITTEN = st.one_of(
    st.lists(st.one_of(_PIECES, _DIGITS), min_size=1, max_size=8).map("".join),
    st.text(min_size=1, max_size=20),
)


def by_api(name: str, value: Any) -> Any:
    """What the API keeps of a value, or its refusal."""
    try:
        return getattr(CustomerUpsert.model_validate({name: value}), name)
    except ValidationError:
        return ValidationError


@pytest.mark.parametrize("name", API_FIELDS)
@settings(max_examples=150, deadline=None)
@given(text=WRITTEN)
def test_a_cell_is_kept_as_the_api_keeps_its_value(name: str, text: str) -> None:
    kind = KINDS[name]
    try:
        prepared = kind.prepare(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            kind.read(text)
        return
    if prepared is None:
        assert kind.read(text) is None
        return
    expected = by_api(name, prepared)
    if expected is ValidationError:
        with pytest.raises(ValueError, match=r"."):
            kind.read(text)
    else:
        assert kind.read(text) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1990-04-01", "1990-04-01"), ("1990/4/1", "1990-04-01"), ("1990.4.1", "1990-04-01"),
        ("19900401", "1990-04-01"),
        ("1990年4月1日", "1990-04-01"), ("１９９０／４／１", "1990-04-01"), ("1990/4/1 0:00", "1990-04-01"),
        ("S55.4.1", "1980-04-01"), ("昭和55年4月1日", "1980-04-01"), ("令和元年5月1日", "2019-05-01"),
    ],
)  # fmt: skip
def test_a_date_is_read_as_it_is_written_in_japan(written: str, meant: str) -> None:
    assert read_date(written) == meant
    assert KINDS["birthday_on"].read(written) == date.fromisoformat(meant)


@pytest.mark.parametrize("written", ["1990/13/1", "1990/2/30", "4/1/1990", "昨日", "H40"])
def test_what_is_no_date_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="date"):
        KINDS["birthday_on"].read(written)


def test_a_time_without_a_zone_is_of_the_brands() -> None:
    assert read_instant("2024/03/01 12:34", TOKYO) == "2024-03-01T12:34:00+09:00"
    assert KINDS["followed_at"].read("2024-03-01").isoformat() == "2024-02-29T15:00:00+00:00"


@pytest.mark.parametrize(
    ("name", "written", "kept"),
    [
        ("phone", "9012345678", "+819012345678"),
        ("phone", "０９０（１２３４）５６７８", "+819012345678"),
        ("member_number", "００１２３", "00123"),
        ("gender", "女性", "female"),
        ("gender", "M", "male"),
        ("name", "ﾔﾏﾀﾞ　髙﨑①㈱", "ヤマダ 髙﨑①㈱"),
        ("tags", "常連、夜|VIP", ["常連", "夜", "VIP"]),
        ("friend_status", "ブロック中", "blocked"),
    ],
)
def test_a_cell_is_brought_to_its_usual_form(name: str, written: str, kept: Any) -> None:
    assert KINDS[name].read(written) == kept


def test_a_number_that_excel_has_rounded_is_refused() -> None:
    with pytest.raises(ValueError, match="rounded by Excel"):
        KINDS["member_number"].read("9.01235E+09")
