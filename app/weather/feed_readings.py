"""Readings from what is known beside JMA's forecast: observations, the second source, heat, warnings, the calendar."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.weather.calendars import labels_on
from app.weather.freshness import part_staleness
from app.weather.outlook import TIERS, Gap, Heat, Hourly, Observed, Warnings
from app.weather.readings import Reading, Seen
from tenants.stores.opening_hours import Interval

HOUR = timedelta(hours=1)
WBGT_STEP = timedelta(hours=3)
RAINING_MM = 0.5
"""Rain in the last ten minutes, or in the last hour, from which on it rains now."""


def raining_now(seen: Seen) -> Reading:
    """Whether the nearest rain gauge has measured 0.5 mm or more in the last ten minutes or the last hour."""
    observed = seen.outlook.observed
    if isinstance(observed, Gap):
        return _nothing("raining_now", observed)
    amounts = (observed.rain_10_minutes_mm, observed.rain_hour_mm)
    known = [amount for amount in amounts if not isinstance(amount, Gap)]
    value = True if any(amount >= RAINING_MM for amount in known) else False if len(known) == len(amounts) else None
    gap = next((amount.reason for amount in amounts if isinstance(amount, Gap)), None) if value is None else None
    found = Reading("raining_now", value, gap, observed.source, observed.observed_at)
    return _fresh(seen, "observed", found)


def observed_now(seen: Seen, name: str) -> Reading:
    """What the nearest station that measures it has last measured: temperature, wind speed or snow depth."""
    observed = seen.outlook.observed
    if isinstance(observed, Gap):
        return _nothing(name, observed)
    value = _measured(observed, name)
    known, gap = (None, value.reason) if isinstance(value, Gap) else (value, None)
    return _fresh(seen, "observed", Reading(name, known, gap, observed.source, observed.observed_at))


def _measured(observed: Observed, name: str) -> float | Gap:
    if name == "temperature":
        return observed.temperature_c
    return observed.wind_speed_ms if name == "wind_speed" else observed.snow_depth_cm


def hourly(seen: Seen, name: str, *, coldest: bool = False) -> Reading:
    """A value of the second source over the window: the sum of rain (mm) and snowfall (cm), the greatest of wind (m/s),
    and the highest or, with `coldest`, the lowest apparent temperature (°C).

    An hour that it does not carry leaves a gap, unless it is gone.
    """
    part = seen.outlook.hourly
    if isinstance(part, Gap):
        return _nothing(name, part)
    values = _hours_of(part, name)
    hours = _steps(seen.spans, HOUR)
    known = [values[at] for at in hours if at in values]
    missing = [at for at in hours if at not in values and at + HOUR > seen.now]
    gap = f"{len(missing)} of {len(hours)} hours are not in this run" if missing else None
    if not known:
        gap = gap or "no hour of the window is left to forecast"
    value: float | None = None
    if known:
        is_sum = name in ("precipitation", "snowfall")
        value = round(sum(known), 2) if is_sum else min(known) if coldest else max(known)
    found = Reading(name, value, gap, part.source, part.issued_at, at_most=coldest)
    return _fresh(seen, "hourly", found)


def _hours_of(part: Hourly, name: str) -> Mapping[datetime, float]:
    return {
        "precipitation": part.rain_mm,
        "apparent_temperature": part.apparent_c,
        "wind_speed": part.wind_speed_ms,
        "wind_gust": part.wind_gust_ms,
        "snowfall": part.snowfall_cm,
    }[name]


def wbgt(seen: Seen) -> Reading:
    """The highest heat index (°C) of the window, from the Ministry's three-hourly values."""
    heat = seen.outlook.heat
    if isinstance(heat, Gap):
        return _nothing("wbgt", heat)
    known = [value for at, value in heat.wbgt_c.items() if _touches(at, seen.spans)]
    gap = None if known else "no value lies in the window"
    last_at = max((end for _, end in seen.spans), default=seen.now)
    if known and max(heat.wbgt_c) + WBGT_STEP < last_at:
        gap = "the values end before the window does"
    return _fresh(seen, "heat", Reading("wbgt", max(known, default=None), gap, heat.source, heat.issued_at))


def heat_alert(seen: Seen) -> Reading:
    """The heat-stroke alert for the business day: `none`, `alert` or `special`."""
    heat = seen.outlook.heat
    if isinstance(heat, Gap):
        return _nothing("heat_alert", heat)
    return _fresh(seen, "heat", _alert(heat, seen))


def _alert(heat: Heat, seen: Seen) -> Reading:
    found = heat.alerts.get(seen.day.business_on)
    gap = "no alert information for the day" if found is None else None
    return Reading("heat_alert", found, gap, heat.source, heat.issued_at)


def warning(seen: Seen) -> Reading:
    """The gravest tier of JMA's warnings in force over the place; `none` where there is none."""
    warnings = seen.outlook.warnings
    if isinstance(warnings, Gap):
        return _nothing("warning", warnings)
    return _fresh(seen, "warnings", _gravest(warnings))


def _gravest(warnings: Warnings) -> Reading:
    tiers = [one.tier for one in warnings.in_force]
    gravest = max(tiers, key=TIERS.index, default="none")
    told = ", ".join(sorted({one.phenomenon for one in warnings.in_force})) or None
    return Reading("warning", gravest, None, warnings.source, warnings.checked_at, told)


def pollen(seen: Seen) -> Reading:
    """The level that the brand has set for the store's area on the business day."""
    level = seen.notes.pollen
    return Reading("pollen", level, None if level else "nobody has set a level for the day", "brand", None)


def calendar(seen: Seen) -> Reading:
    """Every label of the business day: its weekday, whether it is a holiday, payday, the season and the like."""
    return Reading("calendar", labels_on(seen.day.business_on), None, "calendar", None)


def _fresh(seen: Seen, part: str, found: Reading) -> Reading:
    """The reading, without its value where it is too old, or dated ahead."""
    assert found.issued_at is not None
    why = part_staleness(part, found.issued_at, seen.now, seen.max_age_minutes)
    return found.lacks(why, is_stale=True) if why else found


def _nothing(name: str, gap: Gap) -> Reading:
    return Reading(name, None, gap.reason, None, None)


def _steps(spans: Sequence[Interval], step: timedelta) -> list[datetime]:
    """Starts of the hours that touch the spans, in order."""
    found: set[datetime] = set()
    for begin, end in spans:
        at = begin.replace(minute=0, second=0, microsecond=0)
        while at < end:
            found.add(at)
            at += step
    return sorted(found)


def _touches(at: datetime, spans: Sequence[Interval]) -> bool:
    """Whether a three-hourly value, of the moment that it names, lies in one of the spans or at its ends."""
    return any(begin <= at <= end for begin, end in spans)
