"""Templates of messages: kept, changed, worded by stores, shown as a store's customers would see them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.messaging.content.fields import Look, link, media_url
from app.messaging.render import BLOCKS, SAMPLES, VARIABLES, Template, Unfillable, check_messages
from app.messaging.store_values import write_store_values
from app.templates import queries
from app.templates.models import MessageTemplate, TemplateBlock
from app.templates.schemas import MessageTemplateCreate, MessageTemplatePatch
from tenants.problems import Conflict, Invalid, NotFound
from tenants.session import ScopedSession
from tenants.stores.models import Store

_ADDRESSES = {"image": media_url, "url": link}


def create(session: ScopedSession, body: MessageTemplateCreate, *, store: Store | None) -> MessageTemplate:
    """A new template, of head office or of a store. Raises Invalid."""
    blocks = [block.model_dump() for block in body.blocks]
    _check(body.messages, blocks)
    template = MessageTemplate(
        name=body.name,
        use=body.use,
        messages=body.messages,
        blocks=blocks,
        store_id=store.id if store else None,
        store_no=store.no if store else None,
    )
    session.add(template)
    session.flush()
    return template


def change(session: ScopedSession, template: MessageTemplate, body: MessageTemplatePatch) -> None:
    """Change a template; what stores worded of a block that is gone, or of another kind, is forgotten.

    Raises Invalid.
    """
    if body.name is not None:
        template.name = body.name
    if body.use is not None:
        template.use = body.use
    messages = template.messages if body.messages is None else body.messages
    blocks = template.blocks if body.blocks is None else [block.model_dump() for block in body.blocks]
    _check(messages, blocks)
    kept = {(block["name"], block["kind"]) for block in template.blocks} & {
        (one["name"], one["kind"]) for one in blocks
    }
    template.messages, template.blocks = messages, blocks
    session.add(template)
    for own in queries.list_blocks(session, template.id):
        if own.name not in {name for name, _ in kept}:
            session.delete(own)
    session.flush()


def archive(session: ScopedSession, template: MessageTemplate, now: datetime) -> None:
    """Put a template away; campaigns that come from it keep what they have."""
    template.archived_at = now
    session.add(template)


def _check(messages: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> None:
    """Refuse messages that LINE would not take with the blocks as they stand by default."""
    template = check_messages(messages, with_blocks=True)
    names = {block["name"] for block in blocks}
    unknown = sorted(one for one in template.variables if one.startswith(BLOCKS) and one[len(BLOCKS) :] not in names)
    if unknown:
        raise Invalid.at("/messages", f"There is no {unknown[0]} among the blocks.")
    for index, block in enumerate(blocks):
        _check_value(template, block, block["default"], f"/blocks/{index}/default")


def _check_value(template: Template, block: Mapping[str, Any], value: str, pointer: str) -> None:
    """Refuse what cannot stand in a block. Raises Invalid."""
    if "{{" in value or "}}" in value:
        raise Invalid.at(pointer, "A block holds plain text; variables stand in the messages.")
    if "\ue000" in value or "\ue001" in value:
        raise Invalid.at(pointer, "Holds a private-use character that cannot be sent.")
    if (rule := _ADDRESSES.get(block["kind"])) is not None:
        look = Look()
        rule(value, pointer, look)
        if look.errors:
            raise Invalid(look.errors)
    name = f"{BLOCKS}{block['name']}"
    if name not in template.variables:
        return
    try:
        template.render({one: SAMPLES.get(one, "見本") for one in template.variables} | {name: value})
    except Unfillable as error:
        raise Invalid.at(pointer, str(error)) from error


def word(
    session: ScopedSession,
    template: MessageTemplate,
    name: str,
    *,
    store: Store,
    value: str,
    is_store: bool,
    now: datetime,
) -> TemplateBlock:
    """Have a block say something else for one store. Raises NotFound, Invalid, and Conflict for a store's caller where
    only head office words it."""
    block = _get_block(template, name)
    if is_store and not block["may_override"]:
        raise Conflict("Head office alone words this block.")
    _check_value(check_messages(template.messages, with_blocks=True), block, value, "/value")
    own = session.get(TemplateBlock, (session.scope.brand_id, template.id, store.id, name))
    if own is None:
        own = TemplateBlock(template_id=template.id, store_id=store.id, store_no=store.no, name=name, value=value)
    own.value, own.updated_at = value, now
    session.add(own)
    session.flush()
    return own


def unword(session: ScopedSession, template: MessageTemplate, name: str, *, store: Store, is_store: bool) -> None:
    """Have a block say for a store what it says for all. Raises NotFound, Conflict."""
    block = _get_block(template, name)
    if is_store and not block["may_override"]:
        raise Conflict("Head office alone words this block.")
    own = session.get(TemplateBlock, (session.scope.brand_id, template.id, store.id, name))
    if own is not None:
        session.delete(own)
        session.flush()


def _get_block(template: MessageTemplate, name: str) -> Mapping[str, Any]:
    for block in template.blocks:
        if block["name"] == name:
            return block
    raise NotFound


def copy_messages(session: ScopedSession, template_id: UUID) -> list[dict[str, Any]]:
    """The messages of a template as they stand, for a campaign. Raises Invalid at `/template_id`."""
    try:
        return queries.get_template(session, template_id).messages
    except NotFound as error:
        raise Invalid.at("/template_id", "There is no such template.") from error


def read_blocks(
    session: ScopedSession, template_id: UUID | None, store_nos: Collection[int] | None = None
) -> dict[str, dict[str, str]] | None:
    """What stands in a template's blocks now, by store number as text ("" for no store); None without a template.

    Every store that words none of them has the defaults, under "".
    """
    template = queries.find_template(session, template_id) if template_id is not None else None
    if template is None:
        return None
    defaults = {f"{BLOCKS}{block['name']}": str(block["default"]) for block in template.blocks}
    found = {"": defaults}
    for own in queries.list_blocks(session, template.id, store_nos):
        found.setdefault(str(own.store_no), dict(defaults))[f"{BLOCKS}{own.name}"] = own.value
    return found


def preview(
    session: ScopedSession, template: MessageTemplate, *, store: Store | None, brand_name: str
) -> tuple[list[dict[str, Any]] | None, str | None]:
    """The messages as people of a store would get them, or why they would get none."""
    blocks = read_blocks(session, template.id, [store.no] if store else []) or {}
    of_store = blocks.get(str(store.no) if store else "") or blocks.get("", {})
    values: dict[str, str | None] = {
        **{name: SAMPLES.get(name) or VARIABLES.get(name) for name in VARIABLES if not name.startswith("store.")},
        "brand.name": brand_name,
        **(write_store_values(store) if store else {"store.name": brand_name}),
        **of_store,
    }
    read = check_messages(template.messages, with_blocks=True)
    try:
        messages: list[dict[str, Any]] = orjson.loads(read.render(values))
    except Unfillable as error:
        return None, str(error)
    return messages, None
