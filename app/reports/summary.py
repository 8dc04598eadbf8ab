"""The summary: figures of a period by day, place or cause."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.reports import queries
from app.reports.projection import FIGURES
from app.reports.queries import Group, GroupBy
from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.session import ScopedSession

LONGEST_DAYS: Final = 400
USUAL_DAYS: Final = 30


def read_period(session: ScopedSession, from_on: date | None, to_on: date | None, now: datetime) -> tuple[date, date]:
    """The first and last local day asked for; without them the 30 days that end today. Raises Invalid."""
    if to_on is None:
        to_on = now.astimezone(ZoneInfo(get_brand(session, session.scope.brand_id).timezone)).date()
    if from_on is None:
        from_on = to_on - timedelta(days=USUAL_DAYS - 1)
    if from_on > to_on:
        raise Invalid.at("/query/from", f"Must not come after the last day, {to_on}.")
    if (to_on - from_on).days >= LONGEST_DAYS:
        raise Invalid.at("/query/from", f"The period must be {LONGEST_DAYS} days or shorter.")
    return from_on, to_on


def summarise(session: ScopedSession, from_on: date, to_on: date, group_by: GroupBy) -> list[Group]:
    """The groups of a summary: each day of the period, or whatever else has figures in it."""
    if group_by != "day":
        return queries.sum_groups(session, group_by, from_on, to_on)
    known = queries.sum_days(session, from_on, to_on)
    days = [from_on + timedelta(days=passed) for passed in range((to_on - from_on).days + 1)]
    return [Group(day, known.get(day) or dict.fromkeys(FIGURES, 0)) for day in days]
