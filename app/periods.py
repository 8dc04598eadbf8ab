"""Periods of local days, as reports and counts over time are asked for."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tenants.brands.queries import get_brand
from tenants.problems import Invalid
from tenants.session import ScopedSession

LONGEST_DAYS: Final = 400
USUAL_DAYS: Final = 30


def read_period(
    session: ScopedSession, first: date | None, last: date | None, now: datetime, *, usual_days: int = USUAL_DAYS
) -> tuple[date, date]:
    """The first and the last local day asked for; without them the `usual_days` that end today. Raises Invalid."""
    if last is None:
        last = now.astimezone(ZoneInfo(get_brand(session, session.scope.brand_id).timezone)).date()
    if first is None:
        first = last - timedelta(days=usual_days - 1)
    if first > last:
        raise Invalid.at("/query/from", f"Must not come after the last day, {last}.")
    if (last - first).days >= LONGEST_DAYS:
        raise Invalid.at("/query/from", f"The period must be {LONGEST_DAYS} days or shorter.")
    return first, last
