"""Wakes the endpoints to which new events go."""

from collections.abc import Sequence

from app.events.models import Event
from app.jobs.lanes import touch
from app.webhooks import queries
from app.webhooks.endpoints import LANE
from tenants.session import ScopedSession


def wake_endpoints(session: ScopedSession, new_events: Sequence[Event]) -> None:
    """Have workers look at the endpoints that want any of these events."""
    types = sorted({event.type for event in new_events})
    touch(session, LANE, session.scope.brand_id, queries.list_listening_ids(session, types))
