"""earn_by_events(): hears what earns points, and has them given."""

from collections.abc import Sequence

from app.events.models import Event
from app.jobs.queue import defer
from app.loyalty import queries, tasks
from app.loyalty.rules import ACTIONS
from tenants.session import ScopedSession


def earn_by_events(session: ScopedSession, events: Sequence[Event]) -> None:
    """Subscriber: a job for what may have earned points, where the brand has a programme.

    The projector holds the events. To wait here for a customer's row as well, whose holder may be waiting for her
    events, would be a circle; so points are given in a transaction of its own, moments later.
    """
    orders = {event.data["order_id"]: None for event in events if event.type.startswith("order.")}
    visits = {event.data["visit_id"]: None for event in events if event.type == "visit.recorded"}
    actions = [str(event.id) for event in events if event.type in ACTIONS and event.customer_id is not None]
    joined = [event for event in events if event.type in ("customer.merged", "customer.unmerged")]
    people = {event.data[name]: None for event in joined for name in ("from_customer_id", "into_customer_id")}
    # Whose it was before, since the order or the visit itself names her no more.
    people |= {str(event.customer_id): None for event in events if event.customer_id is not None and _was_taken(event)}
    if (orders or visits or actions or people) and queries.has_programme(session):
        defer(
            session,
            tasks.give_points,
            order_ids=list(orders),
            visit_ids=list(visits),
            event_ids=actions,
            people=list(people),
        )


def _was_taken(event: Event) -> bool:
    """Whether it tells that an order or a visit is no longer hers, or not of that store or time."""
    return bool(event.data.get("orders_delta", 0) < 0 or event.data.get("visits_delta", 0) < 0)
