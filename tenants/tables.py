"""The bases of every table: `BrandTable` is keyed by `(brand_id, id)`, and references carry `brand_id`."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, column
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from tenants.ids import uuid7

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_1_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    """The present instant, for columns that record when a row was made."""
    return datetime.now(UTC)


Instant: Any = DateTime(timezone=True)

MASKED: Any = {"info": {"masked": True}}
"""`Field(sa_column_kwargs=MASKED)`: the audit log tells that the column changed, and never its value.

For personal data, since that log can be neither changed nor erased, and for secrets that are not bytes.
"""
SHOWN: Any = {"info": {"masked": False}}
"""The opposite, said of every text in a table of people, so that a new column there is decided upon."""


class Table(SQLModel):
    """A table of the database; its name is the class's name in snake case."""

    metadata = MetaData(naming_convention=NAMES)

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy calls it with the class
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class _BrandColumn:
    """The column `brand_id`, visible on `Walled` alone: pydantic would take it for the default of every subclass."""

    def __get__(self, instance: object, owner: type) -> Any:
        if owner is Walled:
            return column("brand_id")
        raise AttributeError("brand_id")


class Walled:
    """Marks the rows of brands: the session's hook names `Walled.brand_id` to filter every statement."""


class BrandRow(Table, Walled):
    """A row that belongs to a brand; the session fills `brand_id` in, and its hook filters every statement by it."""

    brand_id: UUID = Field(default=None, primary_key=True)


# After BrandRow, so that pydantic does not find the same name in a base of the class it is making.
Walled.brand_id = _BrandColumn()  # type: ignore[attr-defined]


class BrandTable(BrandRow):
    """A brand's row with an id of its own: primary key `(brand_id, id)`."""

    id: UUID = Field(default_factory=uuid7, primary_key=True)
    created_at: datetime = Field(default_factory=utc_now, sa_type=Instant)


def refer(*others: Any, on_delete: str | None = None, **keys: str) -> tuple[Any, ...]:
    """Table arguments whose foreign keys carry `brand_id`: `refer(store_id="store")` points at `store(brand_id, id)`.

    A key without the brand would let a row point into another brand, since foreign keys look over row-level security.
    """
    references = [
        ForeignKeyConstraint(["brand_id", name], [f"{table}.brand_id", f"{table}.id"], ondelete=on_delete)
        for name, table in keys.items()
    ]
    return (*references, *others)
