"""Forecast files of past days, replayed from a folder as they were."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.sandbox.clock import JST

_NAME = re.compile(r"(?P<office>[0-9]{6})_(?P<issued>[0-9]{8}T[0-9]{4})(_.*)?\.json")
_KEEPS = timedelta(hours=24)
"""Later than this after an issue, the day is over and the scenario speaks again."""


class RecordedIssue(NamedTuple):
    """One file and the time it was issued, which is in its name."""

    issued_at: datetime
    path: Path


def list_recorded(folder: Path) -> Mapping[str, Sequence[RecordedIssue]]:
    """All files below the folder named `{office}_{YYYYMMDDTHHMM}_….json`, by office, oldest first."""
    found: dict[str, list[RecordedIssue]] = {}
    for path in folder.rglob("*.json"):
        name = _NAME.fullmatch(path.name)
        if name:
            issued_at = datetime.strptime(name["issued"], "%Y%m%dT%H%M").replace(tzinfo=JST)
            found.setdefault(name["office"], []).append(RecordedIssue(issued_at, path))
    return {office: sorted(issues) for office, issues in found.items()}


def find_recorded(issues: Sequence[RecordedIssue], now: datetime) -> RecordedIssue | None:
    """The newest issue not later than `now`, unless it is more than a day old."""
    past = [issue for issue in issues if now - _KEEPS < issue.issued_at <= now]
    return past[-1] if past else None
