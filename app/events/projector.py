"""The projector: takes what was recorded, hands it to subscribers and gives it its place in the feed, exactly once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from prometheus_client import Histogram
from sqlalchemy import Engine, text
from sqlalchemy.orm.attributes import set_committed_value

from app.events import queries
from app.events.models import Event
from tenants.scope import Scope
from tenants.session import ScopedSession, open_session

Subscriber = Callable[[ScopedSession, Sequence[Event]], None]
"""Does its part for a batch of events, in feed order, inside the projector's transaction."""

LAG = Histogram(
    "noren_projection_lag_seconds",
    "How long the oldest event of a batch waited for the projector.",
    buckets=(0.1, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)


def project(engine: Engine, brand_id: UUID, now: datetime, subscribers: Sequence[Subscriber], most: int = 1000) -> int:
    """Project up to `most` events of a brand in one transaction; answers how many.

    0 means that nothing waits, or that another projector is at this brand. Numbers are given here and not when an
    event is recorded, so one that commits late gets a later number and no reader passes it over. One person's events
    keep their order: they are recorded under a lock on her row, by the database's clock. Only that clock stepping back
    between two of them, both still waiting here, would turn them round.
    """
    with open_session(engine, Scope(brand_id)) as session:
        if not _is_alone(session):
            return 0
        events = queries.lock_unprojected(session, most)
        if not events:
            return 0
        _number(session, events)
        for subscriber in subscribers:
            subscriber(session, events)
        session.commit()
    LAG.observe(max(0.0, (now - events[0].created_at).total_seconds()))
    return len(events)


def _is_alone(session: ScopedSession) -> bool:
    """Whether this transaction is the brand's only projector; a lane that changed hands may have left another."""
    lock = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(session.execute(lock, {"name": f"project:{session.scope.brand_id}"}).scalar_one())


def _number(session: ScopedSession, events: Sequence[Event]) -> None:
    """Give these events the next numbers of the feed, in their order."""
    brand_id = session.scope.brand_id
    last = int(session.execute(_TAKE, {"brand_id": brand_id, "count": len(events)}).scalar_one())
    first = last - len(events) + 1
    session.execute(_NUMBER, {"brand_id": brand_id, "ids": [event.id for event in events], "before": first - 1})
    for feed_no, event in enumerate(events, first):
        set_committed_value(event, "feed_no", feed_no)


_TAKE = text(
    "INSERT INTO counter (brand_id, kind, value) VALUES (:brand_id, 'feed', :count)"
    " ON CONFLICT (brand_id, kind) DO UPDATE SET value = counter.value + excluded.value RETURNING value"
)
_NUMBER = text(
    "UPDATE event SET feed_no = :before + new.place"
    " FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS new(id, place)"
    " WHERE event.brand_id = :brand_id AND event.id = new.id"
)
