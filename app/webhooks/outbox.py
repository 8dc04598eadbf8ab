"""What goes to an endpoint: taken out of the feed, chosen in order, and settled by what came of it.

An event that is not taken is tried again over three days, with waits that grow; meanwhile only the later events of the
same customer wait for it. Once an endpoint has failed several times in a row it is asked with one event at a time,
until it takes one: then all that waits is due.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import insert, text
from sqlmodel import col, select

from app.events import queries as events
from app.events.models import Event
from app.webhooks import queries
from app.webhooks.endpoints import GIVE_UP_AFTER, switch_off
from app.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.ids import uuid7
from tenants.session import ScopedSession
from tenants.tables import utc_now

MOST_WAITING = 2_000
"""Deliveries that stand waiting for one endpoint; the rest stays in the feed, where it takes no room."""
TAKEN_AT_ONCE = 500
SIDE_BY_SIDE = 16
WAITS_SECONDS = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
"""Before the second attempt, the third…; the last one is repeated until it is given up."""
JITTER = 0.2
FAILURES_TO_REST = 5
RESTS_SECONDS = (10, 30, 60, 120, 300)
"""How long an endpoint that fails is left alone, the longer the longer it fails."""
LONGEST_RETRY_AFTER = timedelta(hours=12)
SWITCH_OFF_AFTER = timedelta(days=5)
LONGEST_ANSWER = 500
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt: the status of the answer, or in words why there was none."""

    delivery_id: UUID
    status: int | None
    error: str | None
    answer: str | None
    retry_after: timedelta | None
    took_ms: int

    @property
    def is_taken(self) -> bool:
        """Whether the receiver says that it has it; a redirect says that it has not."""
        return self.status is not None and 200 <= self.status < 300


def order_key_of(customer_id: UUID | None) -> int | None:
    """What is the same for all events of a customer and does not name her."""
    if customer_id is None:
        return None
    return int.from_bytes(blake2b(customer_id.bytes, digest_size=8).digest(), signed=True)


def fill(session: ScopedSession, endpoint: WebhookEndpoint, now: datetime) -> int:
    """Take what happened since out of the feed, as far as there is room; answers how many were added.

    The endpoint is locked, so each event is taken once.
    """
    room = min(TAKEN_AT_ONCE, MOST_WAITING - queries.count_waiting(session, endpoint.id, MOST_WAITING))
    if room <= 0:
        return 0
    until = events.get_last_feed_no(session)
    found = events.list_feed(session, after=endpoint.position, until=until, types=endpoint.event_types, most=room)
    if found:
        _add(session, endpoint, found, now)
    endpoint.position = until if len(found) < room else found[-1].feed_no or endpoint.position
    session.add(endpoint)
    session.flush()
    return len(found)


def _add(session: ScopedSession, endpoint: WebhookEndpoint, found: Sequence[Event], now: datetime) -> None:
    rows = [
        {
            "brand_id": session.scope.brand_id,
            "id": uuid7(),
            "created_at": now,
            "webhook_endpoint_id": endpoint.id,
            "event_id": event.id,
            "type": event.type,
            "feed_no": event.feed_no,
            "order_key": order_key_of(event.customer_id),
            "status": "waiting",
            "attempts": 0,
            "due_at": now,
            "give_up_at": now + GIVE_UP_AFTER,
        }
        for event in found
    ]
    session.connection().execute(insert(WebhookDelivery), rows)


def choose(session: ScopedSession, endpoint: WebhookEndpoint, now: datetime) -> list[WebhookDelivery]:
    """What to send now, at most one of each customer; one in all while the endpoint fails."""
    if endpoint.next_try_at is not None:
        if endpoint.next_try_at > now:
            return []
        ids = queries.list_due(session, endpoint.id, None, 1)
    else:
        ids = queries.list_due(session, endpoint.id, now, SIDE_BY_SIDE)
    found = session.exec(select(WebhookDelivery).where(col(WebhookDelivery.id).in_(ids))).all()
    place = {delivery_id: number for number, delivery_id in enumerate(ids)}
    return sorted(found, key=lambda one: place[one.id])


def find_next_at(session: ScopedSession, endpoint: WebhookEndpoint) -> datetime | None:
    """When there is something to send again; None for when something happens."""
    due_at = queries.find_next_due_at(session, endpoint.id)
    if due_at is None or endpoint.next_try_at is None:
        return due_at
    return endpoint.next_try_at


def settle(session: ScopedSession, endpoint: WebhookEndpoint, outcomes: list[Outcome], now: datetime) -> None:
    """Write down what came of attempts, of a locked endpoint."""
    by_id = {one.delivery_id: one for one in outcomes}
    wanted = select(WebhookDelivery).where(col(WebhookDelivery.id).in_(by_id)).with_for_update()
    was_failing = endpoint.failures >= FAILURES_TO_REST
    for delivery in session.exec(wanted).all():
        outcome = by_id[delivery.id]
        delivery.attempts += 1
        delivery.tried_at, delivery.took_ms = now, outcome.took_ms
        delivery.last_status, delivery.last_error = outcome.status, outcome.error
        if outcome.is_taken:
            delivery.status, delivery.settled_at, delivery.reply = "delivered", now, None
        else:
            delivery.reply = outcome.answer
            delivery.due_at = now + _wait(delivery.attempts, outcome.retry_after)
            if now >= delivery.give_up_at:
                delivery.status, delivery.settled_at = "failed", now
        session.add(delivery)
    session.flush()
    _note(endpoint, outcomes, now)
    session.add(endpoint)
    session.flush()
    if was_failing and endpoint.failures == 0:
        session.execute(_ALL_DUE, {"brand_id": session.scope.brand_id, "endpoint_id": endpoint.id, "now": now})


def _note(endpoint: WebhookEndpoint, outcomes: list[Outcome], now: datetime) -> None:
    """How the endpoint itself does: one that takes anything is well."""
    if any(one.is_taken for one in outcomes):
        endpoint.failures, endpoint.failing_since, endpoint.next_try_at = 0, None, None
        endpoint.delivered_at = now
        return
    endpoint.failures += len(outcomes)
    endpoint.failing_since = endpoint.failing_since or now
    if any(one.status == GONE for one in outcomes):
        switch_off(endpoint, "gone")
    elif now - endpoint.failing_since >= SWITCH_OFF_AFTER:
        switch_off(endpoint, "failing")
    elif endpoint.failures >= FAILURES_TO_REST:
        rest = RESTS_SECONDS[min(endpoint.failures - FAILURES_TO_REST, len(RESTS_SECONDS) - 1)]
        asked = max((one.retry_after for one in outcomes if one.retry_after), default=timedelta())
        endpoint.next_try_at = now + max(_jitter(rest), min(asked, LONGEST_RETRY_AFTER))


def _wait(attempts: int, retry_after: timedelta | None) -> timedelta:
    wait = _jitter(WAITS_SECONDS[min(attempts, len(WAITS_SECONDS)) - 1])
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_RETRY_AFTER))


def _jitter(seconds: float) -> timedelta:
    """So that those who failed together do not come back together."""
    return timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - nothing is guessed by it


def replay_one(session: ScopedSession, delivery: WebhookDelivery, now: datetime) -> None:
    """Send a locked delivery once more, with the id it had: receivers know it again."""
    delivery.status, delivery.due_at, delivery.settled_at = "waiting", now, None
    delivery.give_up_at, delivery.attempts = now + GIVE_UP_AFTER, 0
    session.add(delivery)
    session.flush()


def replay_failed(session: ScopedSession, endpoint: WebhookEndpoint, *, since: datetime, now: datetime) -> int:
    """Send a locked endpoint again what was given up of the events since then; answers how many."""
    values = {"brand_id": session.scope.brand_id, "endpoint_id": endpoint.id, "since": since, "now": now}
    return int(session.execute(_REPLAY, {**values, "give_up_at": now + GIVE_UP_AFTER}).scalar_one())


def replay_all(session: ScopedSession, endpoint: WebhookEndpoint, *, since: datetime) -> int:
    """Send a locked endpoint all that happened since then, whether it has it or not; answers how many events that is.

    It goes back in the feed, so what happened before it was there goes to it too. Types that it does not want are
    counted and not sent.
    """
    start = events.find_feed_no_at(session, since)
    if start is None or start > endpoint.position:
        return 0
    count = endpoint.position - start + 1
    endpoint.position = start - 1
    session.add(endpoint)
    session.flush()
    return count


def forget(session: ScopedSession, kept_since: datetime) -> None:
    """Drop what was settled before then, and give up what waits for nobody any more."""
    values = {"brand_id": session.scope.brand_id, "kept_since": kept_since, "now": utc_now()}
    session.execute(_GIVE_UP, values)
    session.execute(_FORGET, values)


_ALL_DUE = text(
    "UPDATE webhook_delivery SET due_at = :now WHERE brand_id = :brand_id AND webhook_endpoint_id = :endpoint_id"
    " AND status = 'waiting' AND due_at > :now"
)
_REPLAY = text(
    """
    WITH again AS (
        UPDATE webhook_delivery
        SET status = 'waiting', due_at = :now, settled_at = NULL, give_up_at = :give_up_at, attempts = 0
        WHERE brand_id = :brand_id AND webhook_endpoint_id = :endpoint_id AND event_id IS NOT NULL
          AND created_at >= :since AND status = 'failed'
        RETURNING 1
    )
    SELECT count(*) FROM again
    """
)
_GIVE_UP = text(
    """
    UPDATE webhook_delivery SET status = 'failed', settled_at = :now,
        last_error = coalesce(last_error, 'The endpoint was taken away.')
    FROM webhook_endpoint AS endpoint
    WHERE webhook_delivery.brand_id = :brand_id AND endpoint.brand_id = :brand_id
      AND endpoint.id = webhook_delivery.webhook_endpoint_id AND endpoint.archived_at IS NOT NULL
      AND webhook_delivery.status = 'waiting'
    """
)
_FORGET = text("DELETE FROM webhook_delivery WHERE brand_id = :brand_id AND settled_at < :kept_since")
