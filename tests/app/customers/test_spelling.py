"""How names, readings, addresses and postal codes are brought to one form."""

import pytest

from app.customers.spelling import normalise_address, normalise_kana, normalise_name, normalise_postal_code

OLDER_GOD, OLDER_FORTUNE = "\ufa19", "\ufa1b"
"""Kanji of names, in Excel's CP932, that Unicode's usual forms would replace by 神 and 福."""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("山田　　花子 ", "山田 花子"),
        ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"),
        ("ﾊﾟﾝﾔ", "パンヤ"),
        ("ＳＡＴＯ１号", "SATO1号"),
        ("（株）のれん", "（株）のれん"),
        ("か\u3099ー", "がー"),
    ],
)
def test_a_name_is_kept_in_one_width(given: str, kept: str) -> None:
    assert normalise_name(given) == kept


@pytest.mark.parametrize("name", ["髙橋", "山﨑", f"{OLDER_GOD}田", f"{OLDER_FORTUNE}島", "𠮷野", "葛\U000e0100"])
def test_kanji_of_names_stay_as_their_owners_write_them(name: str) -> None:
    assert normalise_name(name) == name
    assert normalise_address(name) == name


def test_a_variant_stays_beside_a_letter_that_is_composed() -> None:
    assert normalise_name(f"か\u3099{OLDER_GOD}") == f"が{OLDER_GOD}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("東京都渋谷区神南１－２－３　ﾉﾚﾝﾋﾞﾙ１０１", "東京都渋谷区神南1-2-3 ノレンビル101"),
        ("大阪市北区梅田３丁目１−１", "大阪市北区梅田3丁目1-1"),
        ("青梅市1ー2", "青梅市1-2"),
        ("センター北1-2", "センター北1-2"),
        ("スーパー1号館", "スーパー1号館"),
    ],
)
def test_an_address_has_plain_digits_and_hyphens(given: str, kept: str) -> None:
    assert normalise_address(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("やまだ　はなこ", "ヤマダ ハナコ"),
        ("ﾔﾏﾀﾞ ﾊﾅｺ", "ヤマダ ハナコ"),
        ("ヤマタ゛", "ヤマダ"),
        ("ﾕ-ｺ", "ユーコ"),
        ("マリー・アントワネット", "マリー・アントワネット"),
        ("みすゞ", "ミスヾ"),
        ("ゔぃとん", "ヴィトン"),
    ],
)
def test_a_reading_is_full_width_katakana(given: str, kept: str) -> None:
    assert normalise_kana(given) == kept


@pytest.mark.parametrize("given", ["山田", "ヤマダ花子", "Yamada", "", "  ", "・", "ヤマダ1", "ヤマダ\x00"])
def test_what_is_no_reading_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="reading in kana"):
        normalise_kana(given)


@pytest.mark.parametrize("given", ["150-0001", "1500001", "〒150-0001", "１５０－０００１", " 150ー0001 "])
def test_a_postal_code_is_seven_digits(given: str) -> None:
    assert normalise_postal_code(given) == "1500001"


@pytest.mark.parametrize("given", ["150-001", "15-00001", "150 0001", "abc-defg", "", "150-00011", "1500001-"])
def test_what_is_no_postal_code_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="postal code"):
        normalise_postal_code(given)
