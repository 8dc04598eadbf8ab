"""When a store is open: the weekly hours and their exceptions, and the business day they make.

A business day runs from opening to closing and may pass midnight: "26:00" is two in the morning of the next
date and still belongs to the date before. The JSON is what the API takes and what the store's row keeps:

    {"mon": [["11:00", "15:00"], ["17:00", "26:00"]], "exceptions": [{"on": "2026-12-31", "hours": []}]}

A weekday that is not named is a closed day once any weekday is named; a store that names none is open from
00:00 to 24:00. An exception replaces its date's hours, and an empty list closes the store.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
LATEST_CLOSING = 30 * 60
"""Thirty o'clock, six in the morning: later than that no shop calls it the same day."""

MAX_INTERVALS = 6
MAX_EXCEPTIONS = 1_000

Hours: TypeAlias = Mapping[str, Any] | None
Interval: TypeAlias = tuple[datetime, datetime]
Error: TypeAlias = dict[str, str]
"""Where (a JSON pointer) and what: one of the `errors` of the problem `Invalid`."""

_CLOCK = re.compile(r"([0-2][0-9]|30):([0-5][0-9])", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ALL_DAY = [["00:00", "24:00"]]


def find_minutes(clock: object) -> int | None:
    """Minutes after the business day's 00:00 of a clock time such as "11:30" or "26:00", at most "30:00"."""
    match = _CLOCK.fullmatch(clock) if isinstance(clock, str) else None
    if match is None:
        return None
    minutes = int(match[1]) * 60 + int(match[2])
    return minutes if minutes <= LATEST_CLOSING else None


def instant(business_on: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clock of a business day shows this many minutes after its 00:00."""
    days, rest = divmod(minutes, DAY_MINUTES)
    local = datetime.combine(business_on + timedelta(days=days), time(rest // 60, rest % 60), tzinfo=zone)
    return local.astimezone(UTC)


def list_errors(hours: object, at: str = "") -> list[Error]:
    """Everything wrong with an `opening_hours` document that stands at a pointer; empty if it can be stored.

    None is right too: the store has not stated its hours.
    """
    if hours is None:
        return []
    if not isinstance(hours, dict):
        return [_error(at, "Must be an object with weekdays and exceptions.")]
    errors: list[Error] = []
    for key, value in hours.items():
        if key in WEEKDAYS:
            errors += _interval_errors(value, f"{at}/{key}")
        elif key == "exceptions":
            errors += _exception_errors(value, f"{at}/exceptions")
        else:
            name = ascii(key)[1:-1][:40].replace("~", "~0").replace("/", "~1")
            errors.append(_error(f"{at}/{name}", f"Is neither a weekday ({', '.join(WEEKDAYS)}) nor exceptions."))
    return errors


def intervals(hours: Hours, business_on: date, zone: ZoneInfo) -> list[Interval]:
    """The openings of a business day, in order, as UTC pairs (opens_at, closes_at); empty on a closed day.

    Takes only hours without errors.
    """
    return [
        (instant(business_on, opens, zone), instant(business_on, closes, zone))
        for opens, closes in _minutes(hours, business_on)
    ]


def business_day(hours: Hours, at: datetime, zone: ZoneInfo) -> date:
    """The date a moment belongs to: the day before while that day's last opening has not closed, else the
    local date."""
    today = at.astimezone(zone).date()
    yesterday = today - timedelta(days=1)
    past_midnight = any(opens_at <= at < closes_at for opens_at, closes_at in intervals(hours, yesterday, zone))
    return yesterday if past_midnight else today


def time_left(open_intervals: Sequence[Interval], at: datetime) -> timedelta:
    """Opening time of a business day that still lies ahead of a moment: breaks between two openings do not
    count."""
    ahead = (closes_at - max(opens_at, at) for opens_at, closes_at in open_intervals if closes_at > at)
    return sum(ahead, timedelta())


def _minutes(hours: Hours, business_on: date) -> list[tuple[int, int]]:
    """A business day's openings in minutes after its 00:00."""
    listed: Sequence[Sequence[str]] = _ALL_DAY
    if hours is not None:
        if any(weekday in hours for weekday in WEEKDAYS):
            listed = hours.get(WEEKDAYS[business_on.weekday()], [])
        on = business_on.isoformat()
        for exception in hours.get("exceptions", []):
            if exception["on"] == on:
                listed = exception["hours"]
    return [(find_minutes(opens) or 0, find_minutes(closes) or 0) for opens, closes in listed]


def _exception_errors(value: object, at: str) -> list[Error]:
    if not isinstance(value, list):
        return [_error(at, 'Must be a list of {"on", "hours"}.')]
    if len(value) > MAX_EXCEPTIONS:
        return [_error(at, f"Must not hold more than {MAX_EXCEPTIONS} dates.")]
    errors: list[Error] = []
    seen: set[str] = set()
    for index, exception in enumerate(value):
        here = f"{at}/{index}"
        if not isinstance(exception, dict) or set(exception) != {"on", "hours"}:
            errors.append(_error(here, 'Must be {"on": "YYYY-MM-DD", "hours": […]}.'))
            continue
        on = exception["on"]
        if not _is_date(on):
            errors.append(_error(f"{here}/on", "Must be a date, YYYY-MM-DD."))
        elif on in seen:
            errors.append(_error(f"{here}/on", "Names a date that an earlier exception already names."))
        else:
            seen.add(on)
        errors += _interval_errors(exception["hours"], f"{here}/hours")
    return errors


def _interval_errors(value: object, at: str) -> list[Error]:
    if not isinstance(value, list):
        return [_error(at, 'Must be a list of [opening, closing], such as [["11:00", "26:00"]].')]
    if len(value) > MAX_INTERVALS:
        return [_error(at, f"Must not hold more than {MAX_INTERVALS} openings.")]
    previous_close = 0
    for index, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2:
            return [_error(f"{at}/{index}", "Must be [opening, closing].")]
        opens, closes = find_minutes(pair[0]), find_minutes(pair[1])
        if opens is None or opens >= DAY_MINUTES:
            return [_error(f"{at}/{index}/0", 'Must be a clock time from "00:00" to "23:59".')]
        if closes is None:
            return [_error(f"{at}/{index}/1", 'Must be a clock time up to "30:00".')]
        if closes <= opens:
            return [_error(f"{at}/{index}/1", 'Must be later than the opening; for 02:00 write "26:00".')]
        if opens < previous_close:
            return [_error(f"{at}/{index}/0", "Must not be earlier than the closing before it.")]
        previous_close = closes
    return []


def _error(pointer: str, detail: str) -> Error:
    return {"pointer": pointer, "detail": detail}


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
