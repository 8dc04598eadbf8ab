"""The QR code itself, for print and for screens."""

from io import BytesIO
from typing import Literal

import segno

QUIET_MODULES = 4
"""White around it, as the standard wants it."""


def make_qr(url: str) -> segno.QRCode:
    """The symbol of an address: at least level M, and as much more as fits into it."""
    return segno.make_qr(url, error="m", boost_error=True)


def draw(url: str, kind: Literal["svg", "png"], size: int) -> bytes:
    """A picture of at most `size` pixels a side, black on white, with the quiet zone around it.

    A PNG has whole pixels to the module, so it may be somewhat smaller; it is never blurred.
    """
    symbol, out = make_qr(url), BytesIO()
    modules = symbol.symbol_size(border=QUIET_MODULES)[0]
    if kind == "png":
        symbol.save(out, kind="png", scale=max(1, size // modules), border=QUIET_MODULES, light="white")
    else:
        symbol.save(
            out,
            kind="svg",
            scale=size / modules,
            border=QUIET_MODULES,
            light="white",
            xmldecl=False,
            svgclass=None,
            lineclass=None,
        )
    return out.getvalue()


def list_dark(url: str) -> tuple[list[tuple[int, int, int]], int]:
    """The dark runs of the symbol as (row, column, length), in modules without the quiet zone, and its side."""
    runs = []
    matrix = [bytes(row) for row in make_qr(url).matrix]
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append((y, start, x - start))
            x += 1
    return runs, len(matrix)
