"""What of LINE the sandbox does not simulate: it says so, where an imitation that is half right would be believed."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.routing import api, respond
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel

_AUDIENCES = "The audience API"
_MEMBERSHIPS = "The membership API"
_MODULES = "The module channel API"
_NARROWCASTS = "The narrowcast API"
_NOTIFICATIONS = "The LINE notification message API"
_SERVICE_MESSAGES = "The service message API of LINE MINI Apps"
_ANY_SIZE = 2**40

UNSUPPORTED: Mapping[str, str] = {
    "POST /v2/bot/message/narrowcast": _NARROWCASTS,
    "GET /v2/bot/message/progress/narrowcast": _NARROWCASTS,
    "POST /v2/bot/audienceGroup/upload": _AUDIENCES,
    "PUT /v2/bot/audienceGroup/upload": _AUDIENCES,
    "POST /v2/bot/audienceGroup/upload/byFile": _AUDIENCES,
    "PUT /v2/bot/audienceGroup/upload/byFile": _AUDIENCES,
    "POST /v2/bot/audienceGroup/click": _AUDIENCES,
    "POST /v2/bot/audienceGroup/imp": _AUDIENCES,
    "GET /v2/bot/audienceGroup/list": _AUDIENCES,
    "GET /v2/bot/audienceGroup/shared/list": _AUDIENCES,
    "GET /v2/bot/audienceGroup/shared/{audience_group_id}": _AUDIENCES,
    "PUT /v2/bot/audienceGroup/{audience_group_id}/updateDescription": _AUDIENCES,
    "GET /v2/bot/audienceGroup/{audience_group_id}": _AUDIENCES,
    "DELETE /v2/bot/audienceGroup/{audience_group_id}": _AUDIENCES,
    "POST /bot/pnp/push": _NOTIFICATIONS,
    "POST /v2/bot/message/pnp/templated/push": _NOTIFICATIONS,
    "GET /v2/bot/message/delivery/pnp": _NOTIFICATIONS,
    "GET /v2/bot/message/delivery/pnp/templated": _NOTIFICATIONS,
    "GET /v2/bot/membership/subscription/{user_id}": _MEMBERSHIPS,
    "GET /v2/bot/membership/{membership_id}/users/ids": _MEMBERSHIPS,
    "GET /v2/bot/membership/list": _MEMBERSHIPS,
    "POST /v2/bot/chat/{chat_id}/control/acquire": _MODULES,
    "POST /v2/bot/chat/{chat_id}/control/release": _MODULES,
    "POST /v2/bot/channel/detach": _MODULES,
    "GET /v2/bot/list": _MODULES,
    "POST /shop/v3/mission": "The mission sticker API",
    "POST /v2/bot/message/markAsRead": "The old mark as read API",
    "POST /message/v3/notifier/token": _SERVICE_MESSAGES,
    "POST /message/v3/notifier/send": _SERVICE_MESSAGES,
}
"""Method and path → what it is, in the words of the answer. docs/sandbox.md lists the same."""

UNSUPPORTED_WITHOUT_TOKEN: Mapping[str, str] = {
    "GET /module/auth/v1/authorize": _MODULES,
    "POST /module/auth/v1/token": _MODULES,
}
"""The same for what is called before there is a channel access token."""


def routes(sandbox: Sandbox) -> list[Route]:
    """A 501 for each, to those who could call it."""
    return [
        *(_refuse(sandbox, call, name) for call, name in UNSUPPORTED.items()),
        *(_refuse_anybody(call, name) for call, name in UNSUPPORTED_WITHOUT_TOKEN.items()),
    ]


def _not_simulated(name: str) -> Answer:
    return answers.error(501, f"{name} is not simulated by this sandbox")


def _refuse(sandbox: Sandbox, call: str, name: str) -> Route:
    method, path = call.split(" ")

    async def refuse(request: Request, channel: Channel) -> Answer:
        return _not_simulated(name)

    return api(sandbox, method, path, refuse, most_bytes=_ANY_SIZE, knows_retry_keys=True)


def _refuse_anybody(call: str, name: str) -> Route:
    method, path = call.split(" ")

    async def refuse(request: Request) -> Response:
        return respond(_not_simulated(name))

    return Route(path, refuse, methods=[method])
