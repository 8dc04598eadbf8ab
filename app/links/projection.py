"""count_clicks(): what each click adds to the figures of its hour. The projector calls it, one for a brand at a time.

So a click is one insert, and however many come in a second, none waits for a row of figures.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.events.models import Event
from tenants.session import ScopedSession

_Key = tuple[UUID, datetime, int, int]


def count_clicks(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: add clicks to the figures of their links."""
    clicks = [event for event in events if event.type == "link.clicked"]
    if not clicks:
        return
    known = _find_earlier(session, clicks)
    moved: defaultdict[_Key, Counter[str]] = defaultdict(Counter)
    for event in clicks:
        hour_at = event.occurred_at.replace(minute=0, second=0, microsecond=0)
        figures = moved[UUID(event.data["link_id"]), hour_at, event.account_no or 0, event.store_no or 0]
        figures["clicks"] += 1
        if event.customer_id is not None:
            for name, figure in (("link_id", "unique_clicks"), ("run_id", "people")):
                follower = (event.customer_id, UUID(event.data[name]))
                if follower not in known:
                    known.add(follower)
                    figures[figure] += 1
    rows = [
        {"link_id": link_id, "hour_at": hour_at, "account_no": account_no, "store_no": store_no, **figures}
        for (link_id, hour_at, account_no, store_no), figures in moved.items()
    ]
    session.execute(_ADD, {"brand_id": session.scope.brand_id, "rows": json.dumps(rows, default=str)})


def _find_earlier(session: ScopedSession, clicks: Sequence[Event]) -> set[tuple[UUID, UUID]]:
    """Who of these people has followed which link, or any link of which run, before the first of these clicks."""
    people = {event.customer_id for event in clicks if event.customer_id is not None}
    if not people:
        return set()
    values = {
        "brand_id": session.scope.brand_id,
        "people": list(people),
        "runs": list({event.data["run_id"] for event in clicks}),
        "before": min(event.feed_no or 0 for event in clicks),
    }
    rows = session.execute(_EARLIER, values)
    return {(row.customer_id, UUID(named)) for row in rows for named in (row.link_id, row.run_id)}


_EARLIER: Final = text(
    """
    SELECT DISTINCT customer_id, data->>'link_id' AS link_id, data->>'run_id' AS run_id FROM event
    WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:people AS uuid[])) AND type = 'link.clicked'
      AND feed_no < :before AND data->>'run_id' = ANY(:runs)
    """
)
_ADD: Final = text(
    """
    INSERT INTO link_hour AS kept
        (brand_id, link_id, hour_at, account_no, store_no, clicks, unique_clicks, people, previews)
    SELECT :brand_id, link_id, hour_at, account_no, store_no, clicks, coalesce(unique_clicks, 0), coalesce(people, 0), 0
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS moved (
        link_id uuid, hour_at timestamptz, account_no int, store_no int, clicks int, unique_clicks int, people int
    )
    ON CONFLICT (brand_id, link_id, hour_at, account_no, store_no) DO UPDATE
    SET clicks = kept.clicks + excluded.clicks, unique_clicks = kept.unique_clicks + excluded.unique_clicks,
        people = kept.people + excluded.people
    """
)
