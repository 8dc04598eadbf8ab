"""Who belongs to the trade zones of areas, and by what: her address, her home store, her visits, her friendships.

Of people Noren knows the municipality and no point; of stores it knows both. So a zone drawn by municipalities holds
who lives in one of them, and any zone holds who is at home in a store that lies in it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, func, or_
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.customers.summary import home_column
from tenants.areas.models import Area
from tenants.areas.queries import map_store_nos
from tenants.areas.trade_zones import holds_point, is_around_stores, list_municipalities
from tenants.line_accounts.models import LineAccount, LineAccountStore
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True)
class Reach:
    """What of people and stores lies in an area's trade zone."""

    municipality_codes: frozenset[str]
    store_nos: frozenset[int]
    """The stores that lie in it, also those that are closed: people may still be at home there."""

    def holds(self, municipality_code: str | None, home_no: int | None) -> bool:
        """Whether somebody of this municipality with this home store belongs to it."""
        return municipality_code in self.municipality_codes or home_no in self.store_nos


def map_reaches(session: ScopedSession, area_ids: Collection[UUID]) -> dict[UUID, Reach | None]:
    """What lies in the trade zones of those of these areas that are in use; None for an area without one."""
    areas = select(Area.id, Area.trade_zone).where(col(Area.id).in_(list(area_ids)), col(Area.archived_at).is_(None))
    zones = dict(session.exec(areas).all())
    if not any(zones.values()):
        return dict.fromkeys(zones)
    stores = session.exec(select(Store)).all()
    moving = {area_id for area_id, zone in zones.items() if zone and is_around_stores(zone)}
    own = map_store_nos(session, moving)
    return {area_id: _reach(zone, stores, own.get(area_id, ())) if zone else None for area_id, zone in zones.items()}


def _reach(zone: Mapping[str, Any], stores: Sequence[Store], own_nos: Collection[int]) -> Reach:
    codes = frozenset(list_municipalities(zone))
    around = [
        (store.latitude, store.longitude)
        for store in stores
        if store.no in own_nos and store.latitude is not None and store.longitude is not None
    ]
    inside = (
        store.no
        for store in stores
        if store.municipality_code in codes
        or (
            store.latitude is not None
            and store.longitude is not None
            and holds_point(zone, store.latitude, store.longitude, around)
        )
    )
    return Reach(codes, frozenset(inside))


def lives_or_is_at_home(session: ScopedSession, reaches: Collection[Reach]) -> ColumnElement[bool]:
    """The condition on `Customer` that one of these trade zones holds her; never null."""
    return func.coalesce(or_(lives(reaches), is_at_home(session, reaches)), False)


def lives(reaches: Collection[Reach]) -> ColumnElement[bool]:
    """That her address is in a municipality of one of them."""
    codes = sorted({code for one in reaches for code in one.municipality_codes})
    return func.coalesce(col(Customer.municipality_code).in_(codes), False) if codes else false()


def is_at_home(session: ScopedSession, reaches: Collection[Reach]) -> ColumnElement[bool]:
    """That her home store lies in one of them."""
    nos = _nos(reaches)
    return func.coalesce(home_column(session.scope).in_(nos), False) if nos else false()


def came(session: ScopedSession, reaches: Collection[Reach]) -> ColumnElement[bool]:
    """That she bought at, or visited, a store that lies in one of them."""
    nos = _nos(reaches)
    if not nos:
        return false()
    there = exists().where(
        col(CustomerStore.brand_id) == session.scope.brand_id,
        col(CustomerStore.customer_id) == col(Customer.id),
        col(CustomerStore.store_no).in_(nos),
        col(CustomerStore.order_count) + col(CustomerStore.visit_count) > 0,
    )
    return there.correlate(Customer)


def is_friend(session: ScopedSession, reaches: Collection[Reach]) -> ColumnElement[bool]:
    """That she follows an account that speaks for a store that lies in one of them."""
    nos = _nos(reaches)
    account_nos = session.exec(
        select(LineAccount.no)
        .join(LineAccountStore, col(LineAccountStore.line_account_id) == col(LineAccount.id))
        .where(col(LineAccountStore.store_no).in_(nos), col(LineAccount.archived_at).is_(None))
        .distinct()
    ).all()
    return col(Customer.account_nos).op("&&")(sorted(account_nos)) if account_nos else false()


def _nos(reaches: Collection[Reach]) -> list[int]:
    return sorted({no for one in reaches for no in one.store_nos})
