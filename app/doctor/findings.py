"""Findings of the doctor: what is so, and what to do where it should not be so."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `ok` is None where it could not look."""

    name: str
    ok: bool | None
    says: str
    advice: str | None = None


def describe(finding: Finding) -> str:
    """One line for people."""
    mark = {True: "✓", False: "✗", None: "–"}[finding.ok]
    advice = f" → {finding.advice}" if finding.advice else ""
    return f"{mark} {finding.name:<9} {finding.says}{advice}"


def span(time: timedelta) -> str:
    """A time in the unit that people would use."""
    minutes = round(time.total_seconds() / 60)
    if minutes < 1:
        return f"{max(0, round(time.total_seconds()))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def first_line(error: object) -> str:
    """The first line of the driver's message: what went wrong, without hints and without the statement."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "no reason given"
