"""Verbs on stores that reach over to their weather area, LINE accounts, areas, keys and tills."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.customers.tasks import defer_retie
from app.weather.outlook import Gap
from app.weather.places import locate_class20, locate_municipality
from tenants.api_keys.service import leave_keys
from tenants.line_accounts import queries as line_accounts
from tenants.line_accounts.models import LineAccount
from tenants.line_accounts.service import join_store, leave_store
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.staff.service import leave_staff
from tenants.stores import service
from tenants.stores.models import Store
from tenants.tills.service import leave_tills

WeatherArea = Mapping[str, str | None]


def create_store(
    session: ScopedSession, values: Mapping[str, Any], *, weather_area: WeatherArea | None, account_ids: Sequence[UUID]
) -> Store:
    """A new store with its weather area and accounts. Raises Invalid, NotFound for an account, StoreCodeTaken."""
    located = _locate(session, weather_area, values.get("municipality_code"))
    store = service.create_store(session, {**values, "weather_area": located})
    set_accounts(session, store, account_ids)
    return store


def change_store(session: ScopedSession, store: Store, changes: Mapping[str, Any]) -> None:
    """Change columns of a store. It is located anew where its municipality or weather area is among them, but not
    when it has moved and an operator had located it. Raises Invalid, StoreCodeTaken."""
    wanted = dict(changes)
    by_operator = (store.weather_area or {}).get("source") == "operator"
    if "weather_area" in wanted or ("municipality_code" in wanted and not by_operator):
        municipality = wanted.get("municipality_code", store.municipality_code)
        wanted["weather_area"] = _locate(session, wanted.get("weather_area"), municipality)
    service.change_store(session, store, wanted)


def set_accounts(session: ScopedSession, store: Store, account_ids: Sequence[UUID]) -> None:
    """Let these accounts and no others speak for a store. Those of an area come and go with the area.

    Raises NotFound for an account that is not there, Invalid for one of an area that the store is not in.
    """
    tied = {account.id: account for account in line_accounts.lock_accounts_of_store(session, store.id)}
    for index, account_id in enumerate(account_ids):
        if account_id not in tied:
            account = line_accounts.lock_account(session, account_id)
            _refuse_area(account, f"/line_account_ids/{index}")
            join_store(session, account, store)
            defer_retie(session, account.id)
            tied[account_id] = account
    for account in tied.values():
        if account.id not in account_ids and account.archived_at is None:
            _refuse_area(account, "/line_account_ids")
            leave_store(session, account, store)
            defer_retie(session, account.id)


def archive_store(session: ScopedSession, store: Store, now: datetime) -> None:
    """Take a store out of use: no account, no key, no till and nobody works for it any more; its history stays."""
    for account in line_accounts.lock_accounts_of_store(session, store.id):
        leave_store(session, account, store)
    leave_keys(session, store)
    leave_staff(session, store)
    leave_tills(session, store, now)
    service.archive_store(store, now)


def _refuse_area(account: LineAccount, pointer: str) -> None:
    if account.area_id is not None:
        raise Invalid.at(pointer, f"The account {account.name!r} belongs to an area: change the area's stores.")


def _locate(session: ScopedSession, given: WeatherArea | None, municipality: str | None) -> dict[str, Any] | None:
    """The weather area of a store: as the operator gave it, completed from JMA's tables, or of its municipality.

    None when the municipality alone does not tell; the decisions of weather rules then say why.
    """
    if given is None or not any(given.values()):
        located = locate_municipality(session, municipality) if municipality else None
        return None if isinstance(located, Gap) else located
    chosen = {level: given.get(level) for level in ("class20", "class10", "office")}
    known = locate_class20(session, chosen["class20"]) if chosen["class20"] else None
    if isinstance(known, dict):
        return known
    if chosen["class10"] is None or chosen["office"] is None:
        detail = "Name class10 and office, or a class20 that JMA's tables have."
        raise Invalid.at("/weather_area", detail)
    return {**chosen, "source": "operator"}
