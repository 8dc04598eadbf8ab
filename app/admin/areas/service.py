"""Verbs on areas that reach over to the LINE accounts which belong to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select

from app.customers import trade_zones
from app.customers.models import Customer
from app.customers.queries import is_present
from app.customers.tasks import defer_retie
from tenants.areas import service
from tenants.areas.models import Area
from tenants.areas.problems import AreaInUse
from tenants.line_accounts.queries import lock_accounts_of_area
from tenants.line_accounts.service import set_stores
from tenants.session import ScopedSession
from tenants.stores.models import Store

_PARTS: Final = ("in_trade_zone", "by_address", "by_home_store", "by_visit", "by_friendship")


def change_area(session: ScopedSession, area: Area, changes: Mapping[str, Any], stores: Sequence[Store] | None) -> None:
    """Change an area; its accounts speak for the stores that are in it now. Raises NotFound, AreaCycle."""
    service.change_area(session, area, changes, stores)
    if stores is not None:
        for account in lock_accounts_of_area(session, area.id):
            set_stores(session, account, stores)
            defer_retie(session, account.id)


def archive_area(session: ScopedSession, area: Area, now: datetime) -> None:
    """Take an area out of use. Raises AreaInUse while a LINE account belongs to it or another area lies inside it."""
    for account in lock_accounts_of_area(session, area.id):
        raise AreaInUse(f"The LINE account {account.name!r} belongs to it.")
    service.archive_area(session, area, now)


def count_customers(session: ScopedSession, area: Area) -> dict[str, int]:
    """How many belong to an area's trade zone, in one pass: in all, and by what; and the stores that lie in it."""
    reach = trade_zones.map_reaches(session, [area.id])[area.id]
    if reach is None:
        return dict.fromkeys(("customers", *_PARTS, "stores"), 0)
    reaches = [reach]
    parts = {
        "by_address": trade_zones.lives(reaches),
        "by_home_store": trade_zones.is_at_home(session, reaches),
        "by_visit": trade_zones.came(session, reaches),
        "by_friendship": trade_zones.is_friend(session, reaches),
    }
    parts["in_trade_zone"] = or_(parts["by_address"], parts["by_home_store"])
    held = {"customers": or_(*parts.values()), **parts}
    counted = select(*(func.count().filter(where).label(name) for name, where in held.items()))
    row = session.execute(counted.select_from(Customer).where(is_present())).one()
    return {**row._mapping, "stores": len(reach.store_nos)}
