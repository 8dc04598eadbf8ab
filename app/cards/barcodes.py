"""Bars for scanners that read no QR code: JAN-13 for card numbers, CODE128 for codes with letters.

A symbol is a text of modules, 1 for dark and 0 for light, without the light margin around it. Sources: JIS X 0507
(EAN-13) and JIS X 0504 (Code 128).
"""

from itertools import groupby
from typing import Final

QUIET_MODULES: Final = 11
"""Light at both sides: JAN wants 11 at the left and 7 at the right, CODE128 ten."""

_LEFT: Final = (
    "0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011",
)  # fmt: skip
_RIGHT: Final = tuple(one.translate(str.maketrans("01", "10")) for one in _LEFT)
_LEFT_EVEN: Final = tuple(one[::-1] for one in _RIGHT)
_PARITY: Final = (
    "000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010",
)  # fmt: skip
"""By the first digit, which has no bars of its own: in which of the two ways each of the next six is written."""


def jan13(number: str) -> str:
    """The 95 modules of a number of thirteen digits."""
    digits = [int(digit) for digit in number]
    parity = _PARITY[digits[0]]
    left = "".join(
        (_LEFT_EVEN if even == "1" else _LEFT)[digit] for even, digit in zip(parity, digits[1:7], strict=True)
    )
    right = "".join(_RIGHT[digit] for digit in digits[7:])
    return f"101{left}01010{right}101"


def code128(text: str) -> str:
    """The modules of a text of printable ASCII."""
    values = [_START_B, *(ord(letter) - 32 for letter in text)]
    values.append((values[0] + sum(place * value for place, value in enumerate(values))) % 103)
    return "".join(map(_modules, [*values, _STOP]))


def draw_bars(modules: str, *, height: int = 56) -> str:
    """The bars as SVG that fills its place's width; the numbers below them are for the page to say."""
    path, x = [], QUIET_MODULES
    for dark, run in groupby(modules):
        width = len(list(run))
        if dark == "1":
            path.append(f"M{x} 0h{width}v{height}h-{width}z")
        x += width
    whole = x + QUIET_MODULES
    return (
        f'<svg class="bars" viewBox="0 0 {whole} {height}" preserveAspectRatio="none" shape-rendering="crispEdges"'
        f' aria-hidden="true"><path fill="#fff" d="M0 0h{whole}v{height}H0z"/><path d="{"".join(path)}"/></svg>'
    )


def _modules(value: int) -> str:
    return "".join(("1" if place % 2 == 0 else "0") * int(width) for place, width in enumerate(_WIDTHS[value]))


_START_B: Final = 104
_STOP: Final = 106
_WIDTHS: Final = (
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
)  # fmt: skip
"""Widths of bars and gaps by turns, by value."""
