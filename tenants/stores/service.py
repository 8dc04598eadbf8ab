"""Verbs on stores."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from tenants.brands.queries import next_no
from tenants.constraints import violates
from tenants.problems import Invalid
from tenants.session import ScopedSession
from tenants.stores import opening_hours
from tenants.stores.models import Store
from tenants.stores.problems import StoreCodeTaken


def create_store(session: ScopedSession, values: Mapping[str, Any]) -> Store:
    """A new shop with the next number of the brand. `values` are columns by name. Raises Invalid, StoreCodeTaken."""
    store = Store(no=next_no(session, "store"), **values)
    _check(store)
    session.add(store)
    _flush(session, store)
    return store


def change_store(session: ScopedSession, store: Store, changes: Mapping[str, Any]) -> None:
    """Change columns of a store; its number stays. Raises Invalid, StoreCodeTaken."""
    store.sqlmodel_update(dict(changes))
    _check(store)
    _flush(session, store)


def archive_store(store: Store, now: datetime) -> None:
    """Take a store out of use; its history stays."""
    store.archived_at = now


def _check(store: Store) -> None:
    if (store.latitude is None) != (store.longitude is None):
        missing = "latitude" if store.latitude is None else "longitude"
        raise Invalid.at(f"/{missing}", "Latitude and longitude are given together or not at all.")
    if errors := opening_hours.list_errors(store.opening_hours, "/opening_hours"):
        raise Invalid(errors)


def _flush(session: ScopedSession, store: Store) -> None:
    code = store.code  # after a failed flush the row can no longer be read
    try:
        session.flush()
    except IntegrityError as error:
        if violates(error, "uq_store_brand_id_code"):
            raise StoreCodeTaken(code) from error
        raise
