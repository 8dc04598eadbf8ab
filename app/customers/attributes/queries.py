"""Reads of declared attributes, and of the values that customers have of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.attributes.models import CustomerAttribute
from tenants.problems import NotFound
from tenants.session import ScopedSession


def list_attributes() -> Any:
    """The attributes that are declared, to be paged."""
    return select(CustomerAttribute).where(col(CustomerAttribute.archived_at).is_(None))


def get_attribute(session: ScopedSession, attribute_id: UUID) -> CustomerAttribute:
    """An attribute that is not archived. Raises NotFound."""
    of_id = list_attributes().where(col(CustomerAttribute.id) == attribute_id)
    attribute: CustomerAttribute | None = session.exec(of_id).one_or_none()
    if attribute is None:
        raise NotFound
    return attribute


def find_by_name(session: ScopedSession, name: str) -> CustomerAttribute | None:
    """The attribute that is declared under this name."""
    attribute: CustomerAttribute | None = session.exec(
        list_attributes().where(col(CustomerAttribute.name) == name)
    ).one_or_none()
    return attribute


def map_attributes(session: ScopedSession) -> dict[str, CustomerAttribute]:
    """All declared attributes by their names."""
    rows: Sequence[CustomerAttribute] = session.exec(list_attributes()).all()
    return {row.name: row for row in rows}


def count_misfits(session: ScopedSession, name: str, type_: str, choices: Sequence[str] | None) -> int:
    """How many customers have a value under this name that is not of this type."""
    values = {"brand_id": session.scope.brand_id, "name": name, "type": type_, "choices": list(choices or ())}
    return int(session.execute(_MISFITS, values).scalar_one())


# Dates as `app.customers.attributes.values` reads them; make_date() sees only what has the form of one.
_MISFITS = text(
    """
    SELECT count(*) FROM (
        SELECT attributes -> :name AS value, attributes ->> :name AS written FROM customer
        WHERE brand_id = :brand_id AND attributes -> :name IS NOT NULL
    ) AS used
    WHERE NOT CASE :type
        WHEN 'number' THEN jsonb_typeof(value) = 'number'
        WHEN 'boolean' THEN jsonb_typeof(value) = 'boolean'
        WHEN 'text' THEN jsonb_typeof(value) = 'string'
        WHEN 'choice' THEN jsonb_typeof(value) = 'string' AND written = ANY(CAST(:choices AS text[]))
        WHEN 'date' THEN jsonb_typeof(value) = 'string' AND CASE
            WHEN written ~ '^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
            THEN right(written, 2)::int <= extract(day FROM
                make_date(left(written, 4)::int, substr(written, 6, 2)::int, 1) + interval '1 month - 1 day')
            ELSE false END
    END
    """
)
