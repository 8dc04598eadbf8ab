"""When nothing is sent: quiet hours of a brand and of its stores, and a brand's holidays; here and in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import jpholiday

from tenants.brands.models import Brand

Hours = Mapping[str, Any]
"""`{"from": "21:00", "to": "09:00"}`, in the brand's time; they may pass midnight."""
_MOST_STEPS: Final = 1000
"""Of quiet hours and holidays that follow each other: those who rest for longer than that send nothing anyway."""


def find_quiet_end(hours: Hours | None, timezone: str, at: datetime) -> datetime | None:
    """When the quiet hours end in which a moment lies; None outside of them."""
    if not hours:
        return None
    begin, end = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"])
    local = at.astimezone(ZoneInfo(timezone))
    clock = local.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, ZoneInfo(timezone))


def find_holiday_end(holidays: Mapping[str, Any] | None, timezone: str, at: datetime) -> datetime | None:
    """When the day ends in which a moment lies, if the brand keeps it; else None."""
    day = at.astimezone(ZoneInfo(timezone)).date()
    if not is_holiday(holidays, day):
        return None
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))


def is_holiday(holidays: Mapping[str, Any] | None, day: date) -> bool:
    """Whether nothing is sent on a day: the brand names it, or keeps Japan's holidays and it is one."""
    if not holidays:
        return False
    return day.isoformat() in holidays.get("on", ()) or (bool(holidays.get("national")) and _is_national(day))


@lru_cache(maxsize=4096)
def _is_national(day: date) -> bool:
    return jpholiday.is_holiday(day)


def find_awake_at(brand: Brand, at: datetime, store_hours: Sequence[Hours | None] = ()) -> datetime | None:
    """When something may be sent again after a moment in which nothing may; None: it may be sent then.

    `store_hours` are those of all stores that it would be sent for: where one of them is awake, so is the whole.
    """
    found, moment = None, at
    for _ in range(_MOST_STEPS):
        ends = [
            find_quiet_end(brand.quiet_hours, brand.timezone, moment),
            find_holiday_end(brand.holidays, brand.timezone, moment),
        ]
        of_stores = [find_quiet_end(hours, brand.timezone, moment) for hours in store_hours]
        if of_stores and None not in of_stores:
            ends.append(min(end for end in of_stores if end is not None))
        next_moment = max((end for end in ends if end is not None), default=None)
        if next_moment is None:
            break
        found = moment = next_moment
    return found


@dataclass(frozen=True)
class Silence:
    """What holds batches back beside the brand's quiet hours: those of its stores, and days."""

    days: Sequence[str]
    """Holidays around now, as `2026-12-31`."""


def find_silence(holidays: Mapping[str, Any] | None, now: datetime, *, has_store_hours: bool) -> Silence | None:
    """What a lane heeds beside the brand's quiet hours; None for most brands, whose batches nothing else holds back."""
    # Runs may go by another clock than ours, and zones are up to a day apart.
    around = [now.date() + timedelta(days=offset) for offset in range(-400, 401)] if holidays else []
    days = [day.isoformat() for day in around if is_holiday(holidays, day)]
    return Silence(days) if days or has_store_hours else None


LOCAL: Final = "((now() + make_interval(secs => run.clock_shift_seconds)) AT TIME ZONE brand.timezone)"
"""SQL: the local time by which a run goes."""
_CLOCK: Final = f"to_char({LOCAL}, 'HH24:MI')"
IS_HOLIDAY: Final = f"to_char({LOCAL}, 'YYYY-MM-DD') = ANY(%(holidays)s::text[])"
HOLIDAY_SECONDS: Final = f"extract(epoch FROM date_trunc('day', {LOCAL}) + interval '1 day' - {LOCAL})"
"""SQL: how long the day still lasts."""


def is_quiet(hours: str) -> str:
    """SQL: whether it is quiet by a column of hours, as `find_quiet_end` has it."""
    begin, end = f"({hours} ->> 'from')", f"({hours} ->> 'to')"
    return f"""
coalesce(CASE WHEN {begin} < {end} THEN {_CLOCK} >= {begin} AND {_CLOCK} < {end}
              ELSE {_CLOCK} >= {begin} OR {_CLOCK} < {end} END, false)
"""


def quiet_seconds(hours: str) -> str:
    """SQL: in how many seconds the hours of a column end, while it is quiet by them."""
    end = f"({hours} ->> 'to')"
    return f"""
extract(epoch FROM date_trunc('day', {LOCAL}) + {end}::time
    + CASE WHEN {_CLOCK} < {end} THEN interval '0' ELSE interval '1 day' END - {LOCAL})
"""
