"""Keeping what people set for themselves."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from app.customers.locks import lock_customer
from app.customers.preferences import queries
from app.customers.preferences.models import CustomerPreference
from app.customers.preferences.queries import Hours, Wishes
from app.customers.queries import list_her_ids
from tenants.session import ScopedSession


def set_wishes(
    session: ScopedSession,
    customer_id: UUID,
    *,
    paused_until: datetime | None,
    muted_store_nos: Collection[int],
    hours: Hours | None = None,
    now: datetime,
) -> Wishes:
    """Have this hold for a person from now on; of those merged into her too, or theirs would outweigh it.

    Needs the whole brand. Raises NotFound.
    """
    customer = lock_customer(session, customer_id)
    rows = {row.customer_id: row for row in queries.list_of(session, list_her_ids(session, customer.id))}
    if customer.id not in rows:
        rows[customer.id] = CustomerPreference(customer_id=customer.id, updated_at=now)
    for row in rows.values():
        row.paused_until, row.muted_store_nos, row.updated_at = paused_until, sorted(muted_store_nos), now
        row.hours = None if hours is None else {"from": hours.begin, "to": hours.end}
        session.add(row)
    session.flush()
    return Wishes(paused_until, frozenset(muted_store_nos), hours)
