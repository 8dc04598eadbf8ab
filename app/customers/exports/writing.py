"""A file of customers: its bytes, in the encoding that the reader's programs expect."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson

from app.customers.exports.columns import Column, Person, write_cell, write_object
from app.sheets import guard

Encoding = Literal["utf-8-bom", "utf-8", "cp932"]
Format = Literal["csv", "ndjson"]

GETA: Final = "〓"
"""Stands for a letter that CP932 does not have, as Japanese printers do it."""
_SAME_IN_CP932: Final = str.maketrans({"〜": "～", "−": "－", "‖": "∥", "—": "―", "¢": "￠", "£": "￡", "¬": "￢"})
"""Letters that look the same and of which CP932 has the other one."""


class SheetWriter:
    """Writes rows of a CSV; counts the letters that its encoding does not have."""

    def __init__(self, columns: Sequence[Column], encoding: Encoding, zone: ZoneInfo, *, japanese: bool) -> None:
        self._columns = columns
        self._encoding = encoding
        self._zone = zone
        self._japanese = japanese
        self.replaced = 0

    def head(self) -> bytes:
        """The line of headings, which begins the file."""
        line = self._encode(self._write([column.ja if self._japanese else column.en for column in self._columns]))
        return b"\xef\xbb\xbf" + line if self._encoding == "utf-8-bom" else line

    def row(self, person: Person) -> bytes:
        """A person's line."""
        cells = (
            write_cell(column, column.value(person), self._zone, japanese=self._japanese) for column in self._columns
        )
        return self._encode(self._write([guard(cell) for cell in cells]))

    def _write(self, cells: Sequence[str]) -> str:
        line = io.StringIO()
        csv.writer(line).writerow(cells)  # CRLF, as RFC 4180 and Excel have it
        return line.getvalue()

    def _encode(self, line: str) -> bytes:
        if self._encoding != "cp932":
            return line.encode()
        same = line.translate(_SAME_IN_CP932)
        try:
            return same.encode("cp932")
        except UnicodeEncodeError:
            fitting = "".join(letter if _fits(letter) else GETA for letter in same)
            self.replaced += sum(1 for letter in same if not _fits(letter))
            return fitting.encode("cp932")


def _fits(letter: str) -> bool:
    try:
        letter.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


def write_line(columns: Sequence[Column], person: Person) -> bytes:
    """A person's line of NDJSON."""
    return write_json(write_object(columns, person)) + b"\n"


def write_json(value: Mapping[str, Any]) -> bytes:
    """JSON. Numbers of an attribute may have more digits than the quick way takes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
