"""Reads of areas."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.areas.models import Area, AreaStore
from tenants.problems import NotFound
from tenants.stores.models import Store


def live_areas() -> SelectOfScalar[Area]:
    """Areas that are not archived."""
    return select(Area).where(col(Area.archived_at).is_(None))


def get_area(session: Session, area_id: UUID) -> Area:
    """A live area. Raises NotFound."""
    area = session.exec(live_areas().where(col(Area.id) == area_id)).one_or_none()
    if area is None:
        raise NotFound
    return area


def lock_area(session: Session, area_id: UUID) -> Area:
    """A live area, for changing it. Raises NotFound."""
    area = session.exec(live_areas().where(col(Area.id) == area_id).with_for_update()).one_or_none()
    if area is None:
        raise NotFound
    return area


def lock_tree(session: Session) -> dict[UUID, Area]:
    """All live areas by id, for changing the tree: two changes at once could each be right and together a cycle."""
    areas = session.exec(live_areas().order_by(col(Area.id)).with_for_update()).all()
    return {area.id: area for area in areas}


def list_stores(session: Session, area_id: UUID) -> Sequence[Store]:
    """The live stores of an area that the scope sees, by number."""
    members = select(Store).join(AreaStore, col(AreaStore.store_id) == col(Store.id))
    live = members.where(col(AreaStore.area_id) == area_id, col(Store.archived_at).is_(None))
    return session.exec(live.order_by(col(Store.no))).all()


def list_store_ids(session: Session, area_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The live stores of each of these areas that the scope sees, by number."""
    members = session.exec(
        select(AreaStore.area_id, AreaStore.store_id)
        .join(Store, col(Store.id) == col(AreaStore.store_id))
        .where(col(AreaStore.area_id).in_(area_ids), col(Store.archived_at).is_(None))
        .order_by(col(AreaStore.store_no))
    ).all()
    found: dict[UUID, list[UUID]] = {area_id: [] for area_id in area_ids}
    for area_id, store_id in members:
        found[area_id].append(store_id)
    return found


def map_store_nos(session: Session, area_ids: Collection[UUID]) -> dict[UUID, set[int]]:
    """By area, the numbers of the stores in it and in areas below it that the scope sees; unknown areas are missing.

    Archived areas count: what was saved with one still means the same stores.
    """
    if not area_ids:
        return {}
    children: dict[UUID | None, list[UUID]] = {}
    known = set()
    for area_id, parent_id in session.exec(select(Area.id, Area.parent_id)):
        known.add(area_id)
        children.setdefault(parent_id, []).append(area_id)
    below = {area_id: _descend(area_id, children) for area_id in area_ids if area_id in known}
    stores: dict[UUID, set[int]] = {}
    wanted = set().union(*below.values())
    ties = select(AreaStore.area_id, AreaStore.store_no).where(col(AreaStore.area_id).in_(wanted))
    for area_id, store_no in session.exec(ties):
        stores.setdefault(area_id, set()).add(store_no)
    return {area_id: set().union(*(stores.get(one, set()) for one in areas)) for area_id, areas in below.items()}


def _descend(area_id: UUID, children: Mapping[UUID | None, Sequence[UUID]]) -> set[UUID]:
    """An area and all areas below it."""
    seen: set[UUID] = set()
    waiting = [area_id]
    while waiting:
        area = waiting.pop()
        if area not in seen:
            seen.add(area)
            waiting.extend(children.get(area, ()))
    return seen
