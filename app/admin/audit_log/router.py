"""The audit log over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from app.admin.audit_log.schemas import AnyId, AuditEntryRead, Kind, PersonReadRead, PersonReads, WhoId
from app.admin.audit_log.showing import CALLER_PREFIX_OF, read_any_id, show
from app.audit import queries
from app.audit.models import AuditEntry
from app.auth import Caller, ScopedSession, allow
from app.customers.queries import list_ids_of
from app.paging import PagingParams, make_page
from app.routes import ApiRoute
from app.schemas import CustomerId, Instant, Page
from app.sheets import prefers_csv, write_csv
from tenants.problems import Invalid, PermissionMissing

router = APIRouter(prefix="/v1/audit-log", tags=["audit-log"], route_class=ApiRoute)


def require_whole_brand(caller: Caller) -> None:
    """Raises PermissionMissing for who sees some stores only: the log tells of all of them."""
    if caller.is_stores:
        raise PermissionMissing("audit:read")


READ = [allow("audit:read"), Depends(require_whole_brand)]
CallerId = Annotated[WhoId, Query(description="A credential's id: key_…, client_…, staff_…, grant_… or till_….")]
Action = Annotated[
    str, Query(max_length=100, pattern="^[a-z0-9_]+$", description="An operation's name.", examples=["create_store"])
]
After = Annotated[Instant, Query(description="From this instant on.", examples=["2026-11-01T00:00:00Z"])]
Before = Annotated[Instant, Query(description="Until before this instant.", examples=["2026-12-01T00:00:00Z"])]


@router.get("", dependencies=READ)
def list_audit_entries(
    session: ScopedSession,
    paging: PagingParams,
    kind: Kind | None = None,
    action: Action | None = None,
    caller_id: CallerId | None = None,
    object_id: Annotated[AnyId | None, Query(description="What it was done to: any id.")] = None,
    customer_id: CustomerId | None = None,
    after: After | None = None,
    before: Before | None = None,
) -> Page[AuditEntryRead]:
    """Who did what, who read whose data, and who was refused, newest first. Reads appear within seconds."""
    filters = queries.Filters(
        kind=kind,
        action=action,
        caller_id=_read_caller_id(caller_id) if caller_id else None,
        object_id=_read_id(object_id, "object_id")[1] if object_id else None,
        customer_ids=list_ids_of(session, customer_id) if customer_id else None,
        after=after,
        before=before,
    )
    wanted = queries.list_entries(filters)
    return make_page(session, wanted, AuditEntry.id, paging, lambda entry: AuditEntryRead.model_validate(show(entry)))


CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Whom the answers named; all of them at once as CSV.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


COLUMNS = tuple(PersonReadRead.model_fields)


@router.get("/reads", dependencies=READ, responses=CSV, response_model=PersonReads)
def list_persons_read(
    request: Request,
    session: ScopedSession,
    paging: PagingParams,
    caller_id: CallerId,
    after: After,
    before: Before,
) -> Any:
    """Which persons a credential's answers named in a time span: what must be known when a key has leaked.

    With `Accept: text/csv` every person in one answer.
    """
    wanted = _read_caller_id(caller_id)
    queries.take_a_minute(session)
    if prefers_csv(request.headers.get("accept", "")):
        parts = queries.stream_persons(session, wanted, after, before)
        return write_csv(
            COLUMNS, (PersonReadRead.model_validate(one).model_dump(mode="json") for part in parts for one in part)
        )
    total, found = queries.list_persons(session, wanted, after, before, limit=paging.limit + 1, below=paging.after)
    shown = found[: paging.limit]
    return PersonReads(
        items=[PersonReadRead.model_validate(one) for one in shown],
        next_cursor=paging.cursor(shown[-1].customer_id) if len(found) > len(shown) else None,
        total=total,
    )


def _read_caller_id(text: str) -> UUID:
    prefix, value = _read_id(text, "caller_id")
    if prefix not in CALLER_PREFIX_OF.values():
        raise Invalid.at("/query/caller_id", "Must be the id of a credential or of a member of staff.")
    return value


def _read_id(text: str, name: str) -> tuple[str, UUID]:
    try:
        return read_any_id(text)
    except ValueError as error:
        raise Invalid.at(f"/query/{name}", "Must be an id.") from error
