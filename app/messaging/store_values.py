"""What differs from store to store in a message: read once when a run begins, and kept with it.

People of one store get batches of their own, so that they get one call together instead of one each.
"""

from collections.abc import Collection, Mapping
from typing import Final

from sqlmodel import col, select

from app.messaging.audience import Audience, Cut, Placement
from app.messaging.render import STORE_VALUES, is_of_store
from tenants.brands.models import Brand
from tenants.session import ScopedSession
from tenants.stores.models import Store

PER_STORE: Final = Cut("coalesce(kept.store_no, 0)", {}, lambda _: Placement())
StoreValues = Mapping[str, Mapping[str, str]]
"""Store number as text to variable to value; "" stands for people behind whom no store stands."""


def needs_parts(audience: Audience, variables: Collection[str]) -> bool:
    """Whether people of one account get different texts, since different stores stand behind them."""
    return any(map(is_of_store, variables)) and any(len(sender.store_nos) > 1 for sender in audience.senders)


def read_store_values(
    session: ScopedSession, audience: Audience, variables: Collection[str], brand: Brand, given: StoreValues | None
) -> dict[str, dict[str, str]] | None:
    """The values of these variables at each store that takes part, beside those `given`; None where none differ.

    The brand's name stands in for that of a store where no store stands behind a person.
    """
    names = sorted(one for one in variables if is_of_store(one))
    if not names:
        return None
    numbers = {no for sender in audience.senders for no in sender.store_nos}
    stores = session.exec(select(Store).where(col(Store.no).in_(numbers))).all() if numbers else []
    given = given or {}
    found = {"": {"store.name": brand.name, **given.get("", {})}}
    for store in stores:
        no = str(store.no)
        found[no] = write_store_values(store) | dict(given.get(no) or given.get("", {}))
    return {no: {name: values[name] for name in names if name in values} for no, values in found.items()}


def write_store_values(store: Store) -> dict[str, str]:
    """What stands behind the variables of a store, of those that it has."""
    values = store.values or {}
    every = {
        "store.name": store.name,
        "store.address": store.address,
        "store.phone": values.get("phone"),
        **{f"{STORE_VALUES}{name}": value for name, value in values.items()},
    }
    return {name: value for name, value in every.items() if value}
