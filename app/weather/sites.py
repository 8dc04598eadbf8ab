"""Stores as far as their weather goes: a tick reads thousands, and needs little of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, cast
from sqlmodel import col, select

from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where a store is and when it is open; the fields are those of `Store`."""

    id: UUID
    no: int
    name: str
    opening_hours: dict[str, Any]
    weather_area: dict[str, Any] | None
    municipality_code: str | None
    latitude: float | None
    longitude: float | None


def list_sites(session: ScopedSession) -> list[Site]:
    """The stores that are in business, in order of their numbers. Documents that are alike are one object: leave them
    as they are."""
    wanted = select(
        Store.id,
        Store.no,
        Store.name,
        cast(col(Store.opening_hours), Text),
        cast(col(Store.weather_area), Text),
        Store.municipality_code,
        Store.latitude,
        Store.longitude,
    )  # type: ignore[call-overload]
    rows = session.execute(wanted.where(col(Store.archived_at).is_(None)).order_by(col(Store.no))).all()
    read: dict[str | None, Any] = {None: None}
    for row in rows:
        for document in (row[3], row[4]):
            if document not in read:
                read[document] = orjson.loads(document)
    return [Site(row[0], row[1], row[2], read[row[3]], _area(read[row[4]]), row[5], row[6], row[7]) for row in rows]


def _area(document: Any) -> dict[str, Any] | None:
    return dict(document) if isinstance(document, Mapping) else None
