"""What kind of day a date is in Japan: weekday or holiday, payday, season, and the weeks that no law calls holidays."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import jpholiday

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEASONS: Final = ("spring", "summer", "autumn", "winter")
PAYDAY: Final = 25
"""The day of the month on which most are paid; where it is a day off, the last working day before it."""

WEEKS: Final = {
    "golden_week": ((4, 29), (5, 5)),
    "obon": ((8, 13), (8, 16)),
    "year_end": ((12, 29), (12, 31)),
    "new_year": ((1, 1), (1, 3)),
}
"""First and last day (month, day) of what people keep beside public holidays, or partly by them."""

LABELS: Final = (*WEEKDAYS, "weekday", "weekend", "holiday", "payday", *WEEKS, *SEASONS)


@lru_cache(maxsize=4096)
def labels_on(on: date) -> frozenset[str]:
    """Every label of a date: `weekday` is a working day, `weekend` a Saturday or Sunday, `holiday` a public holiday."""
    holiday = jpholiday.is_holiday(on)
    labels = {WEEKDAYS[on.weekday()], season_on(on)}
    if holiday:
        labels.add("holiday")
    if on.weekday() >= 5:
        labels.add("weekend")
    elif not holiday:
        labels.add("weekday")
    if on == _payday(on.year, on.month):
        labels.add("payday")
    labels |= {name for name, (first, last) in WEEKS.items() if first <= (on.month, on.day) <= last}
    if holiday and (on.month, on.day) == (5, 6):
        # The substitute for a holiday of that week which fell on a Sunday.
        labels.add("golden_week")
    return frozenset(labels)


def season_on(on: date) -> str:
    """The season of a date; December, January and February are winter."""
    return SEASONS[(on.month - 3) % 12 // 3]


def _payday(year: int, month: int) -> date:
    paid_on = date(year, month, PAYDAY)
    while paid_on.weekday() >= 5 or jpholiday.is_holiday(paid_on):
        paid_on -= timedelta(days=1)
    return paid_on
