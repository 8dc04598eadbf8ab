"""Which menu people have: the default of all, and menus linked to one person or to many."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.richmenus import service
from app.sandbox.richmenus.state import Batch
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel

MOST_PEOPLE = 500
INVALID_USER = answers.error(400, "The value for the 'userId' parameter is invalid")
FOREIGN_DEFAULT = service.bare(403, "the richmenu is owned by another channel")
NO_DEFAULT = service.bare(404, "no default richmenu")
NO_MENU = service.bare(404, "the user has no richmenu")


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything that ties menus to people, but the batches of operations."""
    return [*_default_routes(sandbox), *_person_routes(sandbox), *_bulk_routes(sandbox)]


def _default_routes(sandbox: Sandbox) -> list[Route]:
    async def put(request: Request, channel: Channel) -> Answer:
        menu = service.get_applicable(sandbox, channel, request.path_params["rich_menu_id"])
        account = sandbox.rich_menus.of(channel.no)
        account.default, account.another = menu.id, None
        sandbox.world.version += 1
        return answers.EMPTY

    async def get(request: Request, channel: Channel) -> Answer:
        account = sandbox.rich_menus.of(channel.no)
        if account.default is not None:
            return answers.ok({"richMenuId": account.default})
        return FOREIGN_DEFAULT if account.another is not None else NO_DEFAULT

    async def delete(request: Request, channel: Channel) -> Answer:
        """Of this channel; a default that another channel set stays."""
        sandbox.rich_menus.of(channel.no).default = None
        sandbox.world.version += 1
        return answers.EMPTY

    path = "/v2/bot/user/all/richmenu"
    return [
        api(sandbox, "POST", path + "/{rich_menu_id}", put),
        api(sandbox, "GET", path, get),
        api(sandbox, "DELETE", path, delete),
    ]


def _person_routes(sandbox: Sandbox) -> list[Route]:
    def find_person(request: Request, channel: Channel) -> int | None:
        """Her number, None for an id that this provider does not know. Raises Refusal."""
        user_id = request.path_params["user_id"]
        if not USER_ID.fullmatch(user_id):
            raise Refusal(INVALID_USER)
        return sandbox.world.providers[channel.provider_id].numbers.get(user_id)

    async def link(request: Request, channel: Channel) -> Answer:
        person_no = find_person(request, channel)
        menu = service.get_applicable(sandbox, channel, request.path_params["rich_menu_id"])
        service.link(sandbox, channel, person_no, menu.id)
        return answers.EMPTY

    async def get(request: Request, channel: Channel) -> Answer:
        person_no = find_person(request, channel)
        menu_id = None if person_no is None else service.find_link(sandbox, channel, person_no)
        return NO_MENU if menu_id is None else answers.ok({"richMenuId": menu_id})

    async def unlink(request: Request, channel: Channel) -> Answer:
        service.link(sandbox, channel, find_person(request, channel), None)
        return answers.EMPTY

    path = "/v2/bot/user/{user_id}/richmenu"
    return [
        api(sandbox, "POST", path + "/{rich_menu_id}", link),
        api(sandbox, "GET", path, get),
        api(sandbox, "DELETE", path, unlink),
    ]


def _bulk_routes(sandbox: Sandbox) -> list[Route]:
    async def link(request: Request, channel: Channel) -> Answer:
        body = answers.parse_json(await request.body())
        menu_id, people = body.get("richMenuId"), _list_people(sandbox, channel, body, menu_needed=True)
        _defer(sandbox, channel, people, service.get_applicable(sandbox, channel, str(menu_id)).id)
        return answers.ACCEPTED

    async def unlink(request: Request, channel: Channel) -> Answer:
        body = answers.parse_json(await request.body())
        _defer(sandbox, channel, _list_people(sandbox, channel, body, menu_needed=False), None)
        return answers.ACCEPTED

    return [
        api(sandbox, "POST", "/v2/bot/richmenu/bulk/link", link),
        api(sandbox, "POST", "/v2/bot/richmenu/bulk/unlink", unlink),
    ]


def _list_people(sandbox: Sandbox, channel: Channel, body: dict[str, Any], *, menu_needed: bool) -> list[int]:
    """The numbers of those whom the body names and the provider knows. Raises Refusal."""
    user_ids = body.get("userIds")
    details = []
    if menu_needed and body.get("richMenuId") is None:
        details.append({"message": "must be specified", "property": "richMenuId"})
    if user_ids is None:
        details.append({"message": "must be specified", "property": "userIds"})
    elif not isinstance(user_ids, list):
        details.append({"message": "must be an array", "property": "userIds"})
    elif not 1 <= len(user_ids) <= MOST_PEOPLE:
        details.append({"message": f"Size must be between 1 and {MOST_PEOPLE}", "property": "userIds"})
    if details or user_ids is None:
        raise Refusal(answers.invalid(details))
    for position, user_id in enumerate(user_ids):
        if not isinstance(user_id, str) or not USER_ID.fullmatch(user_id):
            raise Refusal(answers.invalid_property(f"'userIds[{position}]'"))
    numbers = sandbox.world.providers[channel.provider_id].numbers
    return [numbers[user_id] for user_id in user_ids if user_id in numbers]


def _defer(sandbox: Sandbox, channel: Channel, people: list[int], menu_id: str | None) -> None:
    now = sandbox.clock.now()
    due_at = now + sandbox.settings.rich_menu_seconds
    service.defer(sandbox, Batch(channel.no, now, due_at, people=people, menu_id=menu_id))
