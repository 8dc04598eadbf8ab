"""Reads of merges and conflicts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from app.customers.joining.models import CustomerConflict, CustomerMerge
from app.customers.models import Identity
from app.customers.queries import list_her_ids
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_merges(customer_id: UUID | None) -> Any:
    """The merges of the brand, or those in which a customer had a part, to be paged."""
    rows = select(CustomerMerge)
    if customer_id is None:
        return rows
    return rows.where(
        or_(col(CustomerMerge.from_customer_id) == customer_id, col(CustomerMerge.into_customer_id) == customer_id)
    )


def get_merge(session: ScopedSession, merge_id: UUID) -> CustomerMerge:
    """A merge. Raises NotFound."""
    merge = session.exec(select(CustomerMerge).where(col(CustomerMerge.id) == merge_id)).one_or_none()
    if merge is None:
        raise NotFound
    return merge


def lock_merge(session: ScopedSession, merge_id: UUID) -> CustomerMerge:
    """A merge, locked, as it stands now; its people's rows are held already. Raises NotFound."""
    wanted = select(CustomerMerge).where(col(CustomerMerge.id) == merge_id).with_for_update(key_share=True)
    return session.exec(wanted.execution_options(populate_existing=True)).one()


def find_last_merge(session: ScopedSession, customer_id: UUID) -> CustomerMerge | None:
    """The newest merge that stands in which a customer had a part."""
    standing = list_merges(customer_id).where(col(CustomerMerge.undone_at).is_(None))
    newest = standing.order_by(col(CustomerMerge.created_at).desc(), col(CustomerMerge.id).desc()).limit(1)
    found: CustomerMerge | None = session.exec(newest).one_or_none()
    return found


def find_parting(session: ScopedSession, one_id: UUID, other_id: UUID) -> datetime | None:
    """When somebody last took these two people apart, by whatever ids they were known then; None if nobody has."""
    one, other = list_her_ids(session, one_id), list_her_ids(session, other_id)
    ours, theirs = col(CustomerMerge.from_customer_id), col(CustomerMerge.into_customer_id)
    pair = or_(and_(ours.in_(one), theirs.in_(other)), and_(ours.in_(other), theirs.in_(one)))
    return session.exec(select(func.max(CustomerMerge.undone_at)).where(pair)).one()


def list_conflicts(is_open: bool | None) -> Any:
    """The conflicts of the brand, open, settled or both, to be paged."""
    rows = select(CustomerConflict)
    if is_open is None:
        return rows
    unsettled = col(CustomerConflict.resolved_at).is_(None)
    return rows.where(unsettled if is_open else ~unsettled)


def get_conflict(session: ScopedSession, conflict_id: UUID) -> CustomerConflict:
    """A conflict. Raises NotFound."""
    wanted = select(CustomerConflict).where(col(CustomerConflict.id) == conflict_id)
    conflict = session.exec(wanted).one_or_none()
    if conflict is None:
        raise NotFound
    return conflict


def has_identity(session: ScopedSession, customer_id: UUID) -> bool:
    """Whether LINE told us of her."""
    return (
        session.exec(select(Identity.id).where(col(Identity.customer_id) == customer_id).limit(1)).first() is not None
    )
