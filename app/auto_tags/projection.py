"""tag_by_events(): finds who did what an auto-tag waits for, and has them tagged."""

from collections.abc import Sequence

from app.auto_tags import queries, tasks
from app.auto_tags.triggers import is_met, read_event
from app.events.models import Event
from app.jobs.queue import defer
from app.segments.naming import look_up
from tenants.session import ScopedSession


def tag_by_events(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: one query for a batch of events, and a job where somebody is to be tagged.

    The projector holds the events. To wait here for a customer's row as well, whose holder may be waiting for her
    events, would be a circle; so she is tagged in a transaction of its own.
    """
    waiting = queries.list_live_by_event(session)
    if not waiting:
        return
    triggers = [(one, read_event(one.trigger["event"], "/trigger/event")) for one, _ in waiting]
    named = look_up(session, ((kind, reference.key) for _, did in triggers for kind, reference in did.named()))
    matches = [
        [str(one.id), str(event.customer_id), event.occurred_at.isoformat()]
        for event in events
        for one, did in triggers
        if is_met(did, event, named, one.store_no)
    ]
    if matches:
        defer(session, tasks.tag_people, matches=matches)
