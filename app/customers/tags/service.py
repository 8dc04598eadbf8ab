"""Tags: made, renamed, put on customers and taken off, with the summary on their row true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from app.customers import queries
from app.customers.events import CustomerUpdated
from app.customers.locks import lock_customer, lock_names
from app.customers.models import Customer, CustomerStore, CustomerTag, Tag
from app.events.service import record
from tenants.brands.queries import next_no
from tenants.problems import Conflict
from tenants.session import ScopedSession
from tenants.stores.models import Store


def create_tag(session: ScopedSession, name: str, owner: Store | None, now: datetime) -> Tag:
    """A new tag of a store, or of the brand. Raises Conflict where the name is taken."""
    _refuse_taken(session, name, owner.no if owner else None)
    tag = Tag(no=next_no(session, "tag"), name=name, created_at=now)
    if owner is not None:
        tag.store_id, tag.store_no = owner.id, owner.no
    session.add(tag)
    session.flush()
    return tag


def find_or_create_tag(session: ScopedSession, name: str, owner: Store | None, now: datetime) -> Tag:
    """The tag of this name that a store or the brand owns, made if it is missing."""
    lock_names(session, [f"tag:{owner.no if owner else ''}:{name}"])
    for tag in queries.list_tags_named(session, name):
        if tag.store_no == (owner.no if owner else None):
            return tag
    return create_tag(session, name, owner, now)


def change_tag(session: ScopedSession, tag: Tag, name: str | None) -> Tag:
    """Rename a tag. Raises Conflict where the name is taken."""
    if name is not None and name != tag.name:
        _refuse_taken(session, name, tag.store_no)
        tag.name = name
        session.flush()
    return tag


def archive_tag(session: ScopedSession, tag: Tag, now: datetime) -> None:
    """Take a tag out of use; customers no longer show it, and its name is free."""
    tag.archived_at = now
    session.flush()


def _refuse_taken(session: ScopedSession, name: str, store_no: int | None) -> None:
    lock_names(session, [f"tag:{store_no or ''}:{name}"])
    if any(tag.store_no == store_no and tag.name == name for tag in queries.list_tags_named(session, name)):
        raise Conflict("A tag of this name exists.")


@dataclass(frozen=True)
class End:
    """When a tag comes off by itself; None is never."""

    at: datetime | None


def tag(
    session: ScopedSession,
    customer_id: UUID,
    tags: Sequence[Tag],
    *,
    source: str,
    end: End | None = None,
    now: datetime,
) -> Customer:
    """Put tags on a customer. Needs a session that sees all stores. Raises NotFound.

    Those she has are this source's from now on; they keep their end, unless one is given.
    """
    customer = lock_customer(session, customer_id)
    new = [one for one in tags if one.no not in customer.tag_nos]
    for one in new:
        row = CustomerTag(customer_id=customer.id, tag_id=one.id, tag_no=one.no, store_no=one.store_no)
        row.source, row.tagged_at, row.expires_at = source, now, end.at if end else None
        session.add(row)
    for one in tags:
        if one not in new:
            row = session.get_one(CustomerTag, (session.scope.brand_id, customer.id, one.id))
            row.source, row.expires_at = source, end.at if end else row.expires_at
    _set_tags(session, customer, [*customer.tag_nos, *(one.no for one in new)], new, now)
    return customer


def untag(session: ScopedSession, customer_id: UUID, tags: Sequence[Tag], *, now: datetime) -> Customer:
    """Take tags off a customer; those she does not have are passed over. Raises NotFound."""
    customer = lock_customer(session, customer_id)
    for one in tags:
        row = session.get(CustomerTag, (session.scope.brand_id, customer.id, one.id))
        if row is not None:
            session.delete(row)
    gone = {one.no for one in tags}
    _set_tags(session, customer, [no for no in customer.tag_nos if no not in gone], tags, now)
    return customer


def _set_tags(session: ScopedSession, customer: Customer, nos: list[int], tags: Sequence[Tag], now: datetime) -> None:
    """Keep the numbers of her tags, of which these came or went."""
    if nos == customer.tag_nos:
        return
    customer.tag_nos, customer.updated_at = nos, now
    if any(one.store_no is None for one in tags):
        customer.profile_updated_at = now
    owners = {one.store_no for one in tags if one.store_no is not None}
    at_owners = col(CustomerStore.store_no).in_(owners), col(CustomerStore.customer_id) == customer.id
    if owners:
        session.execute(update(CustomerStore).where(*at_owners).values(updated_at=now))
    record(session, CustomerUpdated(occurred_at=now, customer_id=customer.id, fields=("tags",)))
