"""The summary: figures of a period by day, place or cause."""

from datetime import date, timedelta

from app.reports import queries
from app.reports.projection import FIGURES
from app.reports.queries import Group, GroupBy
from tenants.session import ScopedSession


def summarise(session: ScopedSession, from_on: date, to_on: date, group_by: GroupBy) -> list[Group]:
    """The groups of a summary: each day of the period, or whatever else has figures in it."""
    if group_by != "day":
        return queries.sum_groups(session, group_by, from_on, to_on)
    known = queries.sum_days(session, from_on, to_on)
    days = [from_on + timedelta(days=passed) for passed in range((to_on - from_on).days + 1)]
    return [Group(day, known.get(day) or dict.fromkeys(FIGURES, 0)) for day in days]
