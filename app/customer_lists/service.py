"""Verbs on lists: made, changed, put away; people put on them and taken off."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete

from app.customer_lists import queries
from app.customer_lists.models import CustomerList, CustomerListMember
from app.customer_lists.schemas import MemberKey
from app.customers.queries import list_by_keys, map_present
from app.messaging.queries import find_run_of_campaign
from tenants.problems import Conflict, Invalid, NotFound, Problem
from tenants.session import ScopedSession
from tenants.stores.models import Store

KEYS: Final = ("external_id", "member_number")


def create_list(
    session: ScopedSession, *, name: str, description: str | None, owner: Store | None, now: datetime
) -> CustomerList:
    """A new list of the brand or of a store, with nobody on it."""
    made = CustomerList(name=name, description=description, created_at=now)
    if owner is not None:
        made.store_id, made.store_no = owner.id, owner.no
    session.add(made)
    session.flush()
    return made


def add_not_reached(
    session: ScopedSession, chosen: CustomerList, campaign_id: UUID, reasons: Sequence[str], now: datetime
) -> None:
    """Put everybody on a list whom the campaign's run left out for one of these reasons and reached in no other way.

    A store gets its own of them. Raises Invalid for a campaign that is not there or was never launched.
    """
    run = find_run_of_campaign(session, campaign_id)
    if run is None:
        raise Invalid.at("/from/campaign_id", "There is no such campaign that was launched.")
    connection = session.connection()
    # Of a million people it takes longer than a request's statement may.
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    # As for a freeze: right after a large run the planner still takes its deliveries for a few.
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'; SET LOCAL enable_nestloop = off; SET LOCAL jit = off")
    values = {"list_id": chosen.id, "store_no": chosen.store_no, "run_id": run.id, "reasons": list(reasons), "now": now}
    connection.execute(_ADD_NOT_REACHED, {"brand_id": session.scope.brand_id, **values})
    connection.exec_driver_sql("RESET statement_timeout; RESET work_mem; RESET enable_nestloop; RESET jit")


def change_list(session: ScopedSession, chosen: CustomerList, changes: Mapping[str, Any]) -> None:
    """Change the name or the description. Raises Conflict once it was put away."""
    require_in_use(chosen)
    chosen.sqlmodel_update(dict(changes))
    session.add(chosen)
    session.flush()


def archive_list(session: ScopedSession, chosen: CustomerList, now: datetime) -> None:
    """Put a list away: no campaign can name it any more. Who is on it stays on record."""
    chosen.archived_at = chosen.archived_at or now
    session.add(chosen)
    session.flush()


def add_members(
    session: ScopedSession, chosen: CustomerList, keys: Sequence[MemberKey], now: datetime
) -> list[tuple[UUID, bool] | Problem]:
    """Put people on a list; of each her id and whether she is new there, or why not. Raises Conflict once put away."""
    require_in_use(chosen)
    found = _find_people(session, keys)
    ids = {one for one in found if isinstance(one, UUID)}
    known = queries.list_known_ids(session, chosen.id, ids)
    of_list = {"brand_id": session.scope.brand_id, "list_id": chosen.id, "store_no": chosen.store_no, "added_at": now}
    if ids - known:
        rows = [{**of_list, "customer_id": one} for one in sorted(ids - known)]
        session.connection().execute(insert(CustomerListMember).on_conflict_do_nothing(), rows)
    outcomes: list[tuple[UUID, bool] | Problem] = []
    for one in found:
        outcomes.append(one if isinstance(one, Problem) else (one, one not in known))
        known |= {one} if isinstance(one, UUID) else set()
    return outcomes


def remove_member(session: ScopedSession, chosen: CustomerList, customer_id: UUID) -> None:
    """Take somebody off a list. Raises NotFound if she is not on it, or not to be seen."""
    present = map_present(session, [customer_id]).get(customer_id)
    if present is None or not queries.list_known_ids(session, chosen.id, [present.id]):
        raise NotFound
    session.exec(
        delete(CustomerListMember).where(
            col(CustomerListMember.list_id) == chosen.id, col(CustomerListMember.customer_id) == present.id
        )
    )


def require_in_use(chosen: CustomerList) -> None:
    """Raises Conflict for a list that was put away."""
    if chosen.archived_at is not None:
        raise Conflict("This list was put away.")


def _find_people(session: ScopedSession, keys: Sequence[MemberKey]) -> list[UUID | Problem]:
    """Who each of these is, of those whom the scope sees, or why nobody can be named."""
    by_key: dict[tuple[str, str], set[UUID]] = {}
    for name in KEYS:
        values = {value for key in keys if (value := getattr(key, name)) is not None}
        for customer_id, value in list_by_keys(session, name, values) if values else ():
            by_key.setdefault((name, value), set()).add(customer_id)
    asked = {key.customer_id for key in keys if key.customer_id is not None}
    people = map_present(session, asked.union(*by_key.values()))
    found: list[UUID | Problem] = []
    for key in keys:
        if key.customer_id is not None:
            ids = {key.customer_id}
        else:
            name = next(name for name in KEYS if getattr(key, name) is not None)
            ids = by_key.get((name, getattr(key, name)), set())
        living = {people[one].id for one in ids if one in people}
        found.append(_only(living))
    return found


def _only(ids: set[UUID]) -> UUID | Problem:
    if len(ids) > 1:
        return Conflict("Several people have this key.")
    return next(iter(ids)) if ids else NotFound()


_ADD_NOT_REACHED = text(
    """
    INSERT INTO customer_list_member (brand_id, list_id, customer_id, store_no, added_at)
    SELECT DISTINCT :brand_id, CAST(:list_id AS uuid), customer.id, CAST(:store_no AS int),
           CAST(:now AS timestamptz)
    FROM delivery
    LEFT JOIN batch ON batch.brand_id = delivery.brand_id AND batch.run_id = delivery.run_id
        AND batch.batch_no = delivery.batch_no
    JOIN customer AS asked ON asked.brand_id = delivery.brand_id AND asked.id = delivery.customer_id
    JOIN customer ON customer.brand_id = asked.brand_id AND customer.id = coalesce(asked.merged_into_id, asked.id)
    WHERE delivery.brand_id = :brand_id AND delivery.run_id = :run_id AND customer.erased_at IS NULL
      AND CASE WHEN batch.state = 'stopped' THEN 'stopped' ELSE delivery.reason END = ANY(CAST(:reasons AS text[]))
      AND NOT EXISTS (
          SELECT 1 FROM delivery AS other JOIN batch AS sent ON sent.brand_id = other.brand_id
              AND sent.run_id = other.run_id AND sent.batch_no = other.batch_no AND sent.state <> 'stopped'
          WHERE other.brand_id = :brand_id AND other.run_id = :run_id AND other.customer_id = delivery.customer_id
      )
    """
)
