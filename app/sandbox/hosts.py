"""LINE's two hosts as two ports: contents and images of rich menus have one of their own, as at api-data.line.me."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from app.sandbox import answers
from app.sandbox.routing import respond

_OF_DATA = re.compile(
    r"/v2/bot/(message/[^/]+/content(/preview|/transcoding)?|richmenu/[^/]+/content|audienceGroup/upload/byFile)"
)


def is_of_data(path: str) -> bool:
    """Whether LINE has this path at its host for data, and nowhere else."""
    return _OF_DATA.fullmatch(path) is not None


def one_host(app: ASGIApp, *, data: bool) -> ASGIApp:
    """The application as one of the two hosts has it: what belongs to the other is not found.

    The host for data neither starts nor ends the application: the other does.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_of_data(scope["path"]) != data:
            await respond(answers.NOT_FOUND)(scope, receive, send)
        elif scope["type"] == "lifespan" and data:
            await _live(receive, send)
        else:
            await app(scope, receive, send)

    return serve


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
