"""From when until when a copy may be used: a pure function of the offer, the moment and the stores' hours."""

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
