"""The best time: each person is written to at the hour at which she does most, within a window of the day.

Her hours are those of her orders, visits, messages, clicks and redeemed coupons of the last 90 days. Who did nothing
within the window is written to at the hour at which most is done. It is one cut of the run: whoever's hour is later
waits in a batch of her own hour, and everybody has had hers within a day.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.campaigns.life.schemas import BestTime
from app.messaging.audience import Cut, Placement
from tenants.session import ScopedSession

HABIT_DAYS: Final = 90
USUAL_DAYS: Final = 14
"""Over how many days the hour at which most is done is found: of many people few days tell enough."""
ACTIVITY: Final = ("order.paid", "visit.recorded", "message.received", "link.clicked", "coupon.redeemed")


def cut_by_best_hour(
    session: ScopedSession, best: BestTime, zone: ZoneInfo, now: datetime, store_no: int | None
) -> Cut:
    """The cut of a run that begins now. A store's campaign goes by what people do at that store."""
    moments = list_moments(best, zone, now)
    values: dict[str, Any] = {
        "brand_id": session.scope.brand_id,
        "best_types": list(ACTIVITY),
        "best_since": now - timedelta(days=HABIT_DAYS),
        "best_now": now,
        "best_zone": str(zone),
        "best_first": _clock(best.from_).hour,
        "best_last": len(moments) - 1,
        "best_store_no": store_no,
    }
    lately = values | {"best_since": now - timedelta(days=USUAL_DAYS)}
    values["best_usual"] = session.connection().exec_driver_sql(_USUAL, lately).scalar_one_or_none()
    if values["best_usual"] is None:  # nothing of late: then all there is, which is little
        values["best_usual"] = session.connection().exec_driver_sql(_USUAL, values).scalar_one_or_none() or 0
    del values["brand_id"]
    return Cut("coalesce(habit.slot, %(best_usual)s)", values, lambda slot: Placement(not_before=moments[slot]), _HABIT)


def list_moments(best: BestTime, zone: ZoneInfo, now: datetime) -> Sequence[datetime | None]:
    """When each hour of the window comes next: the first may begin in the middle; None is now.

    What remains of the window today comes first; an hour that has passed comes tomorrow.
    """
    begin, end = _clock(best.from_), _clock(best.to)
    today = now.astimezone(zone).date()
    hours = range(begin.hour, end.hour + (1 if end.minute else 0))
    moments: list[datetime | None] = []
    for hour in hours:
        first = max(time(hour), begin)
        last = min(time(hour, 59, 59, 999_999), time(end.hour, end.minute))
        starts_at = datetime.combine(today, first, zone)
        if now >= datetime.combine(today, last, zone):
            starts_at = datetime.combine(today + timedelta(days=1), first, zone)
        moments.append(starts_at if starts_at > now else None)
    return moments


def find_last_moment(best: BestTime, zone: ZoneInfo, now: datetime) -> datetime:
    """When the last person's hour comes, should anybody be written to at each."""
    return max(moment or now for moment in list_moments(best, zone, now))


def _clock(text: str) -> time:
    return time.fromisoformat(text)


_ACTS: Final = """
    SELECT customer_id, occurred_at,
           extract(hour FROM occurred_at AT TIME ZONE %(best_zone)s)::int - %(best_first)s AS slot
    FROM event
    WHERE brand_id = %(brand_id)s AND type = ANY(%(best_types)s) AND customer_id IS NOT NULL
      AND occurred_at > %(best_since)s AND occurred_at <= %(best_now)s
      AND (%(best_store_no)s::int IS NULL OR store_no = %(best_store_no)s)
"""
_USUAL: Final = f"""
SELECT slot FROM ({_ACTS}) AS act WHERE slot BETWEEN 0 AND %(best_last)s
GROUP BY slot ORDER BY count(*) DESC, slot LIMIT 1
"""
_HABIT: Final = f"""
LEFT JOIN (
    SELECT DISTINCT ON (customer_id) customer_id AS habitual_id, slot FROM (
        SELECT customer_id, slot, count(*) AS times, max(occurred_at) AS last_at
        FROM ({_ACTS}) AS act WHERE slot BETWEEN 0 AND %(best_last)s GROUP BY customer_id, slot
    ) AS hour ORDER BY customer_id, times DESC, last_at DESC
) AS habit ON habit.habitual_id = kept.customer_id
"""
