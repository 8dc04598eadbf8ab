"""Reads of what people have set for themselves, and the conditions by which sending obeys it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import col, select

from app.customers.preferences.models import CustomerPreference
from tenants.session import ScopedSession
from tenants.stores.models import Store


@dataclass(frozen=True)
class Hours:
    """From and to which time of the brand's day, as `21:00`; they may pass midnight."""

    begin: str
    end: str


@dataclass(frozen=True)
class Wishes:
    """How a person wants to be written to."""

    paused_until: datetime | None = None
    muted_store_nos: frozenset[int] = frozenset()
    hours: Hours | None = None


def list_of(session: ScopedSession, customer_ids: Collection[UUID]) -> Sequence[CustomerPreference]:
    """The rows of a person by all of her ids."""
    hers = select(CustomerPreference).where(col(CustomerPreference.customer_id).in_(customer_ids))
    return session.exec(hers.order_by(col(CustomerPreference.customer_id))).all()


def read_wishes(session: ScopedSession, customer_ids: Collection[UUID], now: datetime) -> Wishes:
    """What holds for a person by all of her ids: the later end of a pause that is not over, every store muted, and the
    hours of the first that has some (sending obeys those of each)."""
    rows = list_of(session, customer_ids)
    pauses = [row.paused_until for row in rows if row.paused_until is not None and row.paused_until > now]
    hours = next((Hours(row.hours["from"], row.hours["to"]) for row in rows if row.hours), None)
    return Wishes(max(pauses, default=None), frozenset(no for row in rows for no in row.muted_store_nos), hours)


def map_stores(session: ScopedSession, store_ids: Collection[UUID]) -> dict[UUID, int]:
    """The numbers of these stores, for those that there are."""
    stores = select(Store.id, Store.no).where(col(Store.id).in_(store_ids), col(Store.archived_at).is_(None))
    return dict(session.exec(stores).all())


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

_BEGIN, _END = "(customer_preference.hours ->> 'from')", "(customer_preference.hours ->> 'to')"
SLEEPING: Final = f"""
SELECT {_PERSON} FROM customer_preference
WHERE customer_preference.brand_id = %(brand_id)s AND jsonb_typeof(customer_preference.hours) = 'object'
  AND NOT CASE WHEN {_BEGIN} < {_END} THEN %(clock)s::text >= {_BEGIN} AND %(clock)s::text < {_END}
               ELSE %(clock)s::text >= {_BEGIN} OR %(clock)s::text < {_END} END
"""
"""Driver SQL: everybody who wants to hear nothing at this hour."""
