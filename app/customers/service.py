"""Customers: upsert and change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from app.customers import queries
from app.customers.addresses import find_municipality
from app.customers.attributes.values import require_attributes
from app.customers.authorship import is_at_home, sign, sort_changes, writer_of
from app.customers.events import CustomerCreated, CustomerUpdated
from app.customers.joining.conflicts import disagree, note_conflict
from app.customers.joining.external import (
    Named,
    add_external_ids,
    lock_name_of,
    map_external_ids,
    map_named,
    remove_external_ids,
)
from app.customers.locks import lock_customer, lock_customers, lock_names
from app.customers.models import Customer
from app.customers.problems import KeysDisagree
from app.customers.queries import STRONG_KEYS
from app.customers.summary import tie_to_store
from app.events.service import record
from tenants.ids import uuid7
from tenants.problems import Conflict, Invalid
from tenants.scope import Scope
from tenants.session import ScopedSession
from tenants.stores.models import Store

__all__ = [
    "Upserted",
    "change_customer",
    "lock_customer",
    "lock_customers",
    "upsert_customer",
]

KEYS = (*STRONG_KEYS, "phone", "email")
MOST_ATTRIBUTES = 200
MOST_EXTERNAL_IDS = 20


@dataclass(frozen=True)
class Upserted:
    """A person as she stands, whether she is new to the brand, and what to tell of her."""

    customer: Customer
    is_new: bool
    told: Customer | None
    """For a store that did not see her before: only what it said itself, on a row that is never stored."""
    named: Sequence[Named] = ()
    """What it said that other systems call her."""


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
    `external_id` or `member_number`; Invalid without any key, or for attributes that are not of their types.
    """
    keys = {key: changes[key] for key in KEYS if changes.get(key)}
    named = _names_in(changes)
    if not keys and not named:
        raise Invalid.at("", "Give at least one of external_id, member_number, phone, email and external_ids.")
    lock_names(session, [*(f"{key}:{value}" for key, value in keys.items()), *map(lock_name_of, named)])
    require_attributes(session, changes.get("attributes"))
    customer_id = _find_by_keys(session, keys, named, now)
    if customer_id is None:
        customer = Customer(id=uuid7(), created_at=now, updated_at=now)
        session.add(customer)
    else:
        customer = lock_customer(session, customer_id)
        kept = _check_strong_keys(session, customer, keys)
        changes = {name: value for name, value in changes.items() if name not in kept}
    is_seen = queries.sees(scope, customer)
    told = None if is_seen else _tell(session, customer.id, changes, home_store, store, now)
    ties = set(customer.store_nos)
    allowed = sort_changes(customer, changes, scope).allowed
    allowed |= _locate(session, customer, allowed, scope)
    if not is_seen:
        allowed = _leave_room(customer, allowed)
    changed = _change(session, customer, allowed, home_store, writer_of(customer, scope, store), now)
    session.flush()
    if _name(session, customer, named, now, may_refuse=is_seen):
        changed.append("external_ids")
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
    return Upserted(customer, customer_id is None, told, named)


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

    `external_ids` are all that she has from then on. Raises NotFound, KeysDisagree for another's key, Conflict for what
    this caller may not write over, Invalid for attributes that are not of their types. A phone or an address that
    another has too is written, since families share them, and left as a conflict for somebody to look at.
    """
    taken = {key: changes[key] for key in STRONG_KEYS if changes.get(key)}
    named = _names_in(changes)
    keys = [f"{key}:{changes[key]}" for key in KEYS if changes.get(key)]
    names = [*keys, *map(lock_name_of, named)]
    lock_names(session, names or [f"customer:{customer_id}"])
    require_attributes(session, changes.get("attributes"))
    customer = lock_customer(session, customer_id)
    check(customer)
    for key, value in taken.items():
        if others := set(queries.list_by_key(session, key, value)) - {customer.id}:
            raise disagree([key], {customer.id, *others}, source="api", now=now)
    for (system, _), owner in map_named(session, named).items():
        if owner != customer.id:
            raise disagree([f"external_ids.{system}"], {customer.id, owner}, source="api", now=now)
    sorted_ = sort_changes(customer, changes, scope)
    dropped: set[Named] = set()
    if "external_ids" in changes:
        dropped = set(map_external_ids(session, [customer.id]).get(customer.id, ())) - set(named)
    refused = [*sorted_.refused, *(["external_ids"] if dropped and not is_at_home(customer, scope) else [])]
    if refused:
        told = ", ".join(refused)
        raise Conflict(f"The brand or another store wrote {told}; a store changes what it wrote itself.")
    allowed = sorted_.allowed | _locate(session, customer, sorted_.allowed, scope)
    changed = _change(session, customer, allowed, home_store, writer_of(customer, scope, None), now)
    _note_shared(session, customer, changed, now)
    if remove_external_ids(session, customer, dropped):
        customer.updated_at = customer.profile_updated_at = now
    if _name(session, customer, named, now) or dropped:
        changed.append("external_ids")
    if changed:
        record(session, CustomerUpdated(occurred_at=now, customer_id=customer.id, fields=tuple(changed)))
    return customer


def _note_shared(session: ScopedSession, customer: Customer, changed: Sequence[str], now: datetime) -> None:
    """Leave a conflict where a new phone or address of hers is another's as well."""
    for key in ("phone", "email"):
        if key in changed and (value := getattr(customer, key)):
            owners = queries.list_by_key(session, key, value)
            note_conflict(session, {customer.id, *owners}, [key], source="api", now=now)


def _names_in(changes: Mapping[str, Any]) -> list[Named]:
    """What other systems call her, by the body."""
    return [(one["system"], one["id"]) for one in changes.get("external_ids") or ()]


def _find_by_keys(
    session: ScopedSession, keys: Mapping[str, str], named: Sequence[Named], now: datetime
) -> UUID | None:
    """The one person whom all keys that are known name; None if none is known."""
    found = {key: set(queries.list_by_key(session, key, value)) for key, value in keys.items()}
    for (system, _), owner in map_named(session, named).items():
        found.setdefault(f"external_ids.{system}", set()).add(owner)
    known = {key: ids for key, ids in found.items() if ids}
    if not known:
        return None
    people = set.intersection(*known.values())
    if len(people) != 1 or any(len(ids) > 1 for key, ids in known.items() if "." in key):
        raise disagree(list(known), set().union(*known.values()), source="api", now=now)
    return people.pop()


def _name(
    session: ScopedSession, customer: Customer, named: Sequence[Named], now: datetime, *, may_refuse: bool = True
) -> bool:
    """Write down what other systems call a locked customer; whether any of it is new. Raises Invalid for too many.

    Where it may not refuse, it takes as many as she has room for: a refusal would tell how many she has.
    """
    if not named:
        return False
    has = map_external_ids(session, [customer.id]).get(customer.id, [])
    new = [one for one in named if one not in has]
    room = max(MOST_EXTERNAL_IDS - len(has), 0)
    if may_refuse and len(new) > room:
        raise Invalid.at("/external_ids", f"A customer has at most {MOST_EXTERNAL_IDS} ids in other systems.")
    added = add_external_ids(session, customer, new[:room], now)
    if added:
        customer.updated_at = customer.profile_updated_at = now
    return bool(added)


def _locate(session: ScopedSession, customer: Customer, changes: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The municipality of the address in these changes, where nobody states it and the caller may write it.

    An address that stands already tells nothing new, unless nothing was found in it so far.
    """
    if "address" not in changes or "municipality_code" in changes:
        return {}
    address = changes["address"]
    if address == customer.address and customer.municipality_code is not None:
        return {}
    found = find_municipality(session, address) if address else None
    return sort_changes(customer, {"municipality_code": found}, scope).allowed


def _check_strong_keys(session: ScopedSession, customer: Customer, keys: Mapping[str, str]) -> list[str]:
    """The strong keys that name her though her row has another: they came to her by a merge. Raises KeysDisagree."""
    kept = []
    for key in STRONG_KEYS:
        if key in keys and getattr(customer, key) not in (None, keys[key]):
            if customer.id not in queries.list_by_key(session, key, keys[key]):
                raise KeysDisagree([other for other in keys if getattr(customer, other) == keys[other]] + [key])
            kept.append(key)
    return kept


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


_CHANGEABLE = {
    *KEYS, "name", "kana", "birthday_on", "gender", "postal_code", "address", "municipality_code", "home_store_id",
}  # fmt: skip


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
    session: ScopedSession,
    customer_id: UUID,
    changes: Mapping[str, Any],
    home_store: Store | None,
    store: Store | None,
    now: datetime,
) -> Customer:
    """A person of whom nothing is known but what the changes say, and who is tied to these stores."""
    nos = {one.no for one in (store, home_store) if one is not None}
    told = Customer(id=customer_id, created_at=now, updated_at=now, store_nos=sorted(nos))
    said = {**changes, **_locate(session, told, changes, session.scope)}
    for name, value in _values({}, said, home_store).items():
        setattr(told, name, value)
    return told
