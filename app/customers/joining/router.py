"""Merges and conflicts over HTTP."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers import showing
from app.customers.joining import conflicts, queries, service
from app.customers.joining.models import CustomerConflict, CustomerMerge
from app.customers.joining.schemas import CustomerConflictRead, CustomerMergeRead, MergeCreate
from app.customers.queries import map_present
from app.paging import PagingParams, list_page, make_page
from app.routes import ApiRoute
from app.schemas import CustomerConflictId, CustomerId, CustomerMergeId, Page
from tenants.session import ScopedSession as Session

on_customers = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=ApiRoute)
merges = APIRouter(prefix="/v1/customer-merges", tags=["customers"], route_class=ApiRoute)
found = APIRouter(prefix="/v1/customer-conflicts", tags=["customers"], route_class=ApiRoute)
routers = [on_customers, merges, found]

MERGE = allow("customers:merge")


@on_customers.post("/merge", dependencies=[MERGE])
def merge_customers(body: MergeCreate, session: BrandWide, caller: Caller, now: Now) -> CustomerMergeRead:
    """Make two customers one. Head office only, since both are the whole brand's.

    All that is `from`'s becomes `into`'s: LINE identities, friendships, orders, visits, coupons, notes, events. `into`
    keeps what she has; what was empty is filled. Of consents the stricter holds. The old id goes on working.
    """
    merge = service.merge(
        session,
        body.from_id,
        body.into_id,
        source="api",
        proof={"asked_by": caller.kind},
        merged_by=caller.name,
        now=now,
    )
    return _read(session, [merge], caller)[0]


@merges.get("", dependencies=[MERGE])
def list_merges(
    session: ScopedSession, caller: Caller, paging: PagingParams, customer_id: CustomerId | None = None
) -> Page[CustomerMergeRead]:
    """Merges, the newest first, those that were undone too; or those in which one customer had a part."""
    rows, next_cursor = list_page(session, queries.list_merges(customer_id), CustomerMerge.id, paging)
    return Page(items=_read(session, rows, caller), next_cursor=next_cursor)


@merges.get("/{customer_merge_id}", dependencies=[MERGE])
def get_merge(customer_merge_id: CustomerMergeId, session: ScopedSession, caller: Caller) -> CustomerMergeRead:
    """One merge."""
    return _read(session, [queries.get_merge(session, customer_merge_id)], caller)[0]


@merges.post("/{customer_merge_id}/undo", dependencies=[MERGE])
def undo_merge(customer_merge_id: CustomerMergeId, session: BrandWide, caller: Caller, now: Now) -> CustomerMergeRead:
    """Make two people of one again, as they were before.

    What somebody changed since stays with the survivor. What happened since goes to the one whose LINE identity,
    friendship, coupon or order caused it, else it stays. Of several merges the last is undone first.
    """
    merge = service.undo(session, customer_merge_id, undone_by=caller.name, now=now)
    return _read(session, [merge], caller)[0]


IsOpen = Annotated[bool | None, Query(alias="open", description="Those that wait for somebody, or those settled.")]


@found.get("", dependencies=[MERGE])
def list_conflicts(session: ScopedSession, paging: PagingParams, is_open: IsOpen = None) -> Page[CustomerConflictRead]:
    """Conflicts, the newest first: keys that name several people, seen when somebody was recorded or linked."""
    return make_page(session, queries.list_conflicts(is_open), CustomerConflict.id, paging, _read_conflict)


@found.get("/{customer_conflict_id}", dependencies=[MERGE])
def get_conflict(customer_conflict_id: CustomerConflictId, session: ScopedSession) -> CustomerConflictRead:
    """One conflict."""
    return _read_conflict(queries.get_conflict(session, customer_conflict_id))


@found.post("/{customer_conflict_id}/dismiss", dependencies=[MERGE])
def dismiss_conflict(
    customer_conflict_id: CustomerConflictId, session: ScopedSession, now: Now
) -> CustomerConflictRead:
    """Settle a conflict: they are different people. To say that they are one, merge them."""
    return _read_conflict(conflicts.dismiss(session, customer_conflict_id, now))


def _read(session: Session, rows: Sequence[CustomerMerge], caller: CallerInfo) -> list[CustomerMergeRead]:
    session.flush()
    people = map_present(session, {row.into_customer_id for row in rows})
    shown = showing.read_customers(session, list({one.id: one for one in people.values()}.values()), caller.scope)
    by_id = {one.id: one for one in shown}
    reads = []
    for row in rows:
        person = people.get(row.into_customer_id)
        reads.append(
            CustomerMergeRead(
                id=row.id,
                from_customer_id=row.from_customer_id,
                into_customer_id=row.into_customer_id,
                source=row.source,
                proof=row.proof,
                merged_at=row.created_at,
                merged_by=row.merged_by,
                undone_at=row.undone_at,
                undone_by=row.undone_by,
                customer=by_id.get(person.id) if person is not None else None,
            )
        )
    return reads


def _read_conflict(row: CustomerConflict) -> CustomerConflictRead:
    return CustomerConflictRead(
        id=row.id,
        customer_ids=row.customer_ids,
        keys=row.keys,
        source=row.source,
        first_seen_at=row.created_at,
        last_seen_at=row.seen_at,
        seen_count=row.seen_count,
        resolved_at=row.resolved_at,
        resolution=row.resolution,
    )
