"""Whether values of attributes are of the types that the brand declared. What is not declared may be any scalar."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from app.customers.attributes import queries
from app.customers.attributes.models import CustomerAttribute
from app.problems import pointer_part
from tenants.problems import Invalid
from tenants.session import ScopedSession

_DATE = re.compile("(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_KEY = "customer_attributes"


def check_attributes(session: ScopedSession, values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What is wrong with these values by name: `(pointer, detail)` for each; none where all is well.

    The declarations are read once for all that this session checks.
    """
    if not values:
        return []
    declared: dict[str, CustomerAttribute] | None = session.info.get(_KEY)
    if declared is None:
        declared = session.info[_KEY] = queries.map_attributes(session)
    return list(find_faults(declared, values))


def require_attributes(session: ScopedSession, values: Mapping[str, Any] | None) -> None:
    """Raises Invalid, with a pointer for each value that is not of its declared type."""
    faults = check_attributes(session, values)
    if faults:
        raise Invalid([{"pointer": pointer, "detail": detail} for pointer, detail in faults])


def forget_declarations(session: ScopedSession) -> None:
    """Have the declarations read anew: they have changed."""
    session.info.pop(_KEY, None)


def find_faults(
    declared: Mapping[str, CustomerAttribute], values: Mapping[str, Any], place: str = "/attributes"
) -> Iterable[tuple[str, str]]:
    """The same of declarations at hand."""
    for name, value in values.items():
        attribute = declared.get(name)
        if attribute is not None and value is not None and not fits(attribute, value):
            yield f"{place}/{pointer_part(name)}", _WANTED[attribute.type](attribute)


def fits(attribute: CustomerAttribute, value: Any) -> bool:
    """Whether a value is of the attribute's type."""
    if attribute.type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if attribute.type == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if attribute.type == "choice":
        return value in (attribute.choices or ())
    return attribute.type == "text" or _is_date(value)


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _tell_choices(attribute: CustomerAttribute) -> str:
    choices = attribute.choices or []
    told = ", ".join(choices[:10])
    return f"Must be one of: {told}." if len(choices) <= 10 else f"Must be one of {len(choices)} choices: {told}, …"


_WANTED = {
    "text": lambda attribute: "Must be a text.",
    "number": lambda attribute: "Must be a number.",
    "boolean": lambda attribute: "Must be true or false.",
    "date": lambda attribute: "Must be a date such as 2026-04-01.",
    "choice": _tell_choices,
}
