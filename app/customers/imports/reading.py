"""Files as rows: decoded, cut into lines and cells, with the place of each, in bounded memory.

A row is what begins at some byte of the file and ends before another: whoever knows that byte can go on from there.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.customers.imports.problems import ImportFileUnreadable

LONGEST_LINE = 8_000_000
"""Bytes; a cell that never ends must not fill the memory."""
DELIMITERS: Final = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
ENCODINGS: Final = {"utf-8": "UTF-8", "cp932": "Shift_JIS (CP932)"}
_UTF8_BOM, _UTF16_BOMS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How files of Excel begin: .xlsx, which is a ZIP, and .xls."""

csv.field_size_limit(LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading goes on: after so many bytes and lines."""

    position: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: cells of a CSV, an object of NDJSON, or why there is neither."""

    line: int
    """The line on which it begins, the first being 1."""
    cells: Sequence[str] | dict[str, Any]
    trouble: tuple[str, str] | None = None


def find_encoding(pieces: Iterable[bytes]) -> str:
    """The encoding of a file: UTF-8 where its first letters beyond ASCII can be read so, else CP932.

    Raises ImportFileUnreadable for UTF-16 and for what is neither.
    """
    rest = b""
    is_first = True
    for piece in pieces:
        if is_first and piece.startswith(_UTF16_BOMS):
            raise ImportFileUnreadable(
                "The file is in UTF-16; save it as “CSV UTF-8”.",
                "ファイルがUTF-16です。「CSV UTF-8」で保存し直してください。",
                1,
            )
        if is_first and piece.startswith(_UTF8_BOM):
            return "utf-8"
        is_first = False
        if piece.isascii() and not rest:
            continue
        # A letter may lie across two pieces, so only whole lines are judged.
        whole, _, rest = (rest + piece).rpartition(b"\n")
        if not whole.isascii():
            return _judge(whole)
    return _judge(rest) if rest else "utf-8"


def require_text(pieces: Iterable[bytes]) -> None:
    """Raises ImportFileUnreadable for a workbook of Excel, which is no text in any encoding."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= len(max(_WORKBOOKS, key=len)):
            break
    if head.startswith(_WORKBOOKS):
        raise ImportFileUnreadable(
            "The file is an Excel workbook or a ZIP; save it in Excel as “CSV UTF-8”.",
            "ExcelブックまたはZIPのままのファイルです。Excelで「CSV UTF-8」として保存し直してください。",
        )


def require_content(pieces: Iterable[bytes]) -> None:
    """Raises ImportFileUnreadable for a file in which nothing stands."""
    if not any(piece.strip() for piece in pieces):
        raise _empty()


def _empty() -> ImportFileUnreadable:
    return ImportFileUnreadable("The file is empty.", "ファイルが空です。")


def _judge(sample: bytes) -> str:
    """The encoding in which most lines beyond ASCII can be read; a few others are wrong by themselves.

    Text in CP932 is hardly ever UTF-8 by accident, the reverse often, so UTF-8 is asked first.
    """
    lines = [(number, line) for number, line in enumerate(sample.split(b"\n"), 1) if not line.isascii()]
    for encoding in ENCODINGS:
        if 2 * sum(_can_read(line, encoding) for _, line in lines) > len(lines):
            return encoding
    raise _undecodable(next((no for no, line in lines if not _can_read(line, "utf-8")), 1), None)


def _can_read(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _undecodable(line: int, encoding: str | None) -> ImportFileUnreadable:
    name = ENCODINGS[encoding] if encoding else "UTF-8 / Shift_JIS"
    return ImportFileUnreadable(
        f"Line {line} cannot be read as {name}; is it the encoding of this file?",
        f"{line}行目を{name}として読めません。ファイルの文字コードを確かめてください。",
        line,
    )


class Lines:
    """The lines of a file as texts, from a place on; `place` is the end of the last one that was given out."""

    def __init__(self, pieces: Iterable[bytes], encoding: str, start: Place) -> None:
        self._pieces = pieces
        self._encoding = encoding
        self.place = start
        self.undecodable: list[int] = []
        """Lines that are not of the encoding, which stand as well as they can be read."""

    def __iter__(self) -> Iterator[str]:
        position, line = self.place.position, self.place.line
        for raw in self._split():
            position += len(raw)
            line += 1
            self.place = Place(position, line)
            yield self._decode(raw, line, is_first=position == len(raw))

    def _split(self) -> Iterator[bytes]:
        """Lines with their ends. In both encodings the byte of a line feed stands for nothing else."""
        rest = b""
        for piece in self._pieces:
            *whole, rest = (rest + piece).split(b"\n")
            for one in whole:
                yield one + b"\n"
            if len(rest) > LONGEST_LINE:
                line = self.place.line + 1
                raise ImportFileUnreadable(
                    f"Line {line} does not end within {LONGEST_LINE // 1_000_000} MB.",
                    f"{line}行目が{LONGEST_LINE // 1_000_000} MBを超えても終わりません。",
                    line,
                )
        if rest:
            yield rest

    def _decode(self, raw: bytes, line: int, *, is_first: bool) -> str:
        if is_first and raw.startswith(_UTF8_BOM):
            raw = raw[len(_UTF8_BOM) :]
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError:
            self.undecodable.append(line)
            return raw.decode(self._encoding, "replace")


def read_header(pieces: Iterable[bytes], encoding: str, delimiter: str | None) -> tuple[list[str], str, Place]:
    """The headings of a CSV, its delimiter, and where the rows begin. Raises ImportFileUnreadable.

    Without a delimiter it is the one that makes the most columns.
    """
    lines = Lines(pieces, encoding, Place())
    given = iter(lines)
    first = next((line for line in given if line.strip()), None)
    if first is None:
        raise _empty()
    if lines.undecodable:
        raise _undecodable(lines.place.line, encoding)
    if "\r" in first.rstrip("\r\n"):
        raise ImportFileUnreadable(
            "Lines end in CR alone; save the file with CRLF or LF.",
            "改行コードがCRだけです。CRLFかLFで保存し直してください。",
            1,
        )
    if "\x00" in first:
        raise ImportFileUnreadable("The header holds a NUL.", "見出し行にNUL文字が含まれています。", lines.place.line)
    widths = {one: _count_columns(first, one) for one in DELIMITERS.values()}
    chosen = delimiter or max(widths, key=lambda one: widths[one])
    for name, other in DELIMITERS.items():
        if widths[chosen] == 1 and widths[other] > 1:
            raise ImportFileUnreadable(
                f"The columns are separated by another sign than was said: by {name}, it seems.",
                f"列の区切り文字が指定と違います。「{name}」で区切られているようです。",
                lines.place.line,
            )
    return [cell.strip() for cell in _cells_of(first, chosen, given, lines)], chosen, lines.place


def _count_columns(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter)))


def _cells_of(first: str, delimiter: str, more: Iterator[str], lines: Lines) -> list[str]:
    def feed() -> Iterator[str]:
        yield first
        yield from more

    try:
        return next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        raise ImportFileUnreadable(
            "The header cannot be read: a quote in it is not closed.",
            '見出し行を読めません。引用符(")が閉じていません。',
            lines.place.line,
        ) from error


def read_csv(pieces: Iterable[bytes], encoding: str, delimiter: str, start: Place) -> Iterator[tuple[Row, Place]]:
    """The rows of a CSV from a place on, each with the place after it. Raises ImportFileUnreadable.

    `pieces` begin at the place. Blank lines are passed over.
    """
    lines = Lines(pieces, encoding, start)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        begin = lines.place.line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(begin, (), _tell(error, begin)), lines.place
            continue
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        trouble = None
        if lines.undecodable:
            lines.undecodable.clear()
            trouble = (
                f"Cannot be read as {ENCODINGS[encoding]}.",
                f"{ENCODINGS[encoding]}として読めない文字があります。",
            )
        yield Row(begin, cells, trouble), lines.place


def _tell(error: csv.Error, line: int) -> tuple[str, str]:
    """What a row's trouble with quotes is. Raises ImportFileUnreadable for one that swallows all that follows."""
    if "unexpected end" in str(error) or "field limit" in str(error):
        raise ImportFileUnreadable(
            f"A quote that is opened on line {line} is never closed.",
            f'{line}行目で開いた引用符(")が閉じていません。',
            line,
        ) from error
    return (
        "A quote inside a quoted cell must be written twice.",
        '引用符(")で囲んだセルの中の引用符は2つ重ねて書いてください。',
    )


def read_ndjson(pieces: Iterable[bytes], start: Place) -> Iterator[tuple[Row, Place]]:
    """The objects of NDJSON from a place on, each with the place after it. Blank lines are passed over."""
    lines = Lines(pieces, "utf-8", start)
    for text in lines:
        line = lines.place.line
        if lines.undecodable:
            lines.undecodable.clear()
            yield Row(line, {}, ("Cannot be read as UTF-8.", "UTF-8として読めない文字があります。")), lines.place
            continue
        if not text.strip():
            continue
        yield _parse(text, line), lines.place


def _parse(text: str, line: int) -> Row:
    try:
        value = orjson.loads(text)
    except ValueError:
        return Row(line, {}, ("The line is not JSON.", "この行はJSONではありません。"))
    if not isinstance(value, dict):
        return Row(line, {}, ("The line is not a JSON object.", "この行はJSONのオブジェクトではありません。"))
    return Row(line, value)
