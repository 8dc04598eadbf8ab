"""Reads of who is kept apart."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.customers.models import Identity
from tenants.session import ScopedSession


def find_kept_apart(session: ScopedSession, identity_ids: Collection[UUID]) -> set[UUID]:
    """Those of these identities whose LINE user id stands for another customer elsewhere. Head office's to know."""
    if session.scope.store_nos is not None or not identity_ids:
        return set()
    mine, other = aliased(Identity), aliased(Identity)
    same = (
        (col(other.brand_id) == col(mine.brand_id))
        & (col(other.provider_id) == col(mine.provider_id))
        & (col(other.line_user_id) == col(mine.line_user_id))
        & (col(other.customer_id) != col(mine.customer_id))
    )
    apart = select(col(mine.id)).join(other, same).where(col(mine.id).in_(identity_ids)).distinct()
    return set(session.exec(apart).all())
