"""Reads of lists, and of who is on them."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.customer_lists.models import CustomerList, CustomerListMember
from app.customers.models import Customer
from app.customers.queries import is_present
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_lists(*, archived: bool) -> SelectOfScalar[CustomerList]:
    """The lists of the scope, in use or put away, to be paged."""
    put_away = col(CustomerList.archived_at).is_not(None)
    return select(CustomerList).where(put_away if archived else ~put_away)


def get_list(session: ScopedSession, list_id: UUID) -> CustomerList:
    """A list that the scope sees, also one that was put away. Raises NotFound."""
    found = session.exec(select(CustomerList).where(col(CustomerList.id) == list_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def map_names(session: ScopedSession, list_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of these lists that the scope sees and that are in use."""
    wanted = select(CustomerList.id, CustomerList.name).where(
        col(CustomerList.id).in_(list_ids), col(CustomerList.archived_at).is_(None)
    )
    return dict(session.exec(wanted).all())


def count_members(session: ScopedSession, list_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many people that the scope sees are on each of these lists; of an empty one nothing."""
    members = (
        select(CustomerListMember.list_id, func.count())
        .join(Customer, col(Customer.id) == col(CustomerListMember.customer_id))
        .where(col(CustomerListMember.list_id).in_(list(list_ids)), is_present())
        .group_by(col(CustomerListMember.list_id))
    )
    return dict(session.exec(members).all())


def list_members(list_id: UUID) -> Any:
    """Who is on a list, of those whom the scope sees, to be paged by customer."""
    return (
        select(CustomerListMember)
        .join(Customer, col(Customer.id) == col(CustomerListMember.customer_id))
        .where(col(CustomerListMember.list_id) == list_id, is_present())
    )


def list_known_ids(session: ScopedSession, list_id: UUID, customer_ids: Collection[UUID]) -> set[UUID]:
    """Those of these people who are on the list."""
    members = select(CustomerListMember.customer_id).where(
        col(CustomerListMember.list_id) == list_id, col(CustomerListMember.customer_id).in_(customer_ids)
    )
    return set(session.exec(members).all())


def is_on(brand_id: UUID, list_ids: Collection[UUID]) -> ColumnElement[bool]:
    """The condition on `Customer` that she is on one of these lists."""
    return (
        exists()
        .where(
            col(CustomerListMember.brand_id) == brand_id,
            col(CustomerListMember.customer_id) == col(Customer.id),
            col(CustomerListMember.list_id).in_(list_ids),
        )
        .correlate(Customer)
    )
