"""What a person does with the menu in her chat: she sees it, and taps an area."""

from typing import Any

from app.sandbox import events, world
from app.sandbox.events import Event
from app.sandbox.richmenus import service
from app.sandbox.richmenus.metrics import SEEN
from app.sandbox.richmenus.service import ShownMenu
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


class NothingToTap(Exception):
    """She sees no menu, or it has no such area, or its action does nothing; the text says which."""


def see(sandbox: Sandbox, channel: Channel, person_no: int) -> ShownMenu | None:
    """The menu that comes up as she opens the chat; it counts as an impression."""
    shown = service.find_menu_for(sandbox, channel, person_no)
    if shown is not None:
        _count(sandbox, shown.menu.id, SEEN, person_no)
    return shown


def tap(
    sandbox: Sandbox, channel: Channel, person_no: int, area_no: int, params: dict[str, str] | None
) -> tuple[dict[str, Any], Event | None]:
    """She taps an area: its action, and the event for the webhook, None where LINE tells it nothing.

    `params` is what she chose in a datetimepicker. Raises NothingToTap.
    """
    shown = service.find_menu_for(sandbox, channel, person_no)
    if shown is None:
        raise NothingToTap("she sees no rich menu in this chat")
    areas = shown.menu.content["areas"]
    if not 0 <= area_no < len(areas):
        raise NothingToTap(f"the menu has areas 0 to {len(areas) - 1}" if areas else "the menu has no areas")
    _count(sandbox, shown.menu.id, area_no, person_no)
    action: dict[str, Any] = areas[area_no]["action"]
    match action["type"]:
        case "postback":
            return action, _post_back(sandbox, channel, person_no, action["data"], None)
        case "datetimepicker":
            if not params:
                raise NothingToTap("she has to choose a date or time: params")
            return action, _post_back(sandbox, channel, person_no, action["data"], params)
        case "richmenuswitch":
            switched = _switch(sandbox, channel, person_no, action["richMenuAliasId"])
            return action, _post_back(sandbox, channel, person_no, action["data"], switched)
        case "message":
            world.write(sandbox.world, channel, person_no, sandbox.clock.now())
            return action, events.text_written(sandbox, channel, person_no, action["text"])
    return action, None


def _post_back(sandbox: Sandbox, channel: Channel, person_no: int, data: str, params: dict[str, str] | None) -> Event:
    world.write(sandbox.world, channel, person_no, sandbox.clock.now())
    return events.posted_back(sandbox, channel, person_no, data, params)


def _switch(sandbox: Sandbox, channel: Channel, person_no: int, alias_id: str) -> dict[str, str]:
    """She changes to another tab: from now on that menu is hers. What the postback tells of it."""
    account = sandbox.rich_menus.of(channel.no)
    menu_id = account.aliases.get(alias_id)
    menu = account.menus.get(menu_id or "")
    if menu is not None and menu.image is not None:
        service.link(sandbox, channel, person_no, menu.id)
        status = "SUCCESS"
    elif menu is not None:
        status = "FAILED"
    else:
        status = "RICHMENU_ALIAS_ID_NOTFOUND" if menu_id is None else "RICHMENU_NOTFOUND"
    return {"newRichMenuAliasId": alias_id, "status": status}


def _count(sandbox: Sandbox, menu_id: str, what: int, person_no: int) -> None:
    sandbox.menu_metrics.add(menu_id, what, person_no, sandbox.clock.now(), sandbox.world.changes)
