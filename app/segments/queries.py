"""Reads of segments, of what rules name, and of the customers they choose."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, union_all
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.segments.models import Segment
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.problems import NotFound
from tenants.session import ScopedSession

EVERYBODY = -1
REACHABLE = 0
"""Stand where an account's number stands, in the rows of `count_by_account`."""


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


def count_by_account(session: ScopedSession, where: ColumnElement[bool], account_nos: Sequence[int]) -> dict[int, int]:
    """How many customers of the scope meet a condition, by account that reaches them; with EVERYBODY and REACHABLE.

    One pass over the customers: they are few when counted by the accounts they follow, and those are added up.
    """
    grouped = select(Customer.account_nos, func.count().label("people")).group_by(col(Customer.account_nos))
    chosen = of_scope(session, grouped).where(where)
    combination = chosen.cte("combination")
    follows, people = combination.c.account_nos, combination.c.people
    followed = select_columns(func.unnest(follows).label("no"), people).subquery()
    counts = union_all(
        select_columns(literal(EVERYBODY).label("account_no"), func.sum(people)),
        select_columns(literal(REACHABLE), func.sum(people)).where(follows.overlap(account_nos)),
        select_columns(followed.c.no, func.sum(followed.c.people))
        .where(followed.c.no.in_(account_nos))
        .group_by(followed.c.no),
    )
    return {account_no: int(count or 0) for account_no, count in session.execute(counts)}


def list_sample(session: ScopedSession, where: ColumnElement[bool], most: int) -> Sequence[Customer]:
    """A few of the customers of the scope who meet a condition, the newest first."""
    chosen = of_scope(session, select(Customer)).where(where).order_by(col(Customer.id).desc())
    sample: Sequence[Customer] = session.exec(chosen.limit(most)).all()
    return sample
