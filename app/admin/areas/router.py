"""Areas over HTTP."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.admin import patches
from app.admin.areas import service
from app.admin.areas.schemas import AreaCreate, AreaCustomers, AreaPatch, AreaRead, TradeZone
from app.auth import Now, ScopedSession, allow
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import AreaId, Page
from tenants.areas import queries
from tenants.areas.models import Area
from tenants.areas.service import create_area as add_area
from tenants.stores.queries import get_stores

router = APIRouter(prefix="/v1/areas", tags=["areas"], route_class=ApiRoute)


@router.get("", dependencies=[allow("areas:read")])
def list_areas(session: ScopedSession, paging: PagingParams) -> Page[AreaRead]:
    """The brand's areas, newest first. A store key sees every area, and of their stores its own."""
    areas, next_cursor = list_page(session, queries.live_areas(), Area.id, paging)
    return Page(items=_read_all(session, areas), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("areas:write")])
def create_area(body: AreaCreate, session: ScopedSession) -> AreaRead:
    """Create an area."""
    zone = body.trade_zone.model_dump(exclude_none=True) if body.trade_zone else None
    values = {"name": body.name, "parent_id": body.parent_id, "trade_zone": zone}
    return _read(session, add_area(session, values, get_stores(session, body.store_ids)))


@router.get("/{area_id}", dependencies=[allow("areas:read")])
def read_area(area_id: AreaId, session: ScopedSession) -> AreaRead:
    """An area."""
    return _read(session, queries.get_area(session, area_id))


@router.patch("/{area_id}", dependencies=[allow("areas:write")])
def change_area(area_id: AreaId, body: AreaPatch, session: ScopedSession, if_match: Precondition) -> AreaRead:
    """Change an area. LINE accounts that belong to it follow its stores."""
    if body.parent_id is not None:
        # The whole tree before its own row, or two areas that move at once would wait for each other.
        queries.lock_tree(session)
    area = queries.lock_area(session, area_id)
    if_match.check(_read(session, area))
    changes = patches.changes_of(body)
    store_ids = changes.pop("store_ids", None)
    if body.trade_zone is not None:
        merged = patches.merge(area.trade_zone, body.trade_zone)
        changes["trade_zone"] = patches.check(TradeZone, merged, "trade_zone").model_dump(exclude_none=True)
    stores = None if store_ids is None else get_stores(session, store_ids)
    service.change_area(session, area, changes, stores)
    return _read(session, area)


@router.delete("/{area_id}", status_code=204, dependencies=[allow("areas:write")])
def archive_area(area_id: AreaId, session: ScopedSession, now: Now) -> None:
    """Take an area out of use."""
    service.archive_area(session, queries.lock_area(session, area_id), now)


@router.get("/{area_id}/customers-count", dependencies=[allow("segments:read")])
def count_area_customers(area_id: AreaId, session: ScopedSession, now: Now) -> AreaCustomers:
    """How many customers an area's trade zone holds, by address, home store, visits and friendship. An area without
    one holds nobody. A store key counts its own customers, by what they do at its stores."""
    area = queries.get_area(session, area_id)
    return AreaCustomers.model_validate({"area_id": area.id, **service.count_customers(session, area), "fresh_at": now})


def _read(session: ScopedSession, area: Area) -> AreaRead:
    return _read_all(session, [area])[0]


def _read_all(session: ScopedSession, areas: Sequence[Area]) -> list[AreaRead]:
    stores = queries.list_store_ids(session, [area.id for area in areas])
    return [AreaRead.model_validate({**area.model_dump(), "store_ids": stores[area.id]}) for area in areas]
