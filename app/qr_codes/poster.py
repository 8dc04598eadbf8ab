"""A page to print and hang up: headline, the code, three steps, whose account it is. The font is embedded."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

from fpdf import FPDF
from pylopdf_fonts_cjk import sans_path

from app.qr_codes.images import QUIET_MODULES, list_dark

Paper = Literal["a3", "a4", "a5"]

HEADLINE: Final = "友だちになると、うれしいお知らせが届きます"
STEPS: Final = (
    "スマートフォンのカメラ、またはLINEのQRコードリーダーで読み取る",
    "「許可する」「追加」の順にタップする",
    "トークにメッセージが届いたら、友だち追加は完了です",
)
UNTIED_STEPS: Final = (
    "スマートフォンのカメラ、またはLINEのQRコードリーダーで読み取る",
    "「追加」をタップする",
    "トークにメッセージが届いたら、友だち追加は完了です",
)
_SIZES: Final = {"a3": (297.0, 420.0), "a4": (210.0, 297.0), "a5": (148.0, 210.0)}
"""Width and height in millimetres."""
_FONT: Final = "noto"
_GREEN: Final = (6, 122, 58)
_GREY: Final = (90, 90, 90)
_MARGIN: Final = 18.0
_NO_BREAK_BEFORE: Final = frozenset("、。,.)」』】!?!?ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々・:;%％")


@dataclass(frozen=True)
class PosterText:
    """What stands on a poster besides the code."""

    brand: str
    place: str
    """The store, or the account where it is head office's code."""
    headline: str
    basic_id: str | None
    steps: tuple[str, ...]
    made_at: datetime
    """What the file says of its age, so that the same poster is the same bytes."""


def print_poster(url: str, told: PosterText, paper: Paper) -> bytes:
    """One page of PDF. Lengths below are those of A4 in millimetres, and grow or shrink with the paper."""
    page = _Page(_SIZES[paper][0] / _SIZES["a4"][0], paper)
    pdf = page.pdf
    pdf.set_title(told.headline)
    pdf.set_author(told.brand)
    pdf.set_creation_date(told.made_at)
    page.band(0, 0, 210, 13, _GREEN)
    y = page.lines(26, told.brand, size=17, most=1, colour=_GREY)
    y = page.lines(y + 2, told.place, size=28, most=2)
    y = page.lines(y + 6, told.headline, size=25, most=3, colour=_GREEN)
    side = min(132.0, 222.0 - y)
    y = page.code(y + (226.0 - y - side) / 2, url, side)
    y = page.steps(max(y, 223.0), told.steps)
    page.band(0, 284, 210, 13, _GREEN)
    if told.basic_id is not None:
        page.lines(y + 7, f"ID検索  {told.basic_id}", size=15, most=1)
    return bytes(pdf.output())


class _Page:
    """A page that is drawn in the millimetres of A4."""

    def __init__(self, scale: float, paper: Paper) -> None:
        self.scale = scale
        self.pdf: Any = FPDF(unit="mm", format=_SIZES[paper])
        self.pdf.set_auto_page_break(False)
        self.pdf.set_margin(0)
        self.pdf.add_page()
        self.pdf.add_font(_FONT, fname=sans_path())
        self.pdf.set_lang("ja")

    def band(self, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        """A filled rectangle."""
        self.pdf.set_fill_color(*colour)
        self.pdf.rect(*(self.scale * length for length in (x, y, width, height)), style="F")

    def lines(self, y: float, words: str, *, size: float, most: int, colour: tuple[int, int, int] = (0, 0, 0)) -> float:
        """Centred text in at most so many lines, as large as goes and heavier than the font is; where it ends."""
        room = 210 - 2 * _MARGIN
        rows = self._break(words, size, room)
        while len(rows) > most and size > 8:
            size -= 1
            rows = self._break(words, size, room)
        self.pdf.set_text_color(*colour)
        self.pdf.set_draw_color(*colour)
        for row in rows[:most]:
            y += size * 0.3528 * 1.3
            self._write(105 - self._width(row, size) / 2, y - size * 0.3528 * 0.3, row, size, is_heavy=size > 20)
        return y

    def code(self, y: float, url: str, side: float) -> float:
        """The symbol in the middle of the page, with its quiet zone inside of `side`; where it ends."""
        runs, modules = list_dark(url)
        module = side / (modules + 2 * QUIET_MODULES)
        left, top = 105 - side / 2 + QUIET_MODULES * module, y + QUIET_MODULES * module
        self.pdf.set_fill_color(0)
        for row, column, length in runs:
            # A hair taller, or some printers show white lines between the rows.
            at = (left + column * module, top + row * module, length * module, module * 1.02)
            self.pdf.rect(*(self.scale * one for one in at), style="F")
        return y + side

    def steps(self, y: float, steps: tuple[str, ...]) -> float:
        """Numbered lines; where they end."""
        size = 13.0
        widest = max(self._width(step, size) for step in steps)
        left = max(_MARGIN, 105 - (widest + 11) / 2)
        for number, step in enumerate(steps, start=1):
            y += 10.5
            self.pdf.set_fill_color(*_GREEN)
            middle = y - size * 0.3528 * 0.36
            box = (left, middle - 3.6, 7.2, 7.2)
            self.pdf.ellipse(*(self.scale * one for one in box), style="F")
            self.pdf.set_text_color(255)
            self._write(left + 3.6 - self._width(str(number), 12) / 2, middle + 1.55, str(number), 12)
            self.pdf.set_text_color(30)
            self._write(left + 11, y, step, size)
        return y

    def _write(self, x: float, baseline: float, words: str, size: float, *, is_heavy: bool = False) -> None:
        self.pdf.set_font(_FONT, size=size * self.scale)
        # The font has one weight; an outline in its own colour makes the bold one.
        self.pdf.set_line_width(size * 0.011 * self.scale)
        with self.pdf.local_context(text_mode="FILL_STROKE" if is_heavy else "FILL"):
            self.pdf.text(x * self.scale, baseline * self.scale, words)

    def _width(self, words: str, size: float) -> float:
        self.pdf.set_font(_FONT, size=size * self.scale)
        return float(self.pdf.get_string_width(words)) / self.scale

    def _break(self, words: str, size: float, room: float) -> list[str]:
        """Lines that fit, broken between letters as Japanese is, of about the same length, and Latin words kept."""
        pieces = _pieces(words)
        total = self._width(words, size)
        if total <= room:
            return [words]
        if (halves := self._halve(words, size, room)) is not None:
            return halves
        wanted = total / -(-total // room) * 1.06
        for limit in (min(wanted, room), room):
            rows = self._fill(pieces, size, limit)
            if len(rows) <= -(-total // room):
                return rows
        return rows

    def _halve(self, words: str, size: float, room: float) -> list[str] | None:
        """Two lines with the break after a mark, where both fit and neither is much shorter."""
        halves = [(words[: at.end()].strip(), words[at.end() :].strip()) for at in re.finditer("[、。!?!?]|\\s", words)]
        widths = {half: [self._width(part, size) for part in half] for half in halves if all(half)}
        good = [half for half, both in widths.items() if max(both) <= room and min(both) * 2 >= max(both)]
        if not good:
            return None
        first, second = min(good, key=lambda half: max(widths[half]))
        return [first, second]

    def _fill(self, pieces: list[str], size: float, room: float) -> list[str]:
        rows = [""]
        for piece in pieces:
            if rows[-1] and self._width(rows[-1] + piece.rstrip(), size) > room:
                rows.append("")
            rows[-1] += piece if rows[-1] else piece.lstrip()
        return [row.strip() for row in rows if row.strip()] or [""]


def _pieces(words: str) -> list[str]:
    """What is not to be broken: Latin words, and a letter with the marks that may not begin a line."""
    found: list[str] = []
    for piece in re.findall(r"[!-~]{1,24}|\s+|.", words, re.DOTALL):
        if found and (piece[0] in _NO_BREAK_BEFORE or found[-1] in ("「", "『", "(", "【", "(")):
            found[-1] += piece
        else:
            found.append(piece)
    return found


@cache
def _known_letters() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(sans_path(), lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


def printable(words: str) -> str:
    """The words without what the font has no letter for, such as pictographs."""
    return "".join(letter for letter in words if ord(letter) in _known_letters()).strip()
