"""Tags over HTTP, and on a customer."""

from typing import Annotated

from fastapi import APIRouter, Path

from app.auth import BrandWide, Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.customers import queries, showing
from app.customers.models import CustomerTag, Tag
from app.customers.schemas import CustomerRead
from app.customers.tags import service
from app.customers.tags.queries import list_carried, map_tags
from app.customers.tags.schemas import CarriedRead, TagCreate, TagPut, TagRead, TagUpdate
from app.paging import PagingParams, list_page, make_page
from app.routes import ApiRoute, Precondition
from app.schemas import CustomerId, Name, Page, TagId
from tenants.ids import decode_id
from tenants.problems import Invalid, NotFound, PermissionMissing
from tenants.session import ScopedSession as Session

tags = APIRouter(prefix="/v1/tags", tags=["tags"], route_class=ApiRoute)
on_customers = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=ApiRoute)
routers = [tags, on_customers]

TagPath = Annotated[Name, Path(description="A tag's id or name.")]


@on_customers.get("/{customer_id}/tags", dependencies=[allow("customers:read")])
def list_customer_tags(customer_id: CustomerId, session: ScopedSession, paging: PagingParams) -> Page[CarriedRead]:
    """The tags that a customer carries: the brand's, and those of the caller's stores."""
    customer = queries.get_customer(session, customer_id)
    rows, next_cursor = list_page(session, list_carried(customer.id), CustomerTag.tag_id, paging)
    tags = map_tags(session, [row.tag_id for row in rows])
    return Page(items=[_carried(row, tags[row.tag_id]) for row in rows], next_cursor=next_cursor)


@on_customers.put("/{customer_id}/tags/{tag}", dependencies=[allow("customers:write")])
def tag_customer(
    customer_id: CustomerId,
    tag: TagPath,
    *,
    session: BrandWide,
    caller: Caller,
    now: Now,
    body: TagPut | None = None,
) -> CustomerRead:
    """Put a tag on a customer. A name that no tag has yet makes one: a store's own for its key, else the brand's.

    `expires_at` says when it comes off again; null, or no body for a tag that is new to her, is never. Without a body a
    tag that she carries keeps its end. From then on it is the caller's: no auto-tag takes it off.
    """
    if body is not None and body.expires_at is not None and body.expires_at <= now:
        raise Invalid.at("/expires_at", "Must lie in the future.")
    queries.get_customer(session, customer_id, caller.scope)
    chosen = _find_writable(session, caller, tag)
    if chosen is None:
        chosen = service.find_or_create_tag(session, tag, caller.owner(session, None), now)
    end = None if body is None else service.End(body.expires_at)
    customer = service.tag(session, customer_id, [chosen], source="api", end=end, now=now)
    return showing.read_customer(session, customer, caller.scope)


@on_customers.delete("/{customer_id}/tags/{tag}", status_code=204, dependencies=[allow("customers:write")])
def untag_customer(customer_id: CustomerId, tag: TagPath, session: BrandWide, caller: Caller, now: Now) -> None:
    """Take a tag off a customer."""
    queries.get_customer(session, customer_id, caller.scope)
    chosen = _find_writable(session, caller, tag)
    if chosen is None:
        raise NotFound
    service.untag(session, customer_id, [chosen], now=now)


@tags.get("", dependencies=[allow("customers:read")])
def list_tags(session: ScopedSession, paging: PagingParams) -> Page[TagRead]:
    """The brand's tags, and those of the caller's stores."""
    return make_page(session, queries.list_tags(), Tag.id, paging, TagRead.model_validate)


@tags.post("", status_code=201, dependencies=[allow("customers:write")])
def create_tag(body: TagCreate, session: ScopedSession, caller: Caller, now: Now) -> TagRead:
    """Create a tag; a store's key creates its store's."""
    owner = caller.owner(session, body.store_id)
    return TagRead.model_validate(service.create_tag(session, body.name, owner, now))


@tags.get("/{tag_id}", dependencies=[allow("customers:read")])
def get_tag(tag_id: TagId, session: ScopedSession) -> TagRead:
    """One tag."""
    return TagRead.model_validate(queries.get_tag(session, tag_id))


@tags.patch("/{tag_id}", dependencies=[allow("customers:write")])
def change_tag(
    tag_id: TagId, body: TagUpdate, session: ScopedSession, caller: Caller, if_match: Precondition
) -> TagRead:
    """Rename a tag of the caller's own."""
    tag = _own(session, caller, tag_id)
    if_match.check(TagRead.model_validate(tag))
    return TagRead.model_validate(service.change_tag(session, tag, body.name))


@tags.delete("/{tag_id}", status_code=204, dependencies=[allow("customers:write")])
def archive_tag(tag_id: TagId, session: ScopedSession, caller: Caller, now: Now) -> None:
    """Take a tag of the caller's own out of use."""
    service.archive_tag(session, _own(session, caller, tag_id), now)


def _carried(row: CustomerTag, tag: Tag) -> CarriedRead:
    return CarriedRead(
        tag_id=tag.id,
        name=tag.name,
        store_id=tag.store_id,
        source=row.source,
        tagged_at=row.tagged_at,
        expires_at=row.expires_at,
    )


def _own(session: Session, caller: CallerInfo, tag_id: TagId) -> Tag:
    """A tag that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    tag = queries.get_tag(session, tag_id)
    if not caller.scope.sees_store(tag.store_no):
        raise PermissionMissing("customers:write")
    session.refresh(tag, with_for_update={"key_share": True})
    return tag


def _find_writable(session: Session, caller: CallerInfo, tag: str) -> Tag | None:
    """The tag of this id or name that the caller may put on people: the brand's before a store's.

    None for a name that no tag has. Raises NotFound for an unknown id, PermissionMissing for head office's tag.
    """
    seen = [
        one
        for one in queries.list_tags_named(session, tag)
        if one.store_no is None or caller.scope.sees_store(one.store_no)
    ]
    mine = [one for one in seen if caller.scope.sees_store(one.store_no)]
    if mine:
        return mine[0]
    if seen:
        raise PermissionMissing("customers:write")
    try:
        decode_id("tag", tag)
    except ValueError:
        return None
    raise NotFound
