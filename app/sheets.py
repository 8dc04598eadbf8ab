"""Tables as CSV: whether a caller wants one, and how it is written."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Response


def prefers_csv(accept: str) -> bool:
    """Whether an Accept header names `text/csv`, and JSON not at all or with less weight."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        weights[name] = float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
    return weights.get("text/csv", 0.0) > weights.get("application/json", 0.0)


FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def guard(cell: str) -> str:
    """A text that spreadsheets show as it is: one that begins like a formula gets an apostrophe before it."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


BOM = "\ufeff"
"""What Excel needs before a CSV in UTF-8, or else it takes it for Shift_JIS."""


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, for_excel: bool = False) -> Response:
    """A table as CSV with a heading (RFC 4180); null is an empty cell. `for_excel` lets it show Japanese."""
    sheet = io.StringIO(BOM if for_excel else "")
    sheet.seek(0, io.SEEK_END)
    writer = csv.DictWriter(sheet, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return Response(sheet.getvalue(), media_type="text/csv; charset=utf-8")
