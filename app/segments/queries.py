"""Reads of segments, of what rules name, and of the customers they choose."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, union_all
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.segments.models import Segment, SegmentCount
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True)
class Counted:
    """How many customers there are, in all and by place; who has several places counts at each of them."""

    customers: int
    reachable: int
    """Those whom one of the accounts reaches."""
    by_account_no: Mapping[int, int]
    by_store_no: Mapping[int, int]


def get_segment(session: ScopedSession, segment_id: UUID) -> Segment:
    """A segment that is not archived. Raises NotFound."""
    segment: Segment | None = session.exec(list_segments().where(col(Segment.id) == segment_id)).one_or_none()
    if segment is None:
        raise NotFound
    return segment


def list_segments() -> Any:
    """The segments of the scope that are not archived, to be paged."""
    return select(Segment).where(col(Segment.archived_at).is_(None))


def list_account_nos_of_stores(session: ScopedSession, store_nos: Collection[int]) -> list[int]:
    """Numbers of the accounts that speak for one of these stores."""
    ties = (
        select(LineAccount.no)
        .join(LineAccountStore, col(LineAccountStore.line_account_id) == col(LineAccount.id))
        .where(col(LineAccountStore.store_no).in_(store_nos))
        .distinct()
    )
    return sorted(session.exec(ties).all()) if store_nos else []


def list_reaching_accounts(session: ScopedSession) -> Sequence[tuple[UUID, int]]:
    """Ids and numbers of the accounts that this scope sees and that still send."""
    accounts = select(LineAccount.id, LineAccount.no).where(col(LineAccount.archived_at).is_(None))
    return session.exec(accounts.order_by(col(LineAccount.no))).all()


def of_scope(session: ScopedSession, rows: Any) -> Any:
    """A select of customers, narrowed to those of this scope by an index: a store must not walk through its brand.

    Where the scope is one store, the customer's row there is joined, so that its figures stand beside her.
    """
    brand_id, store_nos = session.scope.brand_id, session.scope.store_nos
    if store_nos is None:
        return rows
    if len(store_nos) == 1:
        same = (col(CustomerStore.brand_id) == brand_id) & (col(CustomerStore.customer_id) == col(Customer.id))
        return rows.join(CustomerStore, same).where(col(CustomerStore.store_no) == min(store_nos))
    tied = select(CustomerStore.customer_id).where(
        col(CustomerStore.brand_id) == brand_id, col(CustomerStore.store_no).in_(sorted(store_nos))
    )
    return rows.where(col(Customer.id).in_(tied))


def list_places(session: ScopedSession) -> Sequence[tuple[UUID, int]]:
    """Ids and numbers of the stores that this scope sees and that are not closed for good."""
    stores = select(Store.id, Store.no).where(col(Store.archived_at).is_(None))
    return session.exec(stores.order_by(col(Store.no))).all()


def count_customers(session: ScopedSession, where: ColumnElement[bool], account_nos: Sequence[int]) -> Counted:
    """How many customers of the scope meet a condition, with those whom these accounts reach.

    One pass over the customers: they are few when counted by the accounts and stores that they have, and those are
    added up.
    """
    # What is hashed on the way shall fit, and no plan of a second's work is worth compiling.
    session.connection().exec_driver_sql("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
    places = col(Customer.account_nos), col(Customer.store_nos)
    grouped = select(*places, func.count().label("people")).group_by(*places)
    chosen = of_scope(session, grouped).where(where)
    combination = chosen.cte("combination")
    people = combination.c.people
    counts = [
        select_columns(literal("all").label("kind"), literal(0).label("no"), func.sum(people).label("people")),
        select_columns(literal("reached"), literal(0), func.sum(people)).where(
            combination.c.account_nos.overlap(account_nos)
        ),
    ]
    for kind, nos in (("account", combination.c.account_nos), ("store", combination.c.store_nos)):
        each = select_columns(func.unnest(nos).label("no"), people).subquery()
        counts.append(select_columns(literal(kind), each.c.no, func.sum(each.c.people)).group_by(each.c.no))
    found: dict[str, dict[int, int]] = {"all": {}, "reached": {}, "account": {}, "store": {}}
    for kind, no, count in session.execute(union_all(*counts)):
        found[kind][no] = int(count or 0)
    return Counted(found["all"][0], found["reached"][0], found["account"], found["store"])


def list_at_random(session: ScopedSession, where: ColumnElement[bool], most: int) -> Sequence[Customer]:
    """So many of the customers of the scope who meet a condition, each as likely as any other, in no order.

    One pass that keeps the best of the draw: what a count costs. Pages of the table (TABLESAMPLE) or a place among the
    ids would be cheaper and would favour whoever came beside few others.
    """
    chosen = of_scope(session, select(Customer)).where(where).order_by(func.random())
    sample: Sequence[Customer] = session.exec(chosen.limit(most)).all()
    return sample


def list_chosen(session: ScopedSession, where: ColumnElement[bool]) -> Any:
    """The customers of the scope who meet a condition, to be paged."""
    return of_scope(session, select(Customer)).where(where)


def stream_chosen_ids(session: ScopedSession, where: ColumnElement[bool]) -> Iterator[Sequence[UUID]]:
    """Their ids, newest first, a few thousand at a time as the database makes them."""
    ids = of_scope(session, select(Customer.id)).where(where).order_by(col(Customer.id).desc())
    rows = session.execute(ids, execution_options={"stream_results": True, "yield_per": 5_000})
    for part in rows.partitions():
        yield [row[0] for row in part]


def list_counts(session: ScopedSession, segment_id: UUID, first: date, last: date) -> Sequence[SegmentCount]:
    """What was counted of a segment on the days of a period, the first day first."""
    counts = select(SegmentCount).where(
        col(SegmentCount.segment_id) == segment_id, col(SegmentCount.counted_on).between(first, last)
    )
    return session.exec(counts.order_by(col(SegmentCount.counted_on))).all()


def list_segment_ids(session: ScopedSession) -> Sequence[UUID]:
    """The segments that are not archived, the oldest first."""
    return session.exec(select(Segment.id).where(col(Segment.archived_at).is_(None)).order_by(col(Segment.id))).all()


def list_sample(session: ScopedSession, where: ColumnElement[bool], most: int) -> Sequence[Customer]:
    """A few of the customers of the scope who meet a condition, the newest first."""
    chosen = of_scope(session, select(Customer)).where(where).order_by(col(Customer.id).desc())
    sample: Sequence[Customer] = session.exec(chosen.limit(most)).all()
    return sample
