"""Holding two people, by all their names and rows, while they are made one or two again."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from app.customers.locks import lock_names, lock_rows
from app.customers.models import Customer
from tenants.problems import Conflict, NotFound
from tenants.session import ScopedSession

MOST_TRIES = 10


def hold_people(session: ScopedSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Lock the customers whom these ids stand for, and every name by which they are found; by the ids asked for.

    Names first, then rows, as everybody does. What is learnt only then, such as that one was merged meanwhile, is
    learnt anew with nothing held. Begin with it: who holds other people's rows already may wait in a circle. Raises
    NotFound for one who is unknown or erased.
    """
    session.flush()
    for _ in range(MOST_TRIES):
        session.connection().exec_driver_sql("SAVEPOINT pair")
        of = dict(session.exec(_SURVIVORS.where(col(Customer.id).in_(customer_ids))).all())
        if len(of) < len(set(customer_ids)):
            raise NotFound
        survivors = {asked: merged_into or asked for asked, merged_into in of.items()}
        names = _list_names(session, set(survivors.values()))
        lock_names(session, names)
        rows = lock_rows(session, set(survivors.values()))
        if len(rows) < len(set(survivors.values())):
            raise NotFound
        is_settled = all(row.merged_into_id is None for row in rows.values())
        if is_settled and _list_names(session, rows) <= names:
            session.connection().exec_driver_sql("RELEASE SAVEPOINT pair")
            return {asked: rows[customer_id] for asked, customer_id in survivors.items()}
        session.connection().exec_driver_sql("ROLLBACK TO SAVEPOINT pair; RELEASE SAVEPOINT pair")
    raise Conflict("These people are being changed over and over; try again.")


def hold_merged(session: ScopedSession, from_id: UUID, into_id: UUID) -> tuple[Customer, Customer]:
    """Lock one who was merged and her survivor, and every name by which they are found. Raises Conflict if erased."""
    session.flush()
    for _ in range(MOST_TRIES):
        session.connection().exec_driver_sql("SAVEPOINT pair")
        names = _list_names(session, {from_id, into_id})
        lock_names(session, names)
        rows = lock_rows(session, {from_id, into_id})
        if len(rows) < 2:
            raise Conflict("One of them has been erased; what was hers is gone.")
        if _list_names(session, rows) <= names:
            session.connection().exec_driver_sql("RELEASE SAVEPOINT pair")
            return rows[from_id], rows[into_id]
        session.connection().exec_driver_sql("ROLLBACK TO SAVEPOINT pair; RELEASE SAVEPOINT pair")
    raise Conflict("These people are being changed over and over; try again.")


_SURVIVORS = select(Customer.id, Customer.merged_into_id).where(col(Customer.erased_at).is_(None))


def _list_names(session: ScopedSession, customer_ids: Collection[UUID]) -> set[str]:
    values = {"brand_id": session.scope.brand_id, "ids": list(customer_ids)}
    return set(session.connection().execute(_NAMES, values).scalars())


_NAMES = text(
    """
    SELECT 'line:' || provider_id || ':' || line_user_id FROM identity
    WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT CASE WHEN system IN ('external_id', 'member_number') THEN '' ELSE 'external:' END
        || system || ':' || value
    FROM external_id WHERE brand_id = :brand_id AND customer_id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT named.key || ':' || named.value
    FROM customer CROSS JOIN LATERAL (
        VALUES ('external_id', external_id), ('member_number', member_number), ('phone', phone), ('email', email)
    ) AS named (key, value)
    WHERE brand_id = :brand_id AND id = ANY(CAST(:ids AS uuid[])) AND named.value IS NOT NULL
    """
)
"""Every name under which `lock_names` holds somebody whom it finds, of those who write to her by a name."""
