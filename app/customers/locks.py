"""Locks on customers: by name before they exist, by row from then on."""

from collections.abc import Collection, Iterable
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.models import Customer
from tenants.problems import NotFound
from tenants.session import ScopedSession

_LOCK_NAMES = text(
    "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key"
    " FROM unnest(CAST(:names AS text[])) AS name ORDER BY key) AS keys"
)


def lock_names(session: ScopedSession, names: Iterable[str]) -> None:
    """Hold these names of the brand (such as `phone:+8190…`) until the transaction ends.

    Whoever looks a person up by a name and creates her if there is none locks the name first: otherwise two at once
    would create two. All names are locked in one order, before any row, so that nobody waits in a circle.
    """
    wanted = [f"{session.scope.brand_id}:{name}" for name in names]
    if wanted:
        session.execute(_LOCK_NAMES, {"names": wanted})


def lock_customers(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Lock these people's rows for change, and read them as they stand now; those erased or unknown are left out.

    The lock lets others refer to the row meanwhile. Rows are locked in the order of their ids.
    """
    if not customer_ids:
        return {}
    rows = (
        select(Customer)
        .where(col(Customer.id).in_(customer_ids), col(Customer.erased_at).is_(None))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in session.exec(rows).all()}


def lock_customer(session: ScopedSession, customer_id: UUID) -> Customer:
    """Lock one person's row for change, and read it as it stands now. Raises NotFound."""
    locked = lock_customers(session, [customer_id])
    if customer_id not in locked:
        raise NotFound
    return locked[customer_id]
