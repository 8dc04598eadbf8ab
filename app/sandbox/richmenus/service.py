"""Linking menus to people, and which menu a person sees.

What LINE does in the background here happens when somebody looks: `settle` carries out all that has come due.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from app.sandbox import world
from app.sandbox.answers import NOT_FOUND, Answer, Detail, Refusal, invalid
from app.sandbox.richmenus.state import Account, Batch, RichMenu
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


class ShownMenu(NamedTuple):
    """A menu, and why she sees it: "user" linked to her, "api" default by API, "manager" default by LINE's manager."""

    menu: RichMenu
    source: str


def bare(status: int, message: str) -> Answer:
    """An error of those that LINE writes with an empty list of details."""
    return Answer(status, orjson.dumps({"message": message, "details": []}))


MENU_NOT_FOUND = bare(404, "richmenu not found")
ALIAS_NOT_FOUND = bare(404, "richmenu alias not found")
IMAGE_FIRST = bare(400, "must upload richmenu image before applying it to user")


def get_menu(sandbox: Sandbox, channel: Channel, menu_id: str, missing: Answer = NOT_FOUND) -> RichMenu:
    """A menu of this channel. Raises Refusal with `missing`."""
    menu = sandbox.rich_menus.of(channel.no).menus.get(menu_id)
    if menu is None:
        raise Refusal(missing)
    return menu


def get_applicable(sandbox: Sandbox, channel: Channel, menu_id: str) -> RichMenu:
    """A menu that has its image. Raises Refusal."""
    menu = get_menu(sandbox, channel, menu_id, MENU_NOT_FOUND)
    if menu.image is None:
        raise Refusal(IMAGE_FIRST)
    return menu


def find_link(sandbox: Sandbox, channel: Channel, person_no: int) -> str | None:
    """The id of the menu that is linked to this person."""
    settle(sandbox)
    return sandbox.world.traits.get(_trait(channel), {}).get(person_no)


def link(sandbox: Sandbox, channel: Channel, person_no: int | None, menu_id: str | None) -> None:
    """Link a menu to a person, or none. Whoever is no friend is not linked, and LINE does not say so."""
    settle(sandbox)
    _link(sandbox, channel, person_no, menu_id)


def find_menu_for(sandbox: Sandbox, channel: Channel, person_no: int) -> ShownMenu | None:
    """The menu that she sees in the chat: her own, else the default by API, else that of LINE's manager.

    Whoever blocks the account sees none; a menu of her own only friends have.
    """
    user_id = world.user_id_in(sandbox.world, channel, person_no)
    if user_id in channel.blocked:
        return None
    account = sandbox.rich_menus.of(channel.no)
    linked = account.menus.get(find_link(sandbox, channel, person_no) or "") if user_id in channel.friends else None
    if linked is not None:
        return ShownMenu(linked, "user")
    by_api = account.menus.get(account.default or "") or account.another
    if by_api is not None:
        return ShownMenu(by_api, "api")
    return ShownMenu(account.manager, "manager") if account.manager is not None else None


def delete_menu(sandbox: Sandbox, channel: Channel, menu: RichMenu) -> None:
    """Delete a menu; nobody has it any more. Aliases go on naming it."""
    settle(sandbox)
    account = sandbox.rich_menus.of(channel.no)
    del account.menus[menu.id]
    if account.default == menu.id:
        account.default = None
    for person_no in _list_linked(sandbox, channel, menu.id):
        _link(sandbox, channel, person_no, None)
    tidy(sandbox)


def tidy(sandbox: Sandbox) -> None:
    """Drop images and counts of menus that are gone. To be called when some went."""
    menus = list(sandbox.rich_menus.list_menus())
    sandbox.menu_images.keep_only((menu.image for menu in menus), sandbox.world.changes)
    sandbox.menu_metrics.keep_only((menu.id for menu in menus), sandbox.world.changes)
    sandbox.world.version += 1


def reset(sandbox: Sandbox, *, menus_too: bool) -> None:
    """Forget batches and counts, and with `menus_too` all menus."""
    sandbox.rich_menus.reset(menus_too=menus_too)
    sandbox.menu_metrics.keep_only((), sandbox.world.changes)
    tidy(sandbox)


def check_operations(sandbox: Sandbox, channel: Channel, operations: Sequence[dict[str, str]]) -> None:
    """Whether all menus of a batch are there, with images for those to link. Raises Refusal."""
    menus = sandbox.rich_menus.of(channel.no).menus
    details: list[Detail] = []
    for position, operation in enumerate(operations):
        for end in ("from", "to"):
            menu_id = operation.get(end)
            if menu_id is None:
                continue
            if menu_id not in menus:
                raise Refusal(bare(404, f"Richmenu ({menu_id}) is not found"))
            if end == "to" and menus[menu_id].image is None:
                message = f"'to' richmenu ({menu_id}) must have image but it doesn't"
                details.append({"message": message, "property": f"operations[{position}].to"})
    if details:
        raise Refusal(invalid(details))


def defer(sandbox: Sandbox, batch: Batch) -> None:
    """Carry out a batch when its time has come."""
    settle(sandbox)
    sandbox.rich_menus.forget_batches(sandbox.clock.now())
    sandbox.rich_menus.batches.append(batch)
    sandbox.world.version += 1


def settle(sandbox: Sandbox) -> None:
    """Carry out the batches that have come due."""
    now = sandbox.clock.now()
    due = [each for each in sandbox.rich_menus.batches if each.phase == "ongoing" and each.due_at <= now]
    for batch in sorted(due, key=lambda each: each.due_at):
        channel = sandbox.world.channels_by_no[batch.channel_no]
        batch.phase = "succeeded" if _carry_out(sandbox, channel, batch) else "failed"
        if not batch.request_ids:
            sandbox.rich_menus.batches.remove(batch)  # Of a bulk link nobody can ask how it went.
        sandbox.world.version += 1


def _carry_out(sandbox: Sandbox, channel: Channel, batch: Batch) -> bool:
    """False if a menu to link was deleted in the meantime; then nothing is changed."""
    menus = sandbox.rich_menus.of(channel.no).menus
    if batch.people is not None:
        if batch.menu_id is not None and batch.menu_id not in menus:
            return False
        for person_no in batch.people:
            _link(sandbox, channel, person_no, batch.menu_id)
        return True
    if any(each["type"] == "link" and each["to"] not in menus for each in batch.operations):
        return False
    links = sandbox.world.traits.get(_trait(channel), {})
    moves = {each["from"]: each.get("to") for each in batch.operations if each["type"] != "unlinkAll"}
    everyone = any(each["type"] == "unlinkAll" for each in batch.operations)
    # Chosen before any is moved, so that a batch can swap two menus.
    chosen = [(no, moves.get(menu_id)) for no, menu_id in links.items() if everyone or menu_id in moves]
    for person_no, menu_id in chosen:
        _link(sandbox, channel, person_no, menu_id)
    return True


def find_default(account: Account) -> RichMenu | None:
    """The default that this channel has set."""
    return account.menus.get(account.default or "")


def _link(sandbox: Sandbox, channel: Channel, person_no: int | None, menu_id: str | None) -> None:
    if person_no is None:
        return
    if menu_id is None or world.user_id_in(sandbox.world, channel, person_no) in channel.friends:
        world.set_trait(sandbox.world, person_no, _trait(channel), menu_id)


def _list_linked(sandbox: Sandbox, channel: Channel, menu_id: str) -> list[int]:
    links = sandbox.world.traits.get(_trait(channel), {})
    return [no for no, linked in links.items() if linked == menu_id]


def _trait(channel: Channel) -> str:
    return f"rich_menu.{channel.no}"
