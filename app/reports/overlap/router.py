"""The overlap of stores' customers over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlmodel import col

from app.auth import Now, ScopedSession, allow
from app.reports.overlap.queries import By
from app.reports.overlap.schemas import Overlap
from app.reports.overlap.service import compare
from app.routes import ApiRoute
from app.schemas import AreaId, StoreId
from tenants.areas.queries import get_area, map_store_nos
from tenants.problems import Invalid
from tenants.session import ScopedSession as Session
from tenants.stores.models import Store
from tenants.stores.queries import get_stores, live_stores

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=ApiRoute)
routers = [router]

MOST: Final = 50


@router.get("/overlap", dependencies=[allow("reports:read")])
def get_overlap(
    *,
    session: ScopedSession,
    now: Now,
    store_ids: Annotated[
        list[StoreId] | None, Query(min_length=1, max_length=MOST, description="Repeat it for each store.")
    ] = None,
    area_id: Annotated[
        AreaId | None, Query(description=f"The stores of this area and of those below it, at most {MOST}.")
    ] = None,
    by: Annotated[
        By, Query(description="`ties`: known at a store, however; `friends`: follow its account; `visits`: came there.")
    ] = "ties",
) -> Overlap:
    """Whom stores have in common: for each pair of up to 50 stores how many customers belong to both.

    Those of `store_ids` or of an area; of neither all, where there are no more. A store key compares its own stores.
    """
    return compare(session, _list_stores(session, store_ids, area_id), by, now)


def _list_stores(session: Session, store_ids: Sequence[StoreId] | None, area_id: AreaId | None) -> Sequence[Store]:
    if store_ids is not None and area_id is not None:
        raise Invalid.at("/query", "Give store_ids or area_id, not both.")
    if store_ids is not None:
        return get_stores(session, store_ids)
    wanted = live_stores()
    if area_id is not None:
        area = get_area(session, area_id)
        wanted = wanted.where(col(Store.no).in_(map_store_nos(session, [area.id])[area.id]))
    stores = session.exec(wanted.order_by(col(Store.no)).limit(MOST + 1)).all()
    if len(stores) > MOST:
        at = "/query" if area_id is None else "/query/area_id"
        raise Invalid.at(at, f"These are more than {MOST} stores: name an area, or some of them.")
    return stores
