"""How many a rule chooses, now and day by day."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import insert

from app.segments import queries
from app.segments.compiler import compile_where
from app.segments.models import Segment, SegmentCount
from tenants.brands.queries import get_brand
from tenants.problems import Invalid, NotFound
from tenants.session import ScopedSession, as_seen_by


@dataclass(frozen=True)
class Reached:
    """How many of the chosen customers one account reaches."""

    line_account_id: UUID
    reachable: int


@dataclass(frozen=True)
class AtStore:
    """How many of the chosen customers are tied to one store."""

    store_id: UUID
    customers: int


@dataclass(frozen=True)
class SegmentSize:
    """How many a rule chooses at one moment, out of the customers in scope."""

    customers: int
    reachable: int
    by_line_account: list[Reached]
    by_store: list[AtStore]
    fresh_at: datetime


@dataclass(frozen=True)
class DayCount:
    """What was counted on one day."""

    counted_on: date
    counted_at: datetime
    customers: int
    reachable: int
    by_line_account: list[Reached]
    by_store: list[AtStore]


def where_of(session: ScopedSession, segment: Segment, now: datetime, *, joined: bool = True) -> ColumnElement[bool]:
    """The condition on `Customer` that a saved segment makes at this moment. Raises Invalid.

    A store may use head office's segments; of what these name, it has what it sees. Invalid is a segment that names a
    thing that is gone, which would let it choose other people than it was saved for.
    """
    skip_unseen = session.scope.store_nos is not None
    return compile_where(session, segment.rule, now, skip_unseen=skip_unseen, joined=joined, within=segment.id)


def size(session: ScopedSession, segment: Segment, now: datetime) -> SegmentSize:
    """How many a segment chooses now. Raises Invalid when it names a thing that is gone."""
    return measure(session, where_of(session, segment, now), now)


def measure(session: ScopedSession, where: ColumnElement[bool], now: datetime) -> SegmentSize:
    """How many of the scope meet a condition, compiled with `joined`."""
    accounts = queries.list_reaching_accounts(session)
    counted = queries.count_customers(session, where, [no for _, no in accounts])
    return SegmentSize(
        customers=counted.customers,
        reachable=counted.reachable,
        by_line_account=[Reached(one, counted.by_account_no.get(no, 0)) for one, no in accounts],
        by_store=[AtStore(one, counted.by_store_no.get(no, 0)) for one, no in queries.list_places(session)],
        fresh_at=now,
    )


def save_count(session: ScopedSession, segment_id: UUID, now: datetime) -> None:
    """Count a segment and keep it as the day's; of a store's segment, what the store sees. Needs the whole brand.

    Of one that names a thing that is gone, nothing is kept: it chooses nobody until it is mended.
    """
    try:
        segment = queries.get_segment(session, segment_id)
        with as_seen_by(session, segment.store_no) as inside:
            accounts = queries.list_reaching_accounts(inside)
            where = where_of(inside, segment, now)
            counted = queries.count_customers(inside, where, [no for _, no in accounts])
            store_nos = {no for _, no in queries.list_places(inside)}
    except (NotFound, Invalid):
        return
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    account_nos = {no for _, no in accounts}
    values = {
        "counted_at": now,
        "customers": counted.customers,
        "reachable": counted.reachable,
        "by_account_no": {str(no): count for no, count in counted.by_account_no.items() if no in account_nos},
        "by_store_no": {str(no): count for no, count in counted.by_store_no.items() if no in store_nos},
    }
    row = insert(SegmentCount).values(
        brand_id=session.scope.brand_id,
        segment_id=segment.id,
        counted_on=now.astimezone(zone).date(),
        store_no=segment.store_no,
        **values,
    )
    session.connection().execute(row.on_conflict_do_update(constraint="pk_segment_count", set_=values))


def list_counts(session: ScopedSession, segment: Segment, first: date, last: date) -> list[DayCount]:
    """What was counted of a segment on the days of a period. Of head office's a store has none."""
    account_ids = {no: account_id for account_id, no in queries.list_reaching_accounts(session)}
    store_ids = {no: store_id for store_id, no in queries.list_places(session)}
    return [
        DayCount(
            row.counted_on,
            row.counted_at,
            row.customers,
            row.reachable,
            [Reached(one, row.by_account_no.get(str(no), 0)) for no, one in account_ids.items()],
            [AtStore(one, row.by_store_no.get(str(no), 0)) for no, one in store_ids.items()],
        )
        for row in queries.list_counts(session, segment.id, first, last)
    ]
