"""Customers: upsert, change, tag, tie to stores, and keep the summary on their row true."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Integer, all_, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col

from app.customers import queries
from app.customers.authorship import sign, sort_changes, writer_of
from app.customers.events import CustomerCreated, CustomerUpdated
from app.customers.locks import lock_customer, lock_customers, lock_names
from app.customers.models import Customer, CustomerStore, CustomerTag, Tag
from app.customers.problems import KeysDisagree
from app.events.service import record
from tenants.brands.queries import next_no
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store

__all__ = [
    "Upserted",
    "add_orders",
    "archive_tag",
    "change_customer",
    "change_tag",
    "create_tag",
    "find_or_create_tag",
    "lock_customer",
    "lock_customers",
    "tag",
    "tie_to_store",
    "untag",
    "upsert_customer",
]

STRONG_KEYS = ("external_id", "member_number")
"""Keys that belong to one person only; a family may share a phone or an address."""
KEYS = (*STRONG_KEYS, "phone", "email")
MOST_ATTRIBUTES = 200


@dataclass(frozen=True)
class Upserted:
    """A person as she stands, whether she is new to the brand, and what to tell of her."""

    customer: Customer
    is_new: bool
    told: Customer | None
    """For a store that did not see her before: only what it said itself, on a row that is never stored."""


def upsert_customer(
    session: ScopedSession,
    changes: Mapping[str, Any],
    *,
    scope: Scope,
    home_store: Store | None = None,
    store: Store | None = None,
    now: datetime,
) -> Upserted:
    """The person whom the keys in `changes` name, changed so, or a new one.

    Needs a session that sees all stores; `scope` is the caller's. What it may not write stays as it is, without a
    word. `store` ties her to that store. Raises KeysDisagree when the keys name two people, or one who has another
    `external_id` or `member_number`; Invalid without any key.
    """
    keys = {key: changes[key] for key in KEYS if changes.get(key)}
    if not keys:
        raise Invalid.at("", "Give at least one of external_id, member_number, phone and email.")
    lock_names(session, (f"{key}:{value}" for key, value in keys.items()))
    customer_id = _find_by_keys(session, keys)
    if customer_id is None:
        customer = Customer(id=uuid7(), created_at=now, updated_at=now)
        session.add(customer)
    else:
        customer = lock_customer(session, customer_id)
        _check_strong_keys(customer, keys)
    is_seen = queries.sees(scope, customer)
    told = None if is_seen else _tell(customer.id, changes, home_store, store, now)
    ties = set(customer.store_nos)
    allowed = sort_changes(customer, changes, scope).allowed
    if not is_seen:
        allowed = _leave_room(customer, allowed)
    changed = _change(session, customer, allowed, home_store, writer_of(customer, scope, store), now)
    session.flush()
    if store is not None:
        tie_to_store(session, customer, store, tied_at=now)
    about: dict[str, Any] = {"occurred_at": now, "customer_id": customer.id, "store_no": store.no if store else None}
    if customer_id is None:
        record(session, CustomerCreated(source="api", **about))
    else:
        if store is not None and store.no not in ties:
            changed.append("store_ids")  # whom a store names, it sees from now on: head office shall see that it did
        if changed:
            record(session, CustomerUpdated(fields=tuple(changed), **about))
    return Upserted(customer, customer_id is None, told)


def change_customer(
    session: ScopedSession,
    customer_id: UUID,
    changes: Mapping[str, Any],
    *,
    scope: Scope,
    home_store: Store | None = None,
    check: Callable[[Customer], None] = lambda customer: None,
    now: datetime,
) -> Customer:
    """Change a person; `check` may refuse once her row is locked. `scope` is the caller's.

    Raises NotFound, KeysDisagree for another's key, Conflict for what this caller may not write over.
    """
    taken = {key: changes[key] for key in STRONG_KEYS if changes.get(key)}
    lock_names(session, (f"{key}:{value}" for key, value in taken.items()))
    customer = lock_customer(session, customer_id)
    check(customer)
    for key, value in taken.items():
        if set(queries.list_by_key(session, key, value)) - {customer_id}:
            raise KeysDisagree([key])
    sorted_ = sort_changes(customer, changes, scope)
    if sorted_.refused:
        names = ", ".join(sorted_.refused)
        raise Conflict(f"The brand or another store wrote {names}; a store changes what it wrote itself.")
    changed = _change(session, customer, sorted_.allowed, home_store, writer_of(customer, scope, None), now)
    if changed:
        record(session, CustomerUpdated(occurred_at=now, customer_id=customer_id, fields=tuple(changed)))
    return customer


def _find_by_keys(session: ScopedSession, keys: Mapping[str, str]) -> UUID | None:
    """The one person whom all keys that are known name; None if none is known."""
    named = {key: set(queries.list_by_key(session, key, value)) for key, value in keys.items()}
    known = [ids for ids in named.values() if ids]
    if not known:
        return None
    people = set.intersection(*known)
    if len(people) != 1:
        raise KeysDisagree([key for key, ids in named.items() if ids])
    return people.pop()


def _check_strong_keys(customer: Customer, keys: Mapping[str, str]) -> None:
    for key in STRONG_KEYS:
        if key in keys and getattr(customer, key) not in (None, keys[key]):
            raise KeysDisagree([other for other in keys if getattr(customer, other) == keys[other]] + [key])


def _change(
    session: ScopedSession,
    customer: Customer,
    changes: Mapping[str, Any],
    home_store: Store | None,
    writer: int | None,
    now: datetime,
) -> list[str]:
    """Write changes onto a locked or new customer, signed by a store or the brand; the names of what is different."""
    before = customer.attributes
    wanted = _values(before, changes, home_store)
    changed = [name for name, value in wanted.items() if getattr(customer, name) != value]
    for name in changed:
        setattr(customer, name, wanted[name])
    changed = [name for name in changed if name != "home_store_no"]
    if changed:
        customer.updated_at = customer.profile_updated_at = now
        sign(customer, changed, before, writer)
    session.flush()
    if home_store is not None:
        tie_to_store(session, customer, home_store, tied_at=now)
    return changed


def _values(attributes: Mapping[str, Any], changes: Mapping[str, Any], home_store: Store | None) -> dict[str, Any]:
    """What changes mean for the columns of a person who has these attributes."""
    wanted = {name: value for name, value in changes.items() if name in _CHANGEABLE}
    if "attributes" in changes:
        wanted["attributes"] = _merge(attributes, changes["attributes"])
    if "home_store_id" in wanted:
        wanted["home_store_id"] = home_store.id if home_store else None
        wanted["home_store_no"] = home_store.no if home_store else None
    return wanted


_CHANGEABLE = {*KEYS, "name", "birthday_on", "gender", "home_store_id"}


def _merge(attributes: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Attributes merged name by name: null removes one; null for all removes all."""
    merged = {**attributes, **changes} if changes is not None else {}
    kept = {name: value for name, value in merged.items() if value is not None}
    if len(kept) > MOST_ATTRIBUTES:
        raise Invalid.at("/attributes", f"A customer has at most {MOST_ATTRIBUTES} attributes.")
    return kept


def _leave_room(customer: Customer, changes: Mapping[str, Any]) -> dict[str, Any]:
    """These changes with as many attributes as she has room for: a refusal would tell how many she has."""
    new = changes.get("attributes") or {}
    return {**changes, "attributes": dict(islice(new.items(), MOST_ATTRIBUTES - len(customer.attributes)))}


def _tell(
    customer_id: UUID, changes: Mapping[str, Any], home_store: Store | None, store: Store | None, now: datetime
) -> Customer:
    """A person of whom nothing is known but what the changes say, and who is tied to these stores."""
    nos = {one.no for one in (store, home_store) if one is not None}
    told = Customer(id=customer_id, created_at=now, updated_at=now, store_nos=sorted(nos))
    for name, value in _values({}, changes, home_store).items():
        setattr(told, name, value)
    return told


def tie_to_store(session: ScopedSession, customer: Customer, store: Store, *, tied_at: datetime | None = None) -> None:
    """From now on this store sees her. Needs a session that sees all stores; a second time changes nothing."""
    if store.no in customer.store_nos:
        return
    session.flush()
    at = literal(tied_at, DateTime(timezone=True)) if tied_at is not None else func.now()
    # The row first: whoever changes what a customer did at a store holds it. By the class: so the audit log is told.
    tie = (
        update(Customer)
        .where(col(Customer.id) == customer.id, literal(store.no, Integer) != all_(col(Customer.store_nos)))
        .values(
            store_nos=func.array_append(col(Customer.store_nos), store.no),
            updated_at=func.greatest(col(Customer.updated_at), at),
        )
        .returning(col(Customer.store_nos), col(Customer.updated_at))
    )
    tied = session.execute(tie, execution_options={"synchronize_session": False}).one_or_none()
    if tied is not None:
        set_committed_value(customer, "store_nos", tied.store_nos)
        set_committed_value(customer, "updated_at", tied.updated_at)
    key = {"brand_id": session.scope.brand_id, "customer_id": customer.id}
    row = {**key, "store_id": store.id, "store_no": store.no, "order_count": 0, "spend_yen": 0}
    row["updated_at"] = tied_at or func.now()
    session.connection().execute(insert(CustomerStore).values(row).on_conflict_do_nothing())


def add_orders(
    session: ScopedSession,
    customer: Customer,
    store: Store,
    *,
    orders: int,
    spend_yen: int,
    ordered_at: datetime | None = None,
    now: datetime,
) -> None:
    """Add orders to what a locked customer did, at the store and in all, and tie her to it. Both may be negative."""
    tie_to_store(session, customer, store)
    at_store = session.get_one(CustomerStore, (session.scope.brand_id, customer.id, store.id))
    customer.updated_at = at_store.updated_at = now
    for summary in (customer, at_store):
        summary.order_count += orders
        summary.spend_yen += spend_yen
        if ordered_at is not None and (summary.last_order_at is None or ordered_at > summary.last_order_at):
            summary.last_order_at = ordered_at


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


def tag(session: ScopedSession, customer_id: UUID, tags: Sequence[Tag], *, source: str, now: datetime) -> Customer:
    """Put tags on a customer; those she has stay as they are. Needs a session that sees all stores. Raises NotFound."""
    customer = lock_customer(session, customer_id)
    new = [one for one in tags if one.no not in customer.tag_nos]
    for one in new:
        row = CustomerTag(customer_id=customer_id, tag_id=one.id, tag_no=one.no, store_no=one.store_no)
        row.source, row.tagged_at = source, now
        session.add(row)
    _set_tags(session, customer, [*customer.tag_nos, *(one.no for one in new)], new, now)
    return customer


def untag(session: ScopedSession, customer_id: UUID, tags: Sequence[Tag], *, now: datetime) -> Customer:
    """Take tags off a customer; those she does not have are passed over. Raises NotFound."""
    customer = lock_customer(session, customer_id)
    for one in tags:
        row = session.get(CustomerTag, (session.scope.brand_id, customer_id, one.id))
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
