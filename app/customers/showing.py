"""How a customer is shown to a caller who sees all stores or some."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore, CustomerTag, Identity, Tag
from app.customers.queries import map_store_ids
from app.customers.schemas import CustomerRead
from tenants.scope import Scope
from tenants.session import ScopedSession


def read_customer(session: ScopedSession, customer: Customer, scope: Scope) -> CustomerRead:
    """One customer as a caller with this scope sees her."""
    return read_customers(session, [customer], scope)[0]


def read_told(session: ScopedSession, told: Customer) -> CustomerRead:
    """A person of whom a store is told only what it said itself: what hangs on her id is not looked up."""
    store_ids = map_store_ids(session, told.store_nos)
    at = [store_ids[no] for no in told.store_nos]
    figures = _Figures(updated_at=told.updated_at)
    return _read(told, None, [], at, home_store_id=told.home_store_id, figures=figures)


def read_customers(session: ScopedSession, customers: Sequence[Customer], scope: Scope) -> list[CustomerRead]:
    """Customers as a caller with this scope sees them: a store has no other store's figures, ids and tags.

    Nor is it told when she did something elsewhere: `updated_at` is of what the store itself sees.
    """
    if not customers:
        return []
    ids = [customer.id for customer in customers]
    tags = _tag_names(session, ids, scope)
    profiles = _profiles(session, ids)
    at_stores = _at_stores(session, ids, scope) if scope.store_nos is not None else None
    nos = {no for customer in customers for no in customer.store_nos if scope.sees_store(no)}
    store_ids = map_store_ids(session, nos)
    return [
        _read(
            customer,
            profiles.get(customer.id),
            tags.get(customer.id, []),
            [store_ids[no] for no in sorted(customer.store_nos) if no in store_ids],
            home_store_id=customer.home_store_id if scope.sees_store(customer.home_store_no) else None,
            figures=customer if at_stores is None else _figures_of(customer, at_stores.get(customer.id)),
        )
        for customer in customers
    ]


@dataclass
class _Figures:
    """What a customer did at some stores, and when what they see of her changed."""

    updated_at: datetime

    order_count: int = 0
    spend_yen: int = 0
    last_order_at: datetime | None = None
    last_visit_at: datetime | None = None


def _figures_of(customer: Customer, at_stores: Any) -> _Figures:
    """What the rows of some stores add up to, if there are any."""
    updated_at = customer.profile_updated_at or customer.created_at
    if at_stores is None:
        return _Figures(updated_at)
    _, orders, spend_yen, last_order_at, last_visit_at, changed_at = at_stores
    return _Figures(
        max(updated_at, changed_at or updated_at), int(orders), int(spend_yen), last_order_at, last_visit_at
    )


def _read(
    customer: Customer,
    profile: Identity | None,
    tags: list[str],
    store_ids: list[UUID],
    *,
    home_store_id: UUID | None,
    figures: Customer | _Figures,
) -> CustomerRead:
    return CustomerRead(
        id=customer.id,
        external_id=customer.external_id,
        member_number=customer.member_number,
        name=customer.name,
        display_name=profile.display_name if profile else None,
        picture_url=profile.picture_url if profile else None,
        phone=customer.phone,
        email=customer.email,
        birthday_on=customer.birthday_on,
        gender=customer.gender,
        attributes=customer.attributes,
        home_store_id=home_store_id,
        store_ids=store_ids,
        tags=tags,
        order_count=figures.order_count,
        spend_yen=figures.spend_yen,
        last_order_at=figures.last_order_at,
        last_visit_at=figures.last_visit_at,
        created_at=customer.created_at,
        updated_at=figures.updated_at,
    )


def _tag_names(session: ScopedSession, ids: Sequence[UUID], scope: Scope) -> dict[UUID, list[str]]:
    rows = session.exec(
        select(CustomerTag.customer_id, Tag.name, Tag.store_no)
        .join(Tag, (col(Tag.brand_id) == col(CustomerTag.brand_id)) & (col(Tag.id) == col(CustomerTag.tag_id)))
        .where(col(CustomerTag.customer_id).in_(ids), col(Tag.archived_at).is_(None))
        .order_by(col(Tag.name))
    ).all()
    names: dict[UUID, list[str]] = defaultdict(list)
    for customer_id, name, store_no in rows:
        if store_no is None or scope.sees_store(store_no):
            names[customer_id].append(name)
    return names


def _profiles(session: ScopedSession, ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Her newest LINE profile, where one was fetched."""
    fetched = select(Identity).where(col(Identity.customer_id).in_(ids), col(Identity.profile_at).is_not(None))
    return {row.customer_id: row for row in session.exec(fetched.order_by(col(Identity.profile_at))).all()}


def _at_stores(session: ScopedSession, ids: Sequence[UUID], scope: Scope) -> dict[UUID, Any]:
    rows = session.execute(
        select_columns(
            col(CustomerStore.customer_id),
            func.sum(col(CustomerStore.order_count)),
            func.sum(col(CustomerStore.spend_yen)),
            func.max(col(CustomerStore.last_order_at)),
            func.max(col(CustomerStore.last_visit_at)),
            func.max(col(CustomerStore.updated_at)),
        )
        .where(col(CustomerStore.customer_id).in_(ids), col(CustomerStore.store_no).in_(scope.store_nos or ()))
        .group_by(col(CustomerStore.customer_id))
    ).all()
    return {row[0]: row for row in rows}
