"""Declaring attributes, changing and withdrawing them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col

from app.customers.attributes import queries
from app.customers.attributes.models import CustomerAttribute
from app.customers.attributes.problems import AttributeInUse
from app.customers.attributes.values import forget_declarations
from app.customers.locks import lock_all_names
from tenants.problems import Conflict, Invalid
from tenants.session import ScopedSession

MOST = 200


def declare(session: ScopedSession, values: Mapping[str, Any], now: datetime) -> CustomerAttribute:
    """Declare an attribute. Raises Conflict where the name is declared, AttributeInUse where values do not fit."""
    attribute = CustomerAttribute(**values, created_at=now)
    _check_choices(attribute)
    _lock(session)
    declared = queries.map_attributes(session)
    if attribute.name in declared:
        raise Conflict("An attribute of this name is declared.")
    if len(declared) >= MOST:
        raise Conflict(f"A brand declares at most {MOST} attributes.")
    _refuse_misfits(session, attribute)
    session.add(attribute)
    session.flush()
    forget_declarations(session)
    return attribute


def change(session: ScopedSession, attribute: CustomerAttribute, changes: Mapping[str, Any]) -> CustomerAttribute:
    """Change an attribute that `lock` gave. Raises AttributeInUse where values do not fit the new type."""
    wanted = {name: value for name, value in changes.items() if getattr(attribute, name) != value}
    if "type" in wanted and wanted["type"] != "choice" and "choices" not in changes:
        wanted["choices"] = None
    for name, value in wanted.items():
        setattr(attribute, name, value)
    _check_choices(attribute)
    if "type" in wanted or "choices" in wanted:
        _refuse_misfits(session, attribute)
    session.flush()
    forget_declarations(session)
    return attribute


def archive(session: ScopedSession, attribute: CustomerAttribute, now: datetime) -> None:
    """Withdraw a declaration: the values stay, of any type from now on, and the name may be declared anew."""
    attribute.archived_at = now
    session.flush()
    forget_declarations(session)


def lock(session: ScopedSession, attribute_id: UUID) -> CustomerAttribute:
    """An attribute to be changed, as it stands now. Raises NotFound."""
    queries.get_attribute(session, attribute_id)
    _lock(session)
    of_id = queries.list_attributes().where(col(CustomerAttribute.id) == attribute_id)
    session.exec(of_id.with_for_update().execution_options(populate_existing=True)).one_or_none()
    return queries.get_attribute(session, attribute_id)


def _lock(session: ScopedSession) -> None:
    """Nobody's values change meanwhile: whoever writes them holds names of the brand, and checks after that."""
    lock_all_names(session)


def _check_choices(attribute: CustomerAttribute) -> None:
    if attribute.type == "choice" and not attribute.choices:
        raise Invalid.at("/choices", "Name the choices.")
    if attribute.type != "choice" and attribute.choices is not None:
        raise Invalid.at("/choices", "Only an attribute of type choice has choices.")


def _refuse_misfits(session: ScopedSession, attribute: CustomerAttribute) -> None:
    with session.no_autoflush:
        customers = queries.count_misfits(session, attribute.name, attribute.type, attribute.choices)
    if customers:
        of_them = "One customer has a value" if customers == 1 else f"{customers} customers have values"
        raise AttributeInUse(customers, f"{of_them} of {attribute.name} that would not fit.")
