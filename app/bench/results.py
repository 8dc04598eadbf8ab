"""What a benchmark came to, as a table for people and as JSON for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Size(StrEnum):
    """How much work a benchmark does: seconds of it, or as much as its bar speaks of."""

    CI = "ci"
    FULL = "full"


class Failed(Exception):
    """A benchmark could not measure; the message says what stood in its way."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a value must reach, or stay under."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether this value is good enough."""
        return not (
            (self.at_least is not None and value < self.at_least) or (self.at_most is not None and value > self.at_most)
        )

    def __str__(self) -> str:
        marks = (("≥", self.at_least), ("≤", self.at_most))
        return " and ".join(f"{mark} {shown(limit)}" for mark, limit in marks if limit is not None)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure. The bar is one for the ratio to the reference where there is a reference, else for the figure."""

    work: str
    figure: float
    unit: str
    reference: float | None = None
    bar: Bar | None = None

    @property
    def ratio(self) -> float | None:
        """The figure as a multiple of the reference."""
        return None if self.reference is None else self.figure / self.reference

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None where there is none."""
        if self.bar is None:
            return None
        return self.bar.holds(self.figure if self.ratio is None else self.ratio)


@dataclass(kw_only=True)
class Result:
    """One benchmark: its lines, the CPU seconds of each side, and what a reader must know to judge it."""

    id: str
    title: str
    lines: Sequence[Line]
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def holds(self) -> bool:
        """Whether every bar holds."""
        return all(line.holds is not False for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        lines = [
            {
                **asdict(line),
                "bar": None if line.bar is None else {k: v for k, v in asdict(line.bar).items() if v is not None},
                "ratio": line.ratio,
                "holds": line.holds,
            }
            for line in self.lines
        ]
        return asdict(self) | {"lines": lines, "holds": self.holds}


_HEADINGS = ("", "work", "figure", "reference", "ratio", "bar", "holds")
_WORDS = {True: "yes", False: "NO", None: ""}


def table(results: Sequence[Result]) -> str:
    """All results as text in columns, each benchmark's CPU seconds and notes below its lines."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    below: dict[int, list[str]] = {}
    for result in results:
        for line in result.lines:
            rows.append(
                (
                    result.id,
                    line.work,
                    f"{shown(line.figure)} {line.unit}",
                    "" if line.reference is None else f"{shown(line.reference)} {line.unit}",
                    "" if line.ratio is None else f"{line.ratio:.2f}",
                    "" if line.bar is None else str(line.bar),
                    _WORDS[line.holds],
                )
            )
        cost = ", ".join(f"{side} {seconds:.1f} s" for side, seconds in result.cpu_seconds.items())
        below[len(rows) - 1] = ([f"CPU: {cost}"] if cost else []) + list(result.notes)
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    printed = []
    for number, row in enumerate(rows):
        cells = [
            cell.rjust(width) if 2 <= column <= 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        printed.append("  ".join(cells).rstrip())
        printed += [f"{'':{widths[0]}}    {words}" for words in below.get(number, ())]
    return "\n".join(printed)


def shown(value: float) -> str:
    """A number with three digits that matter."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
