"""What to do with a file: as the caller says, and as the file itself shows where she says nothing."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from app.customers.imports import columns, reading
from app.customers.imports.columns import Column
from app.customers.imports.problems import ImportFileUnreadable
from app.customers.imports.reading import Place, Row

Pieces = Callable[[int], Iterator[bytes]]
"""The bytes of a file from a position on, piece by piece."""


@dataclass(frozen=True)
class Options:
    """What the caller says of a file and of the people in it."""

    format: str
    """`csv` or `ndjson`."""
    encoding: str = "auto"
    delimiter: str = "auto"
    mapping: dict[str, str] = field(default_factory=dict)
    store_id: UUID | None = None
    line_account_id: UUID | None = None
    tag: str | None = None
    is_dry_run: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the operation keeps them."""
        ids = {name: str(value) for name, value in asdict(self).items() if isinstance(value, UUID)}
        return {**asdict(self), **ids}

    @classmethod
    def of(cls, arguments: dict[str, Any]) -> "Options":
        """As the operation has kept them."""
        ids = {name: UUID(arguments[name]) for name in ("store_id", "line_account_id") if arguments[name]}
        return cls(**{**arguments, **ids})


@dataclass(frozen=True)
class Plan:
    """How the rows of a file are read, and where they begin."""

    format: str
    encoding: str
    delimiter: str
    headings: list[str]
    columns: list[Column | None]
    start: Place

    @property
    def ignored(self) -> list[str]:
        """Headings of columns that are passed over."""
        pairs = zip(self.headings, self.columns, strict=True)
        return [heading[:40] for heading, column in pairs if column is None and heading]

    def heading_of(self, field: str) -> str | None:
        """How a CSV heads a field; None where it has no column of it."""
        pairs = zip(self.headings, self.columns, strict=True)
        return next((heading for heading, column in pairs if column is not None and column.field == field), None)

    def rows(self, pieces: Pieces, place: Place) -> Iterator[tuple[Row, Place]]:
        """The rows from a place on."""
        begin = place if place.position else self.start
        if self.format == "ndjson":
            return reading.read_ndjson(pieces(begin.position), begin)
        return reading.read_csv(pieces(begin.position), self.encoding, self.delimiter, begin)


def make_plan(options: Options, pieces: Pieces) -> Plan:
    """Look at a file. Raises ImportFileUnreadable."""
    if options.format == "ndjson":
        reading.require_content(pieces(0))
        return Plan("ndjson", "utf-8", "", [], [], Place())
    reading.require_text(pieces(0))
    encoding = reading.find_encoding(pieces(0)) if options.encoding == "auto" else options.encoding
    delimiter = reading.DELIMITERS.get(options.delimiter)
    headings, found, start = reading.read_header(pieces(0), encoding, delimiter)
    plan = Plan("csv", encoding, found, headings, columns.choose(headings, options.mapping), start)
    if options.line_account_id is None and (heading := plan.heading_of("line_user_id")) is not None:
        raise ImportFileUnreadable(
            f"The column “{heading[:40]}” holds LINE user ids, which are those of an account: give `line_account_id`,"
            f" or map the column to “{columns.IGNORED}”.",
            f"「{heading[:40]}」列はLINEユーザーIDです。どのアカウントのものか line_account_id で指定するか、"
            f"この列を「{columns.IGNORED}」に対応付けてください。",
            start.line,
        )
    return plan
