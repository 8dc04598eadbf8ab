"""From when until when a copy may be used, and at which times: pure functions of the offer and the stores' hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tenants.stores import opening_hours
from tenants.stores.opening_hours import Hours


@dataclass(frozen=True, slots=True)
class Span:
    """A copy may be used from `starts_at` on and before `expires_at`."""

    starts_at: datetime
    expires_at: datetime


def find_span(
    validity: Mapping[str, Any],
    *,
    issued_at: datetime,
    business_on: date,
    hours: Iterable[Hours] = (),
    zone: ZoneInfo,
) -> Span:
    """The span of a copy issued at this moment, by the form of its coupon's validity:

    - `{"from", "to"}`: from the one to the other; dates are whole days, the last one included;
    - `{"hours_after_issue"}`: that long from now;
    - `{"weather_day": true}`: from 00:00 of the business day until the last of these stores closes; where none opens,
      or no hours are given, until 24:00.
    """
    if "hours_after_issue" in validity:
        return Span(issued_at, issued_at + timedelta(hours=validity["hours_after_issue"]))
    if "weather_day" in validity:
        closings = [closes for one in hours for _, closes in opening_hours.intervals(one, business_on, zone)]
        midnight = _midnight(business_on, zone)
        return Span(midnight, max(closings, default=_midnight(business_on + timedelta(days=1), zone)))
    return Span(_edge(validity["from"], zone, 0), _edge(validity["to"], zone, 1))


def _edge(text: str, zone: ZoneInfo, days: int) -> datetime:
    """An instant as it stands; of a date, the midnight it begins with (0 days) or ends with (1)."""
    if len(text) == len("2026-11-21"):
        return _midnight(date.fromisoformat(text) + timedelta(days=days), zone)
    return datetime.fromisoformat(text)


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(on, time(), tzinfo=zone)


def is_usable_at(times: Mapping[str, Any] | None, at: datetime, hours: Hours, zone: ZoneInfo) -> bool:
    """Whether a coupon's `usable_times` take in this moment at a store with these hours; None takes in all.

    What lies past midnight, of the store's hours or of the coupon's own, belongs to the business day before.
    """
    if times is None:
        return True
    today = at.astimezone(zone).date()
    days = [today, today - timedelta(days=1)]
    if times.get("within_opening_hours") and not any(_is_within(hours, day, at, zone) for day in days):
        return False
    windows = times.get("hours")
    if windows is None:
        days = [opening_hours.business_day(hours, at, zone)]
    else:
        own: Hours = dict.fromkeys(opening_hours.WEEKDAYS, windows)
        days = [day for day in days if _is_within(own, day, at, zone)]
    weekdays = times.get("weekdays")
    return any(weekdays is None or opening_hours.WEEKDAYS[day.weekday()] in weekdays for day in days)


def _is_within(hours: Hours, on: date, at: datetime, zone: ZoneInfo) -> bool:
    return any(opens_at <= at < closes_at for opens_at, closes_at in opening_hours.intervals(hours, on, zone))
