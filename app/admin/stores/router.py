"""Stores over HTTP."""

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from app.admin import patches
from app.admin.brand.schemas import QuietHours
from app.admin.stores import service
from app.admin.stores.schemas import MOST_VALUES, Code, NearbyStore, StoreCreate, StorePatch, StoreRead
from app.auth import Now, ScopedSession, allow
from app.messaging.service import resume_all
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import Page, Plain, StoreId
from tenants.brands.queries import get_brand
from tenants.line_accounts.queries import list_ids_by_store
from tenants.problems import Invalid
from tenants.stores import queries
from tenants.stores.models import Store
from tenants.stores.visiting import find_doors, map_url

router = APIRouter(prefix="/v1/stores", tags=["stores"], route_class=ApiRoute)


@router.get("", dependencies=[allow("stores:read")])
def list_stores(session: ScopedSession, paging: PagingParams, code: Code | None = None) -> Page[StoreRead]:
    """The stores, newest first; or the one with a code of yours."""
    stores, next_cursor = list_page(session, queries.live_stores(code), Store.id, paging)
    return Page(items=_read_all(session, stores), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("stores:write")])
def create_store(body: StoreCreate, session: ScopedSession) -> StoreRead:
    """Create a store."""
    values = body.model_dump(exclude={"line_account_ids", "weather_area"})
    weather_area = body.weather_area.model_dump() if body.weather_area else None
    store = service.create_store(session, values, weather_area=weather_area, account_ids=body.line_account_ids)
    return _read(session, store)


@router.get("/nearby", dependencies=[allow("stores:read")])
def list_nearby_stores(
    session: ScopedSession,
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False), Plain],
    lng: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False), Plain],
    limit: Annotated[int, Query(ge=1, le=200), Plain] = 10,
    *,
    now: Now,
) -> Page[NearbyStore]:
    """The stores nearest to a point, nearest first, and whether they are open; those without a place are left out."""
    found = queries.list_nearest(session, lat, lng, limit)
    accounts = list_ids_by_store(session, [store.id for store, _ in found])
    zone = ZoneInfo(get_brand(session, session.scope.brand_id).timezone)
    items = []
    for store, distance_m in found:
        doors = find_doors(store.opening_hours, now, zone)
        shown = {
            **store.model_dump(),
            "line_account_ids": accounts[store.id],
            "distance_m": round(distance_m),
            "open_now": doors.is_open,
            "opens_at": doors.opens_at,
            "closes_at": doors.closes_at,
            "map_url": map_url(store.latitude or 0.0, store.longitude or 0.0),
        }
        items.append(NearbyStore.model_validate(shown))
    return Page(items=items, next_cursor=None)


@router.get("/{store_id}", dependencies=[allow("stores:read")])
def read_store(store_id: StoreId, session: ScopedSession) -> StoreRead:
    """A store."""
    return _read(session, queries.get_store(session, store_id))


@router.patch("/{store_id}", dependencies=[allow("stores:write")])
def change_store(store_id: StoreId, body: StorePatch, session: ScopedSession, if_match: Precondition) -> StoreRead:
    """Change a store."""
    store = queries.lock_store(session, store_id)
    if_match.check(_read(session, store))
    changes = patches.changes_of(body)
    account_ids = changes.pop("line_account_ids", None)
    if body.opening_hours is not None:
        changes["opening_hours"] = patches.merge(store.opening_hours, body.opening_hours)
    if body.quiet_hours is not None:
        merged = patches.merge(store.quiet_hours, body.quiet_hours)
        changes["quiet_hours"] = patches.check(QuietHours, merged, "quiet_hours").model_dump()
    if "values" in changes:
        merged = patches.merge(store.values, changes["values"])
        if len(merged) > MOST_VALUES:
            raise Invalid.at("/values", f"A store has at most {MOST_VALUES} values.")
        changes["values"] = merged or None
    if body.weather_area is not None:
        changes["weather_area"] = body.weather_area.model_dump()
    service.change_store(session, store, changes)
    if account_ids is not None:
        service.set_accounts(session, store, account_ids)
    if "quiet_hours" in changes:
        resume_all(session)  # what waits for their end need not wait any more
    return _read(session, store)


@router.delete("/{store_id}", status_code=204, dependencies=[allow("stores:write")])
def archive_store(store_id: StoreId, session: ScopedSession, now: Now) -> None:
    """Take a store out of use. Its code is free again; its history stays."""
    service.archive_store(session, queries.lock_store(session, store_id), now)


def _read(session: ScopedSession, store: Store) -> StoreRead:
    return _read_all(session, [store])[0]


def _read_all(session: ScopedSession, stores: Sequence[Store]) -> list[StoreRead]:
    accounts = list_ids_by_store(session, [store.id for store in stores])
    return [
        StoreRead.model_validate({**store.model_dump(), "line_account_ids": accounts[store.id]}) for store in stores
    ]
