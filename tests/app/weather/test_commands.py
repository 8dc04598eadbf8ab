"""What `noren weather` prints."""

import pytest
import typer

from app.weather.commands import align, display_width, read_instant


def test_columns_stand_below_one_another_after_japanese_names() -> None:
    lines = align([("FIRED", "新宿店", "80"), ("condition_false", "吉祥寺店", "0"), ("no_area", "Ginza", "10")])
    assert lines == [
        "FIRED            新宿店    80",
        "condition_false  吉祥寺店  0",
        "no_area          Ginza     10",
    ]


def test_width_counts_what_a_terminal_shows() -> None:
    assert [display_width(text) for text in ("abc", "雨", "ｱﾒ", "Ａ", "か\u3099")] == [3, 2, 2, 2, 2]


def test_no_decisions_are_no_lines() -> None:
    assert align([]) == []


@pytest.mark.parametrize("text", ["soon", "2026-11-21T11:10", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_cannot_be_is_refused_in_words(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_instant(text)
