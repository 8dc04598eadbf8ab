"""Customers and tags over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers import queries, service, showing
from app.customers.by_segment import chosen_by
from app.customers.erasing.schemas import CustomerErased
from app.customers.erasing.service import erase
from app.customers.linking.proofs import KEPT_APART
from app.customers.linking.queries import find_kept_apart
from app.customers.models import Customer, Friend
from app.customers.schemas import (
    CustomerRead,
    CustomerUpdate,
    CustomerUpsert,
    FriendRead,
    KeptApart,
    TimelineRead,
)
from app.customers.timeline import read_timeline
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, Instant, Name, Page, SegmentId, StoreId
from tenants.session import ScopedSession as Session
from tenants.stores.models import Store

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=ApiRoute)
tags = APIRouter(prefix="/v1/tags", tags=["tags"], route_class=ApiRoute)
routers = [router, tags]

Words = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        description="Part of name, its reading, LINE display name, member number or e-mail address; a phone number, or"
        " its last four digits or more; or all of an `external_id` or of an id in another system.",
    ),
]
TagName = Annotated[str | None, Query(min_length=1, max_length=200, description="A tag's id or name.")]
TagPath = Annotated[Name, Path(description="A tag's id or name.")]


@router.get("", dependencies=[allow("customers:read")])
def list_customers(
    session: ScopedSession,
    caller: Caller,
    paging: PagingParams,
    now: Now,
    q: Words = None,
    tag: TagName = None,
    store_id: StoreId | None = None,
    segment_id: SegmentId | None = None,
    updated_after: Instant | None = None,
) -> Page[CustomerRead]:
    """Customers of the brand, or those tied to the caller's stores."""
    filters = queries.CustomerFilters(
        q=q,
        tag=tag,
        store_no=caller.store(session, store_id).no if store_id else None,
        chosen=chosen_by(session, segment_id, now) if segment_id else None,
        updated_after=updated_after,
    )
    rows, next_cursor = list_page(session, queries.list_customers(session, filters), Customer.id, paging)
    return Page(items=showing.read_customers(session, rows, caller.scope), next_cursor=next_cursor)


KNOWN: dict[int | str, dict[str, Any]] = {200: {"model": CustomerRead, "description": "Known before, and changed."}}


@router.post("", status_code=201, responses=KNOWN, dependencies=[allow("customers:write")])
def upsert_customer(
    body: CustomerUpsert, response: Response, *, session: BrandWide, caller: Caller, now: Now
) -> CustomerRead:
    """Create a customer, or change the one whom external_id, member_number, phone, email or external_ids name.

    Answers 201 for a new person and 200 for a known one. A store's key gets 200 either way, and the customer is tied to
    its store. What the brand or another store wrote of a person stays. Of one whom the store did not see before it is
    not told either: the answer holds what the body said, as for a new person.
    """
    changes = body.model_dump(exclude_unset=True, exclude={"store_id"})
    store = caller.owner(session, body.store_id)
    home = _home_store(session, caller, body)
    upserted = service.upsert_customer(session, changes, scope=caller.scope, home_store=home, store=store, now=now)
    if not upserted.is_new or caller.is_stores:
        response.status_code = 200
    if upserted.told is not None:
        return showing.read_told(session, upserted.told, upserted.named)
    return showing.read_customer(session, upserted.customer, caller.scope)


@router.get("/{customer_id}", dependencies=[allow("customers:read")])
def get_customer(customer_id: CustomerId, session: ScopedSession, caller: Caller) -> CustomerRead:
    """One customer."""
    return showing.read_customer(session, queries.get_customer(session, customer_id), caller.scope)


@router.patch("/{customer_id}", dependencies=[allow("customers:write")])
def change_customer(
    customer_id: CustomerId,
    body: CustomerUpdate,
    *,
    session: BrandWide,
    caller: Caller,
    if_match: Precondition,
    now: Now,
) -> CustomerRead:
    """Change a customer; attributes are merged name by name.

    A store fills in what is empty and changes what it wrote itself; what the brand or another store wrote of a
    customer who is not at home in it answers 409.
    """
    queries.get_customer(session, customer_id, caller.scope)
    customer = service.change_customer(
        session,
        customer_id,
        body.model_dump(exclude_unset=True),
        scope=caller.scope,
        home_store=_home_store(session, caller, body),
        check=lambda locked: if_match.check(showing.read_customer(session, locked, caller.scope)),
        now=now,
    )
    return showing.read_customer(session, customer, caller.scope)


@router.delete("/{customer_id}", status_code=202, dependencies=[allow("customers:erase")])
def erase_customer(customer_id: CustomerId, session: BrandWide, caller: Caller, now: Now) -> CustomerErased:
    """Erase a person's data, for good; the receipt tells how much there was, and nothing of her.

    Head office only, since she is the whole brand's customer.
    """
    found = queries.get_customer(session, customer_id, caller.scope)
    receipt = erase(session, found.id, now, asked_by=caller.name)
    return CustomerErased(id=receipt.customer_id, erased_at=receipt.erased_at, receipt_id=receipt.id)


@router.get("/{customer_id}/timeline", dependencies=[allow("customers:read")])
def list_timeline(customer_id: CustomerId, session: ScopedSession, paging: PagingParams) -> Page[TimelineRead]:
    """What happened to a customer, newest first; a store sees what happened at its stores.

    Beside the events of the feed there is `message.sent` for what campaigns and weather rules sent to her, with its
    `status` and its place where the sending began; and `customer.created` of those whom a file brought.
    """
    events, next_cursor = read_timeline(session, queries.get_customer(session, customer_id), paging)
    return Page(items=[TimelineRead.model_validate(event) for event in events], next_cursor=next_cursor)


@router.get("/{customer_id}/friends", dependencies=[allow("customers:read")])
def list_friends(customer_id: CustomerId, session: ScopedSession, paging: PagingParams) -> Page[FriendRead]:
    """The accounts that a customer follows, has blocked, or only wrote to."""
    customer = queries.get_customer(session, customer_id)
    friends, next_cursor = list_page(session, queries.list_friends(customer.id), Friend.id, paging)
    apart = find_kept_apart(session, {friend.identity_id for friend in friends})
    why = KeptApart(detail=KEPT_APART[0], detail_ja=KEPT_APART[1])
    items = [
        FriendRead.model_validate({**friend.model_dump(), "kept_apart": why if friend.identity_id in apart else None})
        for friend in friends
    ]
    return Page(items=items, next_cursor=next_cursor)


def _home_store(session: Session, caller: CallerInfo, body: CustomerUpdate) -> Store | None:
    return caller.store(session, body.home_store_id) if body.home_store_id else None
