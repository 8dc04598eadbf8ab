"""`/_sandbox` about rich menus: what people do with them, and what somebody does in LINE's manager.

    GET  /_sandbox/people/{id}/menu?channel=         → {"menu": {"richMenuId", …, "source", "has_image"} | null}
    POST /_sandbox/people/{id}/see-menu {"channel"}  → the same, and counts as an impression
    POST /_sandbox/people/{id}/tap-menu {"channel", "area": 0, "params"}
                                                     → 202 {"webhook_event_id", "action"}
    GET  /_sandbox/people/{id}/menu/image?channel=   → the picture of the menu that she sees
    PUT  /_sandbox/channels/{channel}/manager-menu {"menu": {…} | null, "image": "<base64>"}        → 204
    PUT  /_sandbox/channels/{channel}/another-channels-menu {"menu": {…} | null, "image": "<base64>"} → 204

The last two put a default that this channel's API cannot see: made in the manager, which ranks below the API's, or by
API through another channel of the same account, which stands in its place until this channel sets its own.
"""

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import webhooks
from app.sandbox.answers import is_writable
from app.sandbox.controls import (
    JsonObject,
    Mistaken,
    answer,
    control,
    done,
    get_channel,
    get_living,
    get_person,
    read_object,
    text_of,
)
from app.sandbox.events import Event
from app.sandbox.richmenus import service, taps
from app.sandbox.richmenus.images import look_at
from app.sandbox.richmenus.rules import check_menu
from app.sandbox.richmenus.service import ShownMenu
from app.sandbox.richmenus.state import RichMenu, new_menu
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel


def routes(sandbox: Sandbox) -> list[Route]:
    """People's doings, and the manager's."""
    return [*_person_routes(sandbox), *_manager_routes(sandbox)]


def _person_routes(sandbox: Sandbox) -> list[Route]:
    def asked(request: Request) -> tuple[Channel, int]:
        no = get_person(sandbox, request.path_params["person_id"])
        return get_channel(sandbox, request.query_params.get("channel", "")), no

    async def get(request: Request) -> Response:
        return answer({"menu": _shown(service.find_menu_for(sandbox, *asked(request)))})

    async def image(request: Request) -> Response:
        shown = service.find_menu_for(sandbox, *asked(request))
        if shown is None or shown.menu.image is None:
            raise Mistaken("she sees no rich menu with an image", 404)
        content_type, content = sandbox.menu_images.open(shown.menu.image)
        return Response(content, media_type=content_type)

    async def see(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        channel = get_channel(sandbox, text_of(await read_object(request), "channel"))
        return answer({"menu": _shown(taps.see(sandbox, channel, no))})

    async def tap(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        channel = get_channel(sandbox, text_of(body, "channel"))
        action, event = tap_area(sandbox, channel, no, body)
        sent = event is not None and webhooks.enqueue(sandbox, channel, event)
        return answer({"webhook_event_id": event["webhookEventId"] if event and sent else None, "action": action}, 202)

    return [
        control("/people/{person_id}/menu", "GET", get),
        control("/people/{person_id}/menu/image", "GET", image),
        control("/people/{person_id}/see-menu", "POST", see),
        control("/people/{person_id}/tap-menu", "POST", tap),
    ]


def _manager_routes(sandbox: Sandbox) -> list[Route]:
    async def put_manager(request: Request) -> Response:
        menu = _menu_of(sandbox, await read_object(request))
        sandbox.rich_menus.of(get_channel(sandbox, request.path_params["channel"]).no).manager = menu
        service.tidy(sandbox)
        return done()

    async def put_another(request: Request) -> Response:
        menu = _menu_of(sandbox, await read_object(request))
        account = sandbox.rich_menus.of(get_channel(sandbox, request.path_params["channel"]).no)
        account.another, account.default = menu, None if menu else account.default
        service.tidy(sandbox)
        return done()

    return [
        control("/channels/{channel}/manager-menu", "PUT", put_manager),
        control("/channels/{channel}/another-channels-menu", "PUT", put_another),
    ]


def _menu_of(sandbox: Sandbox, body: JsonObject) -> RichMenu | None:
    content, encoded = body.get("menu"), body.get("image")
    if content is None:
        return None
    details = check_menu(content)
    if not is_writable(content):
        raise Mistaken("menu nests too deep")
    if details:
        raise Mistaken(f"menu: {details[0]['property']}: {details[0]['message']}")
    menu = new_menu(content, sandbox.clock.now())
    if encoded is not None:
        menu.image = _keep_image(sandbox, encoded)
    return menu


def _keep_image(sandbox: Sandbox, encoded: Any) -> str:
    try:
        image = base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Mistaken("image is base64") from None
    kind = look_at(image)
    if kind is None:
        raise Mistaken("image is neither a JPEG nor a PNG")
    return sandbox.menu_images.keep(image, kind, sandbox.world.changes)


def _shown(shown: ShownMenu | None) -> Any:
    if shown is None:
        return None
    return {
        "richMenuId": shown.menu.id,
        **shown.menu.content,
        "source": shown.source,
        "has_image": shown.menu.image is not None,
    }


def tap_area(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> tuple[dict[str, Any], Event | None]:
    """She taps the area that a body names: its action, and what LINE tells of it. Raises Mistaken."""
    area, params = body.get("area"), body.get("params")
    if not isinstance(area, int) or isinstance(area, bool) or not isinstance(params, dict | None):
        raise Mistaken("area is the number of an area, from 0; params, if any, an object")
    try:
        return taps.tap(sandbox, channel, no, area, params)
    except taps.NothingToTap as nothing:
        raise Mistaken(str(nothing), 409) from None
