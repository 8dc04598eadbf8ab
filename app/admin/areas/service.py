"""Verbs on areas that reach over to the LINE accounts which belong to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.customers.tasks import defer_retie
from tenants.areas import service
from tenants.areas.models import Area
from tenants.areas.problems import AreaInUse
from tenants.line_accounts.queries import lock_accounts_of_area
from tenants.line_accounts.service import set_stores
from tenants.session import ScopedSession
from tenants.stores.models import Store


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
