"""Rich menus themselves: create, validate, image, read, delete."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer, Refusal
from app.sandbox.richmenus import service
from app.sandbox.richmenus.images import MOST_BYTES, look_at
from app.sandbox.richmenus.rules import check_menu
from app.sandbox.richmenus.state import MOST_MENUS, RichMenu, new_menu
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_KINDS = ("image/jpeg", "image/png")
WRONG_SIZE = answers.error(400, "The image size is not allowed for richmenu")
ALREADY_UPLOADED = answers.error(400, "An image has already been uploaded to the richmenu")
# For these LINE publishes no words.
TOO_MANY = answers.error(400, f"You have created {MOST_MENUS} rich menus, which is the maximum")
NO_IMAGE = answers.error(400, "The body is neither a JPEG nor a PNG image")


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything under /v2/bot/richmenu that names at most one menu and nobody."""
    return [*_object_routes(sandbox), *_content_routes(sandbox)]


def _object_routes(sandbox: Sandbox) -> list[Route]:
    async def create(request: Request, channel: Channel) -> Answer:
        content = await _read_menu(request)
        account = sandbox.rich_menus.of(channel.no)
        if len(account.menus) >= MOST_MENUS:
            return TOO_MANY
        menu = new_menu(content, sandbox.clock.now())
        account.menus[menu.id] = menu
        sandbox.world.version += 1
        return answers.ok({"richMenuId": menu.id})

    async def validate(request: Request, channel: Channel) -> Answer:
        await _read_menu(request)
        return answers.EMPTY

    async def list_menus(request: Request, channel: Channel) -> Answer:
        """Those made by API; what the manager holds stays there."""
        return answers.ok({"richmenus": [_shown(menu) for menu in sandbox.rich_menus.of(channel.no).menus.values()]})

    async def get(request: Request, channel: Channel) -> Answer:
        return answers.ok(_shown(service.get_menu(sandbox, channel, request.path_params["rich_menu_id"])))

    async def delete(request: Request, channel: Channel) -> Answer:
        menu = service.get_menu(sandbox, channel, request.path_params["rich_menu_id"])
        service.delete_menu(sandbox, channel, menu)
        return answers.EMPTY

    return [
        api(sandbox, "POST", "/v2/bot/richmenu", create),
        api(sandbox, "POST", "/v2/bot/richmenu/validate", validate),
        api(sandbox, "GET", "/v2/bot/richmenu/list", list_menus),
        api(sandbox, "GET", "/v2/bot/richmenu/{rich_menu_id}", get),
        api(sandbox, "DELETE", "/v2/bot/richmenu/{rich_menu_id}", delete),
    ]


def _content_routes(sandbox: Sandbox) -> list[Route]:
    async def upload(request: Request, channel: Channel) -> Answer:
        """Once for each menu, and exactly of its size."""
        content_type = request.headers.get("content-type")
        if (content_type or "").partition(";")[0].strip().lower() not in _KINDS:
            return answers.wrong_content_type(content_type)
        menu = service.get_menu(sandbox, channel, request.path_params["rich_menu_id"])
        if menu.image is not None:
            return ALREADY_UPLOADED
        image = await request.body()
        kind = look_at(image)
        if kind is None:
            return NO_IMAGE
        if (kind.width, kind.height) != (menu.content["size"]["width"], menu.content["size"]["height"]):
            return WRONG_SIZE
        menu.image = sandbox.menu_images.keep(image, kind, sandbox.world.changes)
        sandbox.world.version += 1
        return answers.EMPTY

    async def download(request: Request, channel: Channel) -> Answer:
        menu = service.get_menu(sandbox, channel, request.path_params["rich_menu_id"])
        if menu.image is None:
            return answers.NOT_FOUND
        content_type, image = sandbox.menu_images.open(menu.image)
        return Answer(200, image, ((b"content-type", content_type.encode()),))

    path = "/v2/bot/richmenu/{rich_menu_id}/content"
    return [api(sandbox, "POST", path, upload, most_bytes=MOST_BYTES), api(sandbox, "GET", path, download)]


async def _read_menu(request: Request) -> dict[str, Any]:
    content = answers.parse_kept_json(await request.body())
    details = check_menu(content)
    if details:
        raise Refusal(answers.invalid(details))
    return content


def _shown(menu: RichMenu) -> dict[str, Any]:
    return {"richMenuId": menu.id, **menu.content}
