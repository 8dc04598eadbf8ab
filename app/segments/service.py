"""Saved rules, and whom a rule chooses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from app.customers import by_segment
from app.customers.models import Customer
from app.segments import queries
from app.segments.compiler import compile_where
from app.segments.models import Segment
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

SAMPLE_SIZE = 5


@dataclass(frozen=True)
class Reached:
    """How many of the chosen customers one account reaches."""

    line_account_id: UUID
    reachable: int


@dataclass(frozen=True)
class Preview:
    """Whom a rule chooses at one moment, out of the customers in scope."""

    customers: int
    reachable: int
    by_line_account: list[Reached]
    fresh_at: datetime
    sample: list[Customer]


def create_segment(
    session: ScopedSession, *, name: str, rule: dict[str, Any], owner: Store | None, now: datetime
) -> Segment:
    """Save a rule. Raises Invalid, with the pointer, for one that cannot be followed."""
    compile_where(session, rule, now)
    segment = Segment(name=name, rule=rule, created_at=now)
    if owner is not None:
        segment.store_id, segment.store_no = owner.id, owner.no
    session.add(segment)
    session.flush()
    return segment


def change_segment(session: ScopedSession, segment: Segment, changes: Mapping[str, Any], now: datetime) -> Segment:
    """Change the name or the rule. Raises Invalid."""
    for name, value in changes.items():
        if value is None:
            raise Invalid.at(f"/{name}", "Must not be null.")
        setattr(segment, name, value)
    if "rule" in changes:
        compile_where(session, segment.rule, now)
    session.add(segment)
    session.flush()
    return segment


def archive_segment(session: ScopedSession, segment: Segment, now: datetime) -> None:
    """Take a segment out of use; campaigns that were sent to it keep it in their history."""
    segment.archived_at = now
    session.add(segment)
    session.flush()


def preview(session: ScopedSession, rule: dict[str, Any], now: datetime, *, with_sample: bool = True) -> Preview:
    """Whom a rule chooses now, in all and for each account of the scope. Raises Invalid."""
    where = compile_where(session, rule, now, joined=True)
    accounts = queries.list_reaching_accounts(session)
    counts = queries.count_by_account(session, where, [no for _, no in accounts])
    customers = counts[queries.EVERYBODY]
    return Preview(
        customers=customers,
        reachable=counts[queries.REACHABLE],
        by_line_account=[Reached(account_id, counts.get(no, 0)) for account_id, no in accounts],
        fresh_at=now,
        sample=list(queries.list_sample(session, where, SAMPLE_SIZE)) if customers and with_sample else [],
    )


def customer_filter(session: ScopedSession, segment_id: UUID, now: datetime) -> ColumnElement[bool]:
    """The condition on `Customer` that a saved segment makes at this moment. Raises NotFound.

    A store may use head office's segments; of what these name, it has what it sees. Raises Invalid when a segment
    names a thing that is gone, which would let it choose other people than it was saved for.
    """
    segment = queries.get_segment(session, segment_id)
    return compile_where(session, segment.rule, now, skip_unseen=session.scope.store_nos is not None)


by_segment.register(customer_filter)
