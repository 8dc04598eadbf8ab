"""Reads of stores."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal_column
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from tenants.problems import NotFound
from tenants.stores.models import Store

EARTH_RADIUS_M = 6_371_009


def live_stores(code: str | None = None) -> SelectOfScalar[Store]:
    """Stores that are not archived, or of them the one with this code."""
    live = select(Store).where(col(Store.archived_at).is_(None))
    return live if code is None else live.where(col(Store.code) == code)


def get_store(session: Session, store_id: UUID) -> Store:
    """A live store. Raises NotFound."""
    store = session.exec(live_stores().where(col(Store.id) == store_id)).one_or_none()
    if store is None:
        raise NotFound
    return store


def lock_store(session: Session, store_id: UUID) -> Store:
    """A live store, for changing it. Raises NotFound."""
    store = session.exec(live_stores().where(col(Store.id) == store_id).with_for_update()).one_or_none()
    if store is None:
        raise NotFound
    return store


def get_stores(session: Session, store_ids: Sequence[UUID]) -> Sequence[Store]:
    """These live stores, each once, by number. Raises NotFound if one of them is not there."""
    wanted = set(store_ids)
    stores = session.exec(live_stores().where(col(Store.id).in_(wanted)).order_by(col(Store.no))).all()
    if len(stores) != len(wanted):
        raise NotFound
    return stores


def list_ids(session: Session) -> Sequence[UUID]:
    """The live stores that the scope sees, by number."""
    return session.exec(select(Store.id).where(col(Store.archived_at).is_(None)).order_by(col(Store.no))).all()


def list_store_hours(session: Session) -> dict[int, Mapping[str, Any]]:
    """The quiet hours of the stores that have their own, by the store's number."""
    has_own = func.jsonb_typeof(col(Store.quiet_hours)) == literal_column("'object'")
    found = session.exec(select(Store.no, Store.quiet_hours).where(has_own)).all()
    return {no: hours for no, hours in found if hours is not None}


def list_nearest(session: Session, latitude: float, longitude: float, limit: int) -> Sequence[tuple[Store, float]]:
    """The live stores nearest to a point, with their distance over the ground in metres; nearest first.

    Stores without a place are not among them.
    """
    half_lat = func.sin(func.radians(col(Store.latitude) - latitude) / 2)
    half_lng = func.sin(func.radians(col(Store.longitude) - longitude) / 2)
    across = func.cos(func.radians(latitude)) * func.cos(func.radians(col(Store.latitude)))
    haversine = half_lat * half_lat + across * half_lng * half_lng
    distance_m = (2 * EARTH_RADIUS_M * func.asin(func.sqrt(func.least(1.0, haversine)))).label("distance_m")
    near = (
        select(Store, distance_m)
        .where(col(Store.archived_at).is_(None), col(Store.latitude).is_not(None), col(Store.longitude).is_not(None))
        .order_by(distance_m, col(Store.no))
        .limit(limit)
    )
    return [(store, float(metres)) for store, metres in session.exec(near).all()]


def has_places(session: Session) -> bool:
    """Whether it is known of any live store where it lies."""
    placed = select(Store.id).where(col(Store.archived_at).is_(None), col(Store.latitude).is_not(None))
    return session.exec(placed.limit(1)).first() is not None
