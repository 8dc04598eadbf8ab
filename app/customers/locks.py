"""Locks on customers: by name before they exist, by row from then on."""

from collections.abc import Callable, Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.models import Customer
from tenants.problems import NotFound
from tenants.session import ScopedSession

# Each row of the answer needs the brand's lock before its own is taken.
_LOCK_NAMES = text(
    "WITH brand AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(hashtextextended(:all_names, 0)))"
    " SELECT pg_advisory_xact_lock(key) FROM brand, (SELECT DISTINCT hashtextextended(name, 0) AS key"
    " FROM unnest(CAST(:names AS text[])) AS name ORDER BY key) AS keys"
)
_LOCK_ALL_NAMES = text("SELECT pg_advisory_xact_lock(hashtextextended(:all_names, 0))")


def lock_names(session: ScopedSession, names: Iterable[str]) -> None:
    """Hold these names of the brand (such as `phone:+8190…`) until the transaction ends.

    Whoever looks a person up by a name and creates her if there is none locks the name first: otherwise two at once
    would create two. All names are locked in one order, before any row, so that nobody waits in a circle.
    """
    wanted = [f"{session.scope.brand_id}:{name}" for name in names]
    if wanted:
        session.execute(_LOCK_NAMES, {"names": wanted, "all_names": _all_names(session)})


def lock_all_names(session: ScopedSession) -> None:
    """Hold every name of the brand until the transaction ends, first of all in it and for a moment only.

    For those who look thousands of people up at once: so many locks of their own would fill the table of locks.
    """
    session.execute(_LOCK_ALL_NAMES, {"all_names": _all_names(session)})


def _all_names(session: ScopedSession) -> str:
    return f"{session.scope.brand_id}:"


def lock_customers(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Lock these people's rows for change, and read them as they stand now, by the ids asked for and their own.

    Who was merged into another is that other: several ids may name one person. Those erased or unknown are left out.
    The lock lets others refer to the row meanwhile. Rows are locked in the order of their ids.
    """
    return _lock_while(session, customer_ids, lambda locked: True) or {}


def _lock_while(
    session: ScopedSession, customer_ids: Collection[UUID], is_right: Callable[[dict[UUID, Customer]], bool]
) -> dict[UUID, Customer] | None:
    """The people locked, if that is right once they are; else None, and all are let go.

    What turns out wrong must be let go from the savepoint in which it was locked: whoever waits for a row that was
    locked in a savepoint since released waits for the whole transaction, whatever is rolled back later.
    """
    ids = {customer_id: customer_id for customer_id in customer_ids}
    session.flush()
    while ids:
        session.connection().exec_driver_sql("SAVEPOINT people")
        rows = lock_rows(session, set(ids.values()))
        is_settled = all(row.merged_into_id is None for row in rows.values()) and _stand_for(session, ids)
        locked = rows | {asked: rows[customer_id] for asked, customer_id in ids.items() if customer_id in rows}
        if is_settled and is_right(locked):
            session.connection().exec_driver_sql("RELEASE SAVEPOINT people")
            return locked
        # All are let go and locked anew: to hold some while waiting for another would not be in the order of the ids.
        session.connection().exec_driver_sql("ROLLBACK TO SAVEPOINT people; RELEASE SAVEPOINT people")
        if is_settled:
            return None
        ids = ids | _find_survivors(session, ids)
    return {} if is_right({}) else None


def _stand_for(session: ScopedSession, ids: Mapping[UUID, UUID]) -> bool:
    """Whether ids still stand for the locked people whom they were found to: a merge may have been undone meanwhile."""
    former = {asked: customer_id for asked, customer_id in ids.items() if asked != customer_id}
    return not former or _find_survivors(session, former) == former


def _find_survivors(session: ScopedSession, customer_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    rows = select(Customer.id, Customer.merged_into_id).where(col(Customer.id).in_(list(customer_ids)))
    return {row[0]: row[1] or row[0] for row in session.exec(rows).all()}


def lock_found(session: ScopedSession, find: Callable[[], Collection[UUID]]) -> dict[UUID, Customer]:
    """Lock the people whom `find` finds in rows of theirs, as `lock_customers` does, and who still are once locked.

    A merge or its undoing may give such a row to somebody else while one waits. Then all are let go and found anew.
    """
    locked = None
    while locked is None:
        found = set(find())
        locked = _lock_while(session, found, lambda locked: found.union(locked).issuperset(find()))  # noqa: B023
    return locked


def lock_rows(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Lock these rows themselves, also of those who were merged into another; the rows of the erased are left out."""
    rows = (
        select(Customer)
        .where(col(Customer.id).in_(customer_ids), col(Customer.erased_at).is_(None))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in session.exec(rows).all()}


def lock_customer(session: ScopedSession, customer_id: UUID) -> Customer:
    """Lock one person's row for change, and read it as it stands now: the survivor's, if merged. Raises NotFound."""
    locked = lock_customers(session, [customer_id])
    if customer_id not in locked:
        raise NotFound
    return locked[customer_id]
