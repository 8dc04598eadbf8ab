"""What looks odd at tills, for somebody to look into: read from what was used of late, and never a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.coupons import queries
from tenants.session import ScopedSession

KINDS: Final = ("many_reversals", "many_stores", "offline_conflicts", "guessing")
REVERSALS: Final = 5
"""Uses that one store gives back on one day, from which on it is told."""
STORES: Final = 3
"""Stores at which one customer uses coupons within an hour, from which on it is told."""
WITHIN: Final = timedelta(hours=1)
GUESSES: Final = 20
"""Codes that nobody has, asked for at one store within one day, from which on it is told."""
MOST: Final = 200


@dataclass(frozen=True)
class Signal:
    """Something odd: how often it happened, from when to when, and where or by whom."""

    kind: str
    store_no: int | None
    customer_id: UUID | None
    count: int
    first_at: datetime
    last_at: datetime


def list_signals(session: ScopedSession, *, since: datetime, until: datetime) -> Sequence[Signal]:
    """What looked odd in this time, the latest first, at most 200. A store is told of its own counter only.

    Days are those of the brand's calendar.
    """
    values: dict[str, Any] = {
        "brand_id": session.scope.brand_id,
        "stores": None if session.scope.store_nos is None else sorted(session.scope.store_nos),
        "since": since,
        "until": until,
        "zone": str(queries.zone_of(session)),
        "reversals": REVERSALS,
        "many": STORES,
        "within": WITHIN,
        "guesses": GUESSES,
        "most": MOST,
    }
    return [Signal(*row) for row in session.execute(_SIGNALS, values)]


# Each part reads one range of one index, over the time that is asked for.
_OURS = "brand_id = :brand_id AND (CAST(:stores AS int[]) IS NULL OR store_no = ANY(CAST(:stores AS int[])))"
_SIGNALS = text(
    f"""
    SELECT kind, store_no, customer_id, count, first_at, last_at FROM (
        SELECT 'many_reversals' AS kind, store_no, CAST(NULL AS uuid) AS customer_id, count(*) AS count,
               min(reversed_at) AS first_at, max(reversed_at) AS last_at
        FROM redemption WHERE {_OURS} AND reversed_at >= :since AND reversed_at < :until
        GROUP BY store_no, CAST(reversed_at AT TIME ZONE :zone AS date) HAVING count(*) >= :reversals
      UNION ALL
        SELECT 'many_stores', NULL, customer_id, max(stores), min(from_at), max(to_at) FROM (
            SELECT one.customer_id, one.redeemed_at AS from_at, max(near.redeemed_at) AS to_at,
                   count(DISTINCT near.store_no) AS stores
            FROM redemption AS one JOIN redemption AS near ON near.brand_id = one.brand_id
                AND near.customer_id = one.customer_id
                AND near.redeemed_at >= one.redeemed_at AND near.redeemed_at < one.redeemed_at + :within
            WHERE one.brand_id = :brand_id AND one.redeemed_at >= :since AND one.redeemed_at < :until
              AND CAST(:stores AS int[]) IS NULL
            GROUP BY one.customer_id, one.id, one.redeemed_at HAVING count(DISTINCT near.store_no) >= :many
        ) AS hours GROUP BY customer_id, CAST(from_at AT TIME ZONE :zone AS date)
      UNION ALL
        SELECT 'offline_conflicts', store_no, NULL, count(*), min(created_at), max(created_at)
        FROM settlement_conflict WHERE {_OURS} AND created_at >= :since AND created_at < :until
        GROUP BY store_no, CAST(created_at AT TIME ZONE :zone AS date)
      UNION ALL
        SELECT 'guessing', store_no, NULL, sum(guesses), min(minute_at), max(minute_at)
        FROM code_guess WHERE {_OURS} AND minute_at >= :since AND minute_at < :until
        GROUP BY store_no, guesser_id, CAST(minute_at AT TIME ZONE :zone AS date) HAVING sum(guesses) >= :guesses
    ) AS odd ORDER BY last_at DESC, kind, store_no, customer_id LIMIT :most
    """
)
