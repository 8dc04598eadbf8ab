"""Reads of member cards."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select

from app.cards.models import MemberCard
from tenants.session import ScopedSession


def find_by_number(session: ScopedSession, number: str) -> MemberCard | None:
    """The card with this number. Whose it is now is a question for `customers.queries.map_present`."""
    return session.exec(select(MemberCard).where(col(MemberCard.number) == number)).one_or_none()


def find_of(session: ScopedSession, customer_ids: Collection[UUID]) -> MemberCard | None:
    """The card of a person by all of her ids; of several, which a merge brought together, the one made first."""
    hers = select(MemberCard).where(col(MemberCard.customer_id).in_(customer_ids))
    return session.exec(hers.order_by(col(MemberCard.id)).limit(1)).one_or_none()
