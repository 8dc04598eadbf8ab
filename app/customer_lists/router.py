"""Lists of customers over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customer_lists import queries, service
from app.customer_lists.models import CustomerList, CustomerListMember
from app.customer_lists.schemas import (
    CustomerListCreate,
    CustomerListPatch,
    CustomerListRead,
    MemberItem,
    MemberRead,
    MembersAdd,
    MembersRead,
)
from app.paging import PagingParams, list_page, make_page
from app.problems import describe
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, CustomerListId, Page
from tenants.problems import PermissionMissing, Problem
from tenants.session import ScopedSession as Session

router = APIRouter(prefix="/v1/customer-lists", tags=["customer lists"], route_class=ApiRoute)
routers = [router]

Archived = Annotated[bool, Query(description="Those that were put away, instead of those in use.")]


@router.get("", dependencies=[allow("customers:read")])
def list_customer_lists(
    session: ScopedSession, paging: PagingParams, archived: Archived = False
) -> Page[CustomerListRead]:
    """Lists of customers: the brand's, and those of the caller's stores."""
    rows, next_cursor = list_page(session, queries.list_lists(archived=archived), CustomerList.id, paging)
    return Page(items=_show(session, rows), next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("customers:write")])
def create_customer_list(
    body: CustomerListCreate, session: ScopedSession, caller: Caller, now: Now
) -> CustomerListRead:
    """Make a list, empty or of those whom a campaign left out; this needs `campaigns:read` too.

    `"from": {"campaign_id": "cmp_…", "reasons": ["quota"]}` puts everybody on it whom the campaign's run left out for
    one of these reasons, as it stands at this moment: to write to them later, name the list in a campaign's audience.
    A store gets those whose delivery was its own.
    """
    owner = caller.owner(session, body.store_id)
    made = service.create_list(session, name=body.name, description=body.description, owner=owner, now=now)
    if body.from_ is not None:
        caller.require("campaigns:read")
        service.add_not_reached(session, made, body.from_.campaign_id, body.from_.reasons, now)
    return _show(session, [made])[0]


@router.get("/{list_id}", dependencies=[allow("customers:read")])
def get_customer_list(list_id: CustomerListId, session: ScopedSession) -> CustomerListRead:
    """One list."""
    return _show(session, [queries.get_list(session, list_id)])[0]


@router.patch("/{list_id}", dependencies=[allow("customers:write")])
def update_customer_list(
    list_id: CustomerListId, body: CustomerListPatch, session: ScopedSession, caller: Caller, if_match: Precondition
) -> CustomerListRead:
    """Change the name or description of a list of the caller's own."""
    chosen = _own(session, caller, list_id)
    if_match.check(_show(session, [chosen])[0])
    service.change_list(session, chosen, {name: getattr(body, name) for name in body.model_fields_set})
    return _show(session, [chosen])[0]


@router.delete("/{list_id}", status_code=204, dependencies=[allow("customers:write")])
def archive_customer_list(list_id: CustomerListId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Put a list of the caller's own away: no campaign can name it any more."""
    service.archive_list(session, _own(session, caller, list_id), now)


@router.get("/{list_id}/members", dependencies=[allow("customers:read")])
def list_customer_list_members(
    list_id: CustomerListId, session: ScopedSession, paging: PagingParams
) -> Page[MemberRead]:
    """Who is on a list, of those whom the caller may see."""
    chosen = queries.get_list(session, list_id)
    rows = queries.list_members(chosen.id)
    return make_page(session, rows, CustomerListMember.customer_id, paging, MemberRead.model_validate)


@router.post("/{list_id}/members", dependencies=[allow("customers:write")])
def add_customer_list_members(
    list_id: CustomerListId, body: MembersAdd, session: ScopedSession, caller: Caller, now: Now
) -> MembersRead:
    """Put up to 1,000 people on a list of the caller's own, whom it sees, and say what became of each."""
    outcomes = service.add_members(session, _own(session, caller, list_id), body.items, now)
    return MembersRead(items=[_item(index, outcome) for index, outcome in enumerate(outcomes)])


@router.delete("/{list_id}/members/{customer_id}", status_code=204, dependencies=[allow("customers:write")])
def remove_customer_list_member(
    list_id: CustomerListId, customer_id: CustomerId, session: ScopedSession, caller: Caller
) -> None:
    """Take somebody off a list of the caller's own."""
    service.remove_member(session, _own(session, caller, list_id), customer_id)


def _own(session: Session, caller: CallerInfo, list_id: CustomerListId) -> CustomerList:
    """A list that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    chosen = queries.get_list(session, list_id)
    if not caller.scope.sees_store(chosen.store_no):
        raise PermissionMissing("customers:write")
    session.refresh(chosen, with_for_update={"key_share": True})
    return chosen


def _show(session: Session, rows: Sequence[CustomerList]) -> list[CustomerListRead]:
    counts = queries.count_members(session, [row.id for row in rows])
    return [CustomerListRead.model_validate(row.model_dump() | {"customers": counts.get(row.id, 0)}) for row in rows]


def _item(index: int, outcome: Any) -> MemberItem:
    if isinstance(outcome, Problem):
        return MemberItem(index=index, status=outcome.status, id=None, problem=describe(outcome))
    customer_id, is_new = outcome
    return MemberItem(index=index, status=201 if is_new else 200, id=customer_id, problem=None)
