"""`/_sandbox`: what people do with messages once they have them, one by one or as a crowd.

POST /_sandbox/people/{id}/open {"channel"}                          she opens the chat: impressions
POST /_sandbox/people/{id}/click {"channel", "url"}                  she taps on a link, as `tap` on a uri action
POST /_sandbox/people/{id}/play {"channel", "percent": 100}          she plays the newest video or audio
PUT  /_sandbox/people/{id}/demographics {"gender", "age", "area", "appType"}
POST /_sandbox/channels/{id}/crowd {"open_ratio": 0.4, "click_ratio": 0.1, "seed": 0}
"""

import asyncio
import random

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import world
from app.sandbox.controls import (
    Mistaken,
    answer,
    control,
    done,
    get_channel,
    get_person,
    number_of,
    read_object,
    text_of,
)
from app.sandbox.insight import engine
from app.sandbox.insight.demographics import SHARES, TRAIT
from app.sandbox.state import Sandbox

_AT_ONCE = 500
"""People of a crowd between two looks at what else waits."""


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything that makes statistics."""

    async def open_chat(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        channel = get_channel(sandbox, text_of(await read_object(request), "channel"))
        return answer({"bubbles": engine.open_chat(sandbox, channel, no)})

    async def click(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        counted = engine.click(sandbox, get_channel(sandbox, text_of(body, "channel")), no, text_of(body, "url"))
        return answer({"counted": counted})

    async def play(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        percent = int(number_of(body, "percent")) if "percent" in body else 100
        if not 0 <= percent <= 100:
            raise Mistaken("percent is a number from 0 to 100")
        counted = engine.play(sandbox, get_channel(sandbox, text_of(body, "channel")), no, percent)
        return answer({"counted": counted})

    async def put_demographics(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        for name, value in body.items():
            if name not in SHARES or value not in SHARES[name]:
                raise Mistaken(f"{name} is one of {', '.join(SHARES.get(name, SHARES))}")
        world.set_trait(sandbox.world, no, TRAIT, body or None)
        return done()

    async def crowd(request: Request) -> Response:
        """Everyone who got something from the channel opens the chat by chance, and of these some tap on a link."""
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        open_ratio, click_ratio = (
            number_of(body, name) if name in body else 0.0 for name in ("open_ratio", "click_ratio")
        )
        chance = random.Random(int(number_of(body, "seed")) if "seed" in body else 0)  # noqa: S311 (it repeats itself)
        opened = clicked = 0
        for place, (no, received) in enumerate(engine.list_readers(sandbox, channel).items()):
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if chance.random() < open_ratio:
                opened += 1
                engine.see(sandbox, channel, no, received)
                clicked += chance.random() < click_ratio and engine.click_first(sandbox, no, received)
        return answer({"opened": opened, "clicked": clicked})

    return [
        control("/people/{person_id}/open", "POST", open_chat),
        control("/people/{person_id}/click", "POST", click),
        control("/people/{person_id}/play", "POST", play),
        control("/people/{person_id}/demographics", "PUT", put_demographics),
        control("/channels/{channel}/crowd", "POST", crowd),
    ]
