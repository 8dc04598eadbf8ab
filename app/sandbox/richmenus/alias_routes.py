"""Aliases: names for rich menus, by which the tabs of a menu find each other."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.richmenus import service
from app.sandbox.richmenus.rules import check_alias, check_alias_change
from app.sandbox.richmenus.state import MOST_ALIASES
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

NO_SUCH_MENU = service.bare(400, "richmenu not found")
CONFLICT = service.bare(400, "conflict richmenu alias id")
TOO_MANY = service.bare(400, f"{MOST_ALIASES} aliases are the maximum")  # LINE publishes no words for it.


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under /v2/bot/richmenu/alias."""

    async def create(request: Request, channel: Channel) -> Answer:
        body = answers.parse_json(await request.body())
        details = check_alias(body)
        if details:
            return answers.invalid(details)
        account = sandbox.rich_menus.of(channel.no)
        if body["richMenuId"] not in account.menus:
            return NO_SUCH_MENU
        if body["richMenuAliasId"] in account.aliases:
            return CONFLICT
        if len(account.aliases) >= MOST_ALIASES:
            return TOO_MANY
        account.aliases[body["richMenuAliasId"]] = body["richMenuId"]
        sandbox.world.version += 1
        return answers.EMPTY

    async def update(request: Request, channel: Channel) -> Answer:
        body = answers.parse_json(await request.body())
        alias_id = _known(channel, request)
        details = check_alias_change(body)
        if details:
            return answers.invalid(details)
        account = sandbox.rich_menus.of(channel.no)
        if body["richMenuId"] not in account.menus:
            return NO_SUCH_MENU
        account.aliases[alias_id] = body["richMenuId"]
        sandbox.world.version += 1
        return answers.EMPTY

    async def delete(request: Request, channel: Channel) -> Answer:
        del sandbox.rich_menus.of(channel.no).aliases[_known(channel, request)]
        sandbox.world.version += 1
        return answers.EMPTY

    async def get(request: Request, channel: Channel) -> Answer:
        alias_id = _known(channel, request)
        return answers.ok(_shown(alias_id, sandbox.rich_menus.of(channel.no).aliases[alias_id]))

    async def list_aliases(request: Request, channel: Channel) -> Answer:
        aliases = sandbox.rich_menus.of(channel.no).aliases
        return answers.ok({"aliases": [_shown(alias_id, menu_id) for alias_id, menu_id in aliases.items()]})

    def _known(channel: Channel, request: Request) -> str:
        alias_id: str = request.path_params["alias_id"]
        if alias_id not in sandbox.rich_menus.of(channel.no).aliases:
            raise Refusal(service.ALIAS_NOT_FOUND)
        return alias_id

    path = "/v2/bot/richmenu/alias"
    return [
        api(sandbox, "POST", path, create),
        api(sandbox, "GET", f"{path}/list", list_aliases),
        api(sandbox, "GET", path + "/{alias_id}", get),
        api(sandbox, "POST", path + "/{alias_id}", update),
        api(sandbox, "DELETE", path + "/{alias_id}", delete),
    ]


def _shown(alias_id: str, menu_id: str) -> dict[str, Any]:
    return {"richMenuAliasId": alias_id, "richMenuId": menu_id}
