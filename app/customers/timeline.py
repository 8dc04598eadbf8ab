"""A person's timeline: her events, the messages that runs sent to her, and that a file brought her.

A send to a million people writes no million events: its deliveries are their own record, in a package above this one,
so they are named here as SQL. Each entry has a place by which all are brought into one order: an event its id, a
delivery its run's, which is as old as the sending.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.events import CustomerCreated
from app.customers.models import Customer
from app.customers.queries import list_her_ids
from app.events.feed import show_events
from app.events.models import Event
from app.events.schemas import EventRead
from app.paging import Paging
from tenants.session import ScopedSession

MESSAGE_SENT: Final = "message.sent"
LAST: Final = UUID(int=2**128 - 1)
"""A place after all others."""
Placed = tuple[UUID, Event]


def read_timeline(session: ScopedSession, customer: Customer, paging: Paging) -> tuple[Sequence[EventRead], str | None]:
    """One page of what happened to her as far as the scope sees it, newest first; and the next cursor."""
    her_ids = list_her_ids(session, customer.id)
    most = paging.limit + 1
    told = _list_events(session, her_ids, paging.after, most) + _list_sent(session, her_ids, paging.after, most)
    entries = _newest([*told, *_creation(customer, paging.after)], most)
    if any(place == customer.id for place, _ in entries) and _is_told(session, her_ids):
        entries = _newest(told, most)
    shown = entries[: paging.limit]
    next_cursor = paging.cursor(shown[-1][0]) if len(entries) > len(shown) else None
    return show_events(session, [event for _, event in shown]), next_cursor


def _newest(entries: Sequence[Placed], most: int) -> list[Placed]:
    return sorted(entries, key=lambda entry: entry[0], reverse=True)[:most]


def _list_events(session: ScopedSession, her_ids: Sequence[UUID], after: UUID | None, most: int) -> list[Placed]:
    values = {"brand_id": session.scope.brand_id, "ids": list(her_ids), "after": after or LAST, "most": most}
    return [(event.id, event) for event in session.scalars(select(Event).from_statement(_EVENTS), values)]


# The newest of each of her ids, of which the index knows the order; of all of them at once it would be sorted.
_EVENTS = text(
    """
    SELECT event.* FROM unnest(CAST(:ids AS uuid[])) AS her (id) CROSS JOIN LATERAL (
        SELECT * FROM event
        WHERE event.brand_id = :brand_id AND event.customer_id = her.id AND event.id < CAST(:after AS uuid)
        ORDER BY event.id DESC LIMIT :most
    ) AS event
    ORDER BY event.id DESC LIMIT :most
    """
)


def _list_sent(session: ScopedSession, her_ids: Sequence[UUID], after: UUID | None, most: int) -> list[Placed]:
    """What runs sent to her, or tried to, as events that stand in no table: one for each run.

    Where all of her accounts spoke the first of them that reached her stands for all, and `messages` counts them.
    """
    values = {"brand_id": session.scope.brand_id, "ids": list(her_ids), "after": after or LAST, "most": most}
    return [
        (
            row.run_id,
            Event(
                id=_id_of(row.run_id, row.customer_id),
                type=MESSAGE_SENT,
                created_at=row.done_at,
                occurred_at=row.done_at,
                customer_id=row.customer_id,
                dedupe_key="",
                store_no=row.store_no,
                account_no=row.account_no,
                data={
                    "run_id": str(row.run_id),
                    "campaign_id": str(row.campaign_id) if row.campaign_id else None,
                    "weather_rule_id": str(row.weather_rule_id) if row.weather_rule_id else None,
                    "status": row.status,
                    "messages": row.messages,
                },
            ),
        )
        for row in session.execute(_SENT, values)
    ]


# Her deliveries first, and kept: the planner may not walk through the brand's runs to find them.
_SENT = text(
    """
    WITH hers AS MATERIALIZED (
        SELECT run_id, customer_id, slot, batch_no, store_no, account_no FROM delivery
        WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND batch_no IS NOT NULL
            AND run_id < CAST(:after AS uuid)
    )
    SELECT DISTINCT ON (hers.run_id, hers.customer_id) hers.run_id, hers.customer_id, hers.store_no, hers.account_no,
        run.campaign_id, run.weather_rule_id, coalesce(batch.done_at, run.frozen_at) AS done_at,
        coalesce(delivery_failure.status, batch.state) AS status,
        count(*) OVER (PARTITION BY hers.run_id, hers.customer_id) AS messages
    FROM hers
    JOIN run ON run.brand_id = :brand_id AND run.id = hers.run_id
    JOIN batch ON batch.brand_id = :brand_id AND batch.run_id = hers.run_id AND batch.batch_no = hers.batch_no
        AND batch.state IN ('sent', 'failed', 'unknown')
    LEFT JOIN delivery_failure ON delivery_failure.brand_id = :brand_id
        AND delivery_failure.run_id = hers.run_id AND delivery_failure.customer_id = hers.customer_id
        AND delivery_failure.slot = hers.slot
    ORDER BY hers.run_id DESC, hers.customer_id, coalesce(delivery_failure.status, batch.state) <> 'sent', hers.slot
    LIMIT :most
    """
)


def _creation(customer: Customer, after: UUID | None) -> list[Placed]:
    """That a file brought her: an import records no event for each of its people, so no event tells it."""
    if after is not None and customer.id >= after:
        return []
    told = Event(
        id=_id_of(customer.id),
        type=CustomerCreated.type,
        created_at=customer.created_at,
        occurred_at=customer.created_at,
        customer_id=customer.id,
        dedupe_key="",
        data={"source": "import"},
    )
    return [(customer.id, told)]


def _is_told(session: ScopedSession, her_ids: Sequence[UUID]) -> bool:
    """Whether an event tells how she became known; of stores' callers nobody knows what it would be told."""
    if session.scope.store_nos is not None:
        return True
    created = select(Event.id).where(col(Event.customer_id).in_(her_ids), col(Event.type) == CustomerCreated.type)
    return session.exec(created.order_by(col(Event.id)).limit(1)).first() is not None


def _id_of(place: UUID, *parts: UUID) -> UUID:
    """An id for what has none of its own: always the same, of the time of its place."""
    digest = bytearray(blake2b(b"".join(one.bytes for one in (place, *parts)), digest_size=10).digest())
    digest[0] = digest[0] & 0x0F | 0x70
    digest[2] = digest[2] & 0x3F | 0x80
    return UUID(bytes=place.bytes[:6] + bytes(digest))
