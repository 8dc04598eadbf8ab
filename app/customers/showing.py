"""How a customer is shown to a caller who sees all stores or some."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from app.customers.joining.external import Named, map_external_ids
from app.customers.models import Customer, CustomerStore, CustomerTag, Identity, Tag
from app.customers.queries import map_store_ids
from app.customers.schemas import CustomerRead, ExternalIdRead
from app.customers.summary import Home, find_home
from tenants.scope import Scope
from tenants.session import ScopedSession


def read_customer(session: ScopedSession, customer: Customer, scope: Scope) -> CustomerRead:
    """One customer as a caller with this scope sees her."""
    return read_customers(session, [customer], scope)[0]


def read_told(session: ScopedSession, told: Customer, named: Sequence[Named] = ()) -> CustomerRead:
    """A person of whom a store is told only what it said itself: what hangs on her id is not looked up."""
    store_ids = map_store_ids(session, told.store_nos)
    home = Home(told.home_store_no, is_stated=True) if told.home_store_no is not None else None
    return _read(told, _Found(sorted(named)), store_ids, told.store_nos, home, _Figures(updated_at=told.updated_at))


def read_customers(session: ScopedSession, customers: Sequence[Customer], scope: Scope) -> list[CustomerRead]:
    """Customers as a caller with this scope sees them: a store has no other store's figures, ids and tags.

    Nor is it told when she did something elsewhere: `updated_at` is of what the store itself sees.
    """
    if not customers:
        return []
    ids = [customer.id for customer in customers]
    tags = _tag_names(session, ids, scope)
    profiles = _profiles(session, ids)
    named = map_external_ids(session, ids)
    at_stores = _at_stores(session, ids, scope) if scope.store_nos is not None else None
    homes = {customer.id: find_home(customer, scope) for customer in customers}
    nos = {no for customer in customers for no in customer.store_nos if scope.sees_store(no)}
    store_ids = map_store_ids(session, nos | {home.store_no for home in homes.values() if home is not None})
    return [
        _read(
            customer,
            _Found(named.get(customer.id, []), tags.get(customer.id, []), profiles.get(customer.id)),
            store_ids,
            customer.store_nos,
            homes[customer.id],
            customer if at_stores is None else _figures_of(customer, at_stores.get(customer.id)),
        )
        for customer in customers
    ]


@dataclass(frozen=True)
class _Found:
    """What was looked up by her id."""

    named: Sequence[Named]
    tags: Sequence[str] = ()
    profile: Identity | None = None


@dataclass
class _Figures:
    """What a customer did at some stores, and when what they see of her changed."""

    updated_at: datetime

    order_count: int = 0
    spend_yen: int = 0
    visit_count: int = 0
    last_order_at: datetime | None = None
    last_visit_at: datetime | None = None


def _figures_of(customer: Customer, at_stores: Any) -> _Figures:
    """What the rows of some stores add up to, if there are any."""
    updated_at = customer.profile_updated_at or customer.created_at
    if at_stores is None:
        return _Figures(updated_at)
    _, orders, spend_yen, visits, last_order_at, last_visit_at, changed_at = at_stores
    changed_at = max(updated_at, changed_at or updated_at)
    return _Figures(changed_at, int(orders), int(spend_yen), int(visits), last_order_at, last_visit_at)


def _read(
    customer: Customer,
    found: _Found,
    store_ids: Mapping[int, UUID],
    nos: Sequence[int],
    home: Home | None,
    figures: Customer | _Figures,
) -> CustomerRead:
    home_store_id = store_ids.get(home.store_no) if home is not None else None
    source: Literal["stated", "usual"] | None = None
    if home is not None and home_store_id is not None:
        source = "stated" if home.is_stated else "usual"
    return CustomerRead(
        id=customer.id,
        external_id=customer.external_id,
        external_ids=[ExternalIdRead(system=system, id=value) for system, value in found.named],
        member_number=customer.member_number,
        name=customer.name,
        kana=customer.kana,
        display_name=found.profile.display_name if found.profile else None,
        picture_url=found.profile.picture_url if found.profile else None,
        phone=customer.phone,
        email=customer.email,
        birthday_on=customer.birthday_on,
        gender=customer.gender,
        postal_code=customer.postal_code,
        address=customer.address,
        municipality_code=customer.municipality_code,
        attributes=customer.attributes,
        home_store_id=home_store_id,
        home_store_source=source,
        store_ids=[store_ids[no] for no in sorted(nos) if no in store_ids],
        tags=list(found.tags),
        order_count=figures.order_count,
        spend_yen=figures.spend_yen,
        visit_count=figures.visit_count,
        last_order_at=figures.last_order_at,
        last_visit_at=figures.last_visit_at,
        first_seen_at=customer.first_seen_at or customer.created_at,
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
            func.sum(col(CustomerStore.visit_count)),
            func.max(col(CustomerStore.last_order_at)),
            func.max(col(CustomerStore.last_visit_at)),
            func.max(col(CustomerStore.updated_at)),
        )
        .where(col(CustomerStore.customer_id).in_(ids), col(CustomerStore.store_no).in_(scope.store_nos or ()))
        .group_by(col(CustomerStore.customer_id))
    ).all()
    return {row[0]: row for row in rows}
