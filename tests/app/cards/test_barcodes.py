"""Bars: as the standards draw them."""

from app.cards import barcodes
from app.cards.barcodes import code128, draw_bars, jan13


def test_a_jan_code_is_drawn_as_the_standard_says() -> None:
    # The first digit, 4, has no bars: it says that the next six are odd, even, odd, odd, even, even.
    modules = jan13("4901234567894")
    assert len(modules) == 95
    assert (modules[:3], modules[45:50], modules[-3:]) == ("101", "01010", "101")
    assert modules[3:45] == "000101101001110011001001001101000010011101"
    assert modules[50:92] == "100111010100001000100100100011101001011100"


def test_every_character_of_code128_is_11_modules_with_an_even_number_of_dark_ones() -> None:
    widths = barcodes._WIDTHS
    assert (len(widths), len(set(widths))) == (107, 107)
    for one in widths[:-1]:
        assert sum(map(int, one)) == 11
        assert sum(map(int, one[::2])) % 2 == 0


def test_a_text_in_code128_has_its_start_check_and_stop() -> None:
    # The textbook's example has the check value 54 after start A, and so 55 after start B.
    modules = code128("PJJ123C")
    assert len(modules) == 11 * 9 + 13
    assert modules.startswith("11010010000")
    assert modules[-24:-13] == barcodes._modules(55)
    assert modules.endswith("1100011101011")


def test_bars_are_drawn_with_their_margins() -> None:
    picture = draw_bars(jan13("2912345678906"))
    assert 'viewBox="0 0 117 56"' in picture
    assert picture.count("M") == 1 + 30
