"""Templates of messages over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from app.auth import Caller, Now, ScopedSession, allow
from app.callers import CallerInfo
from app.paging import PagingParams, list_page
from app.routes import ApiRoute, Precondition
from app.schemas import MessageTemplateId, Page, StoreId
from app.templates import queries, service
from app.templates.models import MessageTemplate
from app.templates.schemas import (
    BlockName,
    BlockPut,
    MessageTemplateCreate,
    MessageTemplatePatch,
    MessageTemplateRead,
    PreviewBody,
    PreviewRead,
    StoreBlockRead,
    Use,
)
from tenants.brands.queries import get_brand
from tenants.problems import Invalid, PermissionMissing
from tenants.session import ScopedSession as Session
from tenants.stores.models import Store

router = APIRouter(prefix="/v1/message-templates", tags=["message-templates"], route_class=ApiRoute)
routers = [router]

OfStore = Annotated[StoreId | None, Query(description="Which store; of a key of one store, its own.")]
NamedBlock = Annotated[BlockName, Path()]


@router.get("", dependencies=[allow("campaigns:read")])
def list_message_templates(
    session: ScopedSession, paging: PagingParams, use: Use | None = None
) -> Page[MessageTemplateRead]:
    """Templates: head office's, and those of the caller's stores."""
    rows, next_cursor = list_page(session, queries.list_templates(use), MessageTemplate.id, paging)
    return Page(items=[MessageTemplateRead.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[allow("campaigns:write")])
def create_message_template(body: MessageTemplateCreate, session: ScopedSession, caller: Caller) -> MessageTemplateRead:
    """Keep messages to start from, and say which parts of them a store may word its own way."""
    owner = caller.owner(session, body.store_id)
    return MessageTemplateRead.model_validate(service.create(session, body, store=owner))


@router.get("/{message_template_id}", dependencies=[allow("campaigns:read")])
def get_message_template(message_template_id: MessageTemplateId, session: ScopedSession) -> MessageTemplateRead:
    """One template."""
    return MessageTemplateRead.model_validate(queries.get_template(session, message_template_id))


@router.patch("/{message_template_id}", dependencies=[allow("campaigns:write")])
def change_message_template(
    message_template_id: MessageTemplateId,
    body: MessageTemplatePatch,
    session: ScopedSession,
    caller: Caller,
    if_match: Precondition,
) -> MessageTemplateRead:
    """Change a template. Campaigns that were made from it keep their messages; runs keep everything."""
    template = _own(session, caller, message_template_id)
    if_match.check(MessageTemplateRead.model_validate(template))
    service.change(session, template, body)
    return MessageTemplateRead.model_validate(template)


@router.delete("/{message_template_id}", status_code=204, dependencies=[allow("campaigns:write")])
def archive_message_template(
    message_template_id: MessageTemplateId, session: ScopedSession, caller: Caller, now: Now
) -> None:
    """Put a template away. Campaigns that were made from it go on."""
    service.archive(session, _own(session, caller, message_template_id), now)


@router.get("/{message_template_id}/blocks", dependencies=[allow("campaigns:read")])
def list_store_blocks(
    message_template_id: MessageTemplateId, session: ScopedSession, caller: Caller, store_id: OfStore = None
) -> Page[StoreBlockRead]:
    """Every block of a template as it stands at one store; for head office that names none, as it stands by default."""
    template = queries.get_template(session, message_template_id)
    store = caller.owner(session, store_id)
    worded = queries.list_blocks(session, template.id, [store.no]) if store is not None else []
    own = {block.name: block.value for block in worded}
    items = [
        StoreBlockRead(
            store_id=store.id if store is not None else None,
            name=block["name"],
            value=own.get(block["name"], block["default"]),
            is_own=block["name"] in own,
        )
        for block in template.blocks
    ]
    return Page(items=items, next_cursor=None)


@router.put("/{message_template_id}/blocks/{block_name}", dependencies=[allow("campaigns:write")])
def put_store_block(
    message_template_id: MessageTemplateId,
    block_name: NamedBlock,
    body: BlockPut,
    session: ScopedSession,
    caller: Caller,
    now: Now,
) -> StoreBlockRead:
    """Word a block for one store. Campaigns that are launched from now on say it so."""
    template = queries.get_template(session, message_template_id)
    store = _store(session, caller, body.store_id, "/store_id")
    own = service.word(session, template, block_name, store=store, value=body.value, is_store=caller.is_stores, now=now)
    return StoreBlockRead(store_id=store.id, name=own.name, value=own.value, is_own=True)


@router.delete("/{message_template_id}/blocks/{block_name}", status_code=204, dependencies=[allow("campaigns:write")])
def delete_store_block(
    message_template_id: MessageTemplateId,
    block_name: NamedBlock,
    session: ScopedSession,
    caller: Caller,
    store_id: Annotated[StoreId, Query(description="At which store.")],
) -> None:
    """Have a block say at a store what it says everywhere."""
    template = queries.get_template(session, message_template_id)
    store = _store(session, caller, store_id, "/query/store_id")
    service.unword(session, template, block_name, store=store, is_store=caller.is_stores)


@router.post("/{message_template_id}/preview", dependencies=[allow("campaigns:read")])
def preview_message_template(
    message_template_id: MessageTemplateId, body: PreviewBody, session: ScopedSession, caller: Caller
) -> PreviewRead:
    """The messages as people of a store would get them. Nothing is written or sent."""
    template = queries.get_template(session, message_template_id)
    store = caller.store(session, body.store_id) if body.store_id is not None else None
    messages, detail = service.preview(
        session, template, store=store, brand_name=get_brand(session, session.scope.brand_id).name
    )
    return PreviewRead(messages=messages, detail=detail)


def _store(session: Session, caller: CallerInfo, store_id: UUID | None, pointer: str) -> Store:
    """The store that a caller names, or its key's only one. Raises NotFound, Invalid."""
    store = caller.owner(session, store_id)
    if store is None:
        raise Invalid.at(pointer, "Name a store.")
    return store


def _own(session: Session, caller: CallerInfo, template_id: UUID) -> MessageTemplate:
    """A template that the caller may change, locked. Raises NotFound, or PermissionMissing for head office's."""
    if not caller.scope.sees_store(queries.get_template(session, template_id).store_no):
        raise PermissionMissing("campaigns:write")
    return queries.lock_template(session, template_id)
