"""LINE's days: they begin at midnight in Japan, are written yyyyMMdd, and are counted once they are over."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum

DAY_SECONDS = 24 * 3600
_JST_SECONDS = 9 * 3600
_WRITTEN = re.compile(r"[0-9]{8}")
_EPOCH = date(1970, 1, 1).toordinal()


class Status(StrEnum):
    """What is known of a day."""

    READY = "ready"
    UNREADY = "unready"
    OUT_OF_SERVICE = "out_of_service"


def day_of(seconds: float) -> int:
    """The Japanese day of an instant, counted from 1970-01-01."""
    return int((seconds + _JST_SECONDS) // DAY_SECONDS)


def parse_day(text: str | None) -> int | None:
    """The day that is written so, or None if none is."""
    if text is None or not _WRITTEN.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date().toordinal() - _EPOCH
    except ValueError:
        return None


def status_of(day: int, now: float, first_on: date) -> Status:
    """Whether LINE tells of this day: it does so from `first_on`, and of no day that is not over."""
    if day < first_on.toordinal() - _EPOCH:
        return Status.OUT_OF_SERVICE
    return Status.READY if day < day_of(now) else Status.UNREADY
