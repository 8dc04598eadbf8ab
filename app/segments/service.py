"""Saved rules, and whom a rule chooses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, text

from app.customers import by_segment
from app.customers.models import Customer
from app.jobs.queue import defer
from app.segments import queries, tasks
from app.segments.compiler import compile_where
from app.segments.models import Segment
from app.segments.sizes import SegmentSize, measure, where_of
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores.models import Store

SAMPLE_SIZE = 5


@dataclass(frozen=True)
class Preview(SegmentSize):
    """The same with a few of them."""

    sample: list[Customer]


def create_segment(
    session: ScopedSession, *, name: str, rule: dict[str, Any], owner: Store | None, now: datetime
) -> Segment:
    """Save a rule. Raises Invalid, with the pointer, for one that cannot be followed."""
    segment = Segment(name=name, rule=rule, created_at=now)
    if owner is not None:
        segment.store_id, segment.store_no = owner.id, owner.no
    _check_rule(session, segment, now)
    session.add(segment)
    session.flush()
    defer(session, tasks.count_segment, segment_id=segment.id)
    return segment


def change_segment(session: ScopedSession, segment: Segment, changes: Mapping[str, Any], now: datetime) -> Segment:
    """Change the name or the rule. Raises Invalid."""
    for name, value in changes.items():
        if value is None:
            raise Invalid.at(f"/{name}", "Must not be null.")
        setattr(segment, name, value)
    if "rule" in changes:
        with session.no_autoflush:
            _check_rule(session, segment, now)
        defer(session, tasks.count_segment, segment_id=segment.id)
    session.add(segment)
    session.flush()
    return segment


def _check_rule(session: ScopedSession, segment: Segment, now: datetime) -> None:
    """Raises Invalid for a rule that cannot be followed, or that leads back to its segment.

    One rule of a brand is saved at a time: two at once could each be right and together a circle.
    """
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.connection().execute(lock, {"name": f"segments:{session.scope.brand_id}"})
    compile_where(session, segment.rule, now, within=segment.id)


def archive_segment(session: ScopedSession, segment: Segment, now: datetime) -> None:
    """Take a segment out of use; campaigns that were sent to it keep it in their history."""
    segment.archived_at = now
    session.add(segment)
    session.flush()


def preview(session: ScopedSession, rule: dict[str, Any], now: datetime, *, with_sample: bool = True) -> Preview:
    """Whom a rule chooses now, in all and for each account and store of the scope. Raises Invalid."""
    where = compile_where(session, rule, now, joined=True)
    size = measure(session, where, now)
    sample = queries.list_sample(session, where, SAMPLE_SIZE) if size.customers and with_sample else []
    return Preview(**vars(size), sample=list(sample))


def sample(session: ScopedSession, segment: Segment, most: int, now: datetime) -> Sequence[Customer]:
    """So many of those whom a segment chooses, drawn by chance. Raises Invalid."""
    return queries.list_at_random(session, where_of(session, segment, now), most)


def list_chosen(session: ScopedSession, segment: Segment, now: datetime) -> Any:
    """Those whom a segment chooses, to be paged. Raises Invalid."""
    return queries.list_chosen(session, where_of(session, segment, now))


def stream_chosen_ids(session: ScopedSession, segment: Segment, now: datetime) -> Iterator[Sequence[UUID]]:
    """The ids of all whom a segment chooses, newest first, some thousands at a time. Raises Invalid."""
    return queries.stream_chosen_ids(session, where_of(session, segment, now))


def customer_filter(session: ScopedSession, segment_id: UUID, now: datetime) -> ColumnElement[bool]:
    """The condition on `Customer` that a saved segment makes at this moment. Raises NotFound, or Invalid."""
    segment = queries.get_segment(session, segment_id)
    return where_of(session, segment, now, joined=False)


by_segment.register(customer_filter)
by_segment.register_rules(compile_where)
