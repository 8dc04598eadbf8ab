"""Erasure: a person's data goes, everywhere and for good; her row stays, empty and found by nobody.

Orders, visits and redemptions stay, as figures of nobody; so do consents, as evidence, which say what was allowed and
nothing of who she was.
"""

from collections import Counter
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.erasing.models import ErasureReceipt
from app.customers.erasing.statements import EMPTIED, FIRST, STEPS
from app.customers.events import CustomerErased
from app.customers.identity import name_of
from app.customers.line_ids import values_of
from app.customers.locks import lock_names
from app.customers.models import Customer
from app.customers.queries import list_her_ids
from app.events.service import record
from tenants.problems import NotFound
from tenants.session import ScopedSession

Reason = Literal["asked", "retention", "line"]


def erase(
    session: ScopedSession, customer_id: UUID, now: datetime, *, reason: Reason = "asked", asked_by: str | None = None
) -> ErasureReceipt:
    """Make a person's data go, and that of all who were merged into her. Needs the whole brand. Raises NotFound."""
    session.flush()
    session.execute(text(FIRST.statement), {"brand_id": session.scope.brand_id, "now": now})
    people = _lock(session, customer_id)
    values = {**values_of(session, list(people)), "now": now}
    counts: Counter[str] = Counter(customer=len(people))
    for step in STEPS:
        counts[step.table] += session.execute(text(step.statement), values).rowcount  # type: ignore[attr-defined]
    for customer in people.values():
        _empty(customer, now)
    survivor = next(iter(people))
    receipt = ErasureReceipt(
        customer_id=survivor,
        reason=reason,
        asked_by=asked_by,
        erased_at=now,
        counts={table: count for table, count in sorted(counts.items()) if count},
    )
    session.add(receipt)
    session.flush()
    record(session, CustomerErased(occurred_at=now, customer_id=survivor))
    return receipt


def _lock(session: ScopedSession, customer_id: UUID) -> dict[UUID, Customer]:
    """Her row and those merged into her, locked, she first; and every LINE user id that stands for her.

    All is let go and locked anew while somebody else merges or follows: names come before rows, and rows in the order
    of their ids, so that nobody waits in a circle. Raises NotFound.
    """
    while True:
        savepoint = session.begin_nested()
        ids = list_her_ids(session, customer_id)
        names = _list_names(session, ids)
        lock_names(session, names)
        wanted = select(Customer).where(col(Customer.id).in_(ids), col(Customer.erased_at).is_(None))
        locked = wanted.order_by(col(Customer.id)).with_for_update(key_share=True)
        rows = {row.id: row for row in session.exec(locked.execution_options(populate_existing=True)).all()}
        if customer_id not in rows:
            raise NotFound
        survivor = rows[customer_id].merged_into_id or customer_id
        if survivor == customer_id and list_her_ids(session, survivor) == ids and _list_names(session, ids) == names:
            savepoint.commit()
            return {one: rows[one] for one in ids if one in rows}
        savepoint.rollback()
        customer_id = survivor


def _list_names(session: ScopedSession, ids: list[UUID]) -> list[str]:
    rows = session.execute(_IDENTITIES, {"brand_id": session.scope.brand_id, "ids": ids}).all()
    return [name_of(row.provider_id, row.line_user_id) for row in rows]


_IDENTITIES = text(
    "SELECT DISTINCT provider_id, line_user_id FROM identity"
    " WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY provider_id, line_user_id"
)


def _empty(customer: Customer, now: datetime) -> None:
    for name in EMPTIED:
        setattr(customer, name, None)
    customer.attributes, customer.written_by = {}, {}
    customer.tag_nos, customer.account_nos = [], []
    customer.erased_at = customer.updated_at = now
