"""Reads of what people have set for themselves, and the conditions by which sending obeys it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from app.customers.preferences.models import CustomerPreference
from tenants.session import ScopedSession


@dataclass(frozen=True)
class Wishes:
    """How a person wants to be written to."""

    paused_until: datetime | None = None
    muted_store_nos: frozenset[int] = frozenset()


def list_of(session: ScopedSession, customer_ids: Collection[UUID]) -> Sequence[CustomerPreference]:
    """The rows of a person by all of her ids."""
    hers = select(CustomerPreference).where(col(CustomerPreference.customer_id).in_(customer_ids))
    return session.exec(hers.order_by(col(CustomerPreference.customer_id))).all()


def read_wishes(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> Wishes:
    """What holds for a person by all of her ids: the later end of a pause that is not over, every store muted."""
    rows = list_of(session, customer_ids)
    pauses = [row.paused_until for row in rows if row.paused_until is not None and row.paused_until > now]
    return Wishes(max(pauses, default=None), frozenset(no for row in rows for no in row.muted_store_nos))


# A look into the index for each who has set something: a freeze forbids nested loops, and to join would read everybody.
_PERSON: Final = """
coalesce((SELECT merged_into_id FROM customer
          WHERE customer.brand_id = %(brand_id)s AND customer.id = customer_preference.customer_id),
         customer_preference.customer_id) AS customer_id
"""

PAUSING: Final = f"""
SELECT {_PERSON} FROM customer_preference
WHERE customer_preference.brand_id = %(brand_id)s AND customer_preference.paused_until > %(pausing_at)s
"""
"""Driver SQL: everybody who wants to hear nothing at this moment. Only those who have set something are looked at."""

MUTING: Final = f"""
SELECT muting.customer_id, unnest(muting.muted_store_nos)
FROM (SELECT {_PERSON}, muted_store_nos FROM customer_preference
      WHERE customer_preference.brand_id = %(brand_id)s) AS muting
"""
"""Driver SQL: everybody with each store that she wants to hear nothing from."""
