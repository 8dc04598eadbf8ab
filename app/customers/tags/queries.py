"""Reads of who carries which tag."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from app.customers.models import CustomerTag, Tag
from tenants.session import ScopedSession


def list_carried(customer_id: UUID) -> Any:
    """A customer's tags that are in use, as far as the scope sees them, to be paged."""
    in_use = select(Tag.id).where(col(Tag.archived_at).is_(None))
    return select(CustomerTag).where(col(CustomerTag.customer_id) == customer_id, col(CustomerTag.tag_id).in_(in_use))


def map_tags(session: ScopedSession, tag_ids: list[UUID]) -> dict[UUID, Tag]:
    """Tags by id."""
    return {tag.id: tag for tag in session.exec(select(Tag).where(col(Tag.id).in_(tag_ids))).all()}


def is_any_ended(session: ScopedSession, now: datetime) -> bool:
    """Whether the time of some tag on somebody has come."""
    ended = select(CustomerTag.tag_id).where(col(CustomerTag.expires_at) <= now).limit(1)
    return session.exec(ended).first() is not None
