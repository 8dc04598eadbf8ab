"""Who wrote what of a customer, and so which store may write over it.

She is the whole brand's. A store fills in what nobody knew, and changes later what it wrote itself; everything else is
open to it only where the brand has put her at home in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.customers.models import Customer
from tenants.scope import Scope
from tenants.stores.models import Store

HOME = "home_store_id"


@dataclass(frozen=True)
class Sorted:
    """Changes that a caller may make, and the names of those it may not."""

    allowed: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def sort_changes(customer: Customer, changes: Mapping[str, Any], scope: Scope) -> Sorted:
    """Split changes by what this scope may write; a value that stands already is no change."""
    if scope.store_nos is None:
        return Sorted(dict(changes))
    found = Sorted()
    for name, value in changes.items():
        if name == "external_ids":
            continue  # they stand in rows of their own
        if name == "attributes":
            found.allowed[name] = _sort_attributes(customer, value, scope, found.refused)
        elif name == HOME and value is None and customer.home_store_no not in scope.store_nos:
            continue  # it sees null already, whether or not she is at home elsewhere
        elif getattr(customer, name) in (None, value) or _may_replace(customer, name, scope):
            found.allowed[name] = value
        else:
            found.refused.append(name)
    return found


def _sort_attributes(
    customer: Customer, changes: Mapping[str, Any] | None, scope: Scope, refused: list[str]
) -> dict[str, Any]:
    known, allowed = customer.attributes, {}
    for name, value in (dict.fromkeys(known) if changes is None else changes).items():
        if name not in known or known[name] == value or _may_replace(customer, _attribute(name), scope):
            allowed[name] = value
        else:
            refused.append(_attribute(name))
    return allowed


def _may_replace(customer: Customer, name: str, scope: Scope) -> bool:
    return is_at_home(customer, scope) or customer.written_by.get(name) in (scope.store_nos or frozenset())


def is_at_home(customer: Customer, scope: Scope) -> bool:
    """Whether all of her is open to the scope: the whole brand, or a store in which the brand has put her at home."""
    if scope.store_nos is None:
        return True
    # A store that has put her at home in itself has gained nothing by it.
    return customer.home_store_no in scope.store_nos and HOME not in customer.written_by


def writer_of(customer: Customer, scope: Scope, store: Store | None) -> int | None:
    """The number of the store in whose name a caller writes; None is the brand."""
    if scope.store_nos is None:
        return None
    if store is not None:
        return store.no
    return min(scope.store_nos & set(customer.store_nos) or scope.store_nos)


def sign(customer: Customer, fields: Iterable[str], attributes_before: Mapping[str, Any], writer: int | None) -> None:
    """Note who wrote these fields, and the attributes that differ from what they were. Emptied ones are nobody's."""
    now = customer.attributes
    differing = {name for name in {*attributes_before, *now} if attributes_before.get(name) != now.get(name)}
    values = {name: getattr(customer, name) for name in fields if name != "attributes"}
    values |= {_attribute(name): now.get(name) for name in differing}
    kept = {name: no for name, no in customer.written_by.items() if name not in values}
    if writer is not None:
        kept |= {name: writer for name, value in values.items() if value is not None}
    if kept != customer.written_by:
        customer.written_by = kept


def _attribute(name: str) -> str:
    return f"attributes.{name}"
