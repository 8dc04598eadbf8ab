"""Whether what is known may be acted on: each product is judged by the clock that it carries itself."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from app.weather.readings import JAPAN

ISSUE_HOURS: Final = (5, 11, 17)
GRACE: Final = timedelta(minutes=30)
"""How long after its nominal time an issue may still be missing, and how far ahead of us anything may be dated:
files appear up to a quarter of an hour before the time they bear."""

OLDEST: Final = {
    "observed": timedelta(minutes=30),
    "hourly": timedelta(hours=9),
    "heat": timedelta(hours=3),
    "warnings": timedelta(minutes=60),
}
"""How old each part of an outlook may be; the forecast is judged by the issue that should be out."""


def expected_issue(now: datetime) -> datetime:
    """The regular issue (05:00, 11:00, 17:00 Japan time) that must be out: the latest one 30 minutes or more
    ago."""
    local = (now - GRACE).astimezone(JAPAN)
    hours = [hour for hour in ISSUE_HOURS if hour <= local.hour]
    on = local.date() if hours else local.date() - timedelta(days=1)
    return datetime.combine(on, time(hours[-1] if hours else ISSUE_HOURS[-1]), tzinfo=JAPAN).astimezone(UTC)


def staleness(issued_at: datetime, now: datetime, max_age_minutes: int | None = None) -> str | None:
    """Why an issue is not fresh enough to act on at `now`, or None if it is."""
    if issued_at - now > GRACE:
        return f"The forecast is dated {_clock(issued_at)}, more than 30 minutes ahead of {_clock(now)}."
    expected = expected_issue(now)
    if issued_at < expected:
        return f"The forecast is that of {_clock(issued_at)}; the issue of {_clock(expected)} should be out."
    if max_age_minutes is not None and now - issued_at > timedelta(minutes=max_age_minutes):
        return f"The forecast of {_clock(issued_at)} is older than the rule's {max_age_minutes} minutes."
    return None


def part_staleness(part: str, issued_at: datetime, now: datetime, max_age_minutes: int | None = None) -> str | None:
    """Why a part of an outlook beside the forecast is not fresh enough to act on at `now`, or None if it is."""
    if issued_at - now > GRACE:
        return f"it is dated {_clock(issued_at)}, more than 30 minutes ahead of {_clock(now)}"
    most = OLDEST[part]
    if max_age_minutes is not None:
        most = min(most, timedelta(minutes=max_age_minutes))
    if now - issued_at > most:
        return f"it is of {_clock(issued_at)}, older than {most.total_seconds() / 60:g} minutes"
    return None


def _clock(at: datetime) -> str:
    return f"{at.astimezone(JAPAN):%Y-%m-%d %H:%M}"
