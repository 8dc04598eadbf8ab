"""Verbs on areas."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, delete

from tenants.areas import queries
from tenants.areas.models import Area, AreaStore
from tenants.areas.problems import AreaCycle, AreaInUse
from tenants.problems import NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store


def create_area(session: ScopedSession, values: Mapping[str, Any], stores: Sequence[Store]) -> Area:
    """A new area of these stores. `values` are columns by name. Raises NotFound for an unknown parent."""
    area = Area(**values)
    if area.parent_id is not None:
        queries.get_area(session, area.parent_id)
    session.add(area)
    session.flush()
    _set_stores(session, area, stores)
    return area


def change_area(session: ScopedSession, area: Area, changes: Mapping[str, Any], stores: Sequence[Store] | None) -> None:
    """Change columns of an area, and its stores where they are given.

    Raises NotFound for an unknown parent, and AreaCycle.
    """
    parent_id = changes.get("parent_id")
    if parent_id is not None:
        _check_parent(session, area, parent_id)
    area.sqlmodel_update(dict(changes))
    if stores is not None:
        _set_stores(session, area, stores)
    session.flush()


def archive_area(session: ScopedSession, area: Area, now: datetime) -> None:
    """Take an area out of use; what was saved with it still means its stores. Raises AreaInUse if others lie inside."""
    inside = session.exec(queries.live_areas().where(col(Area.parent_id) == area.id).limit(1)).first()
    if inside is not None:
        raise AreaInUse(f"The area {inside.name!r} lies inside it.")
    area.archived_at = now


def _check_parent(session: ScopedSession, area: Area, parent_id: UUID) -> None:
    tree = queries.lock_tree(session)
    if parent_id not in tree:
        raise NotFound
    above: UUID | None = parent_id
    while above is not None:
        if above == area.id:
            raise AreaCycle
        above = tree[above].parent_id if above in tree else None


def _set_stores(session: ScopedSession, area: Area, stores: Sequence[Store]) -> None:
    session.exec(delete(AreaStore).where(col(AreaStore.area_id) == area.id))
    session.add_all(AreaStore(area_id=area.id, store_id=store.id, store_no=store.no) for store in stores)
    session.flush()
