"""Profiles, friends, bot info, and the pictures that they name."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.accounts import group_routes, profiles
from app.sandbox.answers import Answer
from app.sandbox.cursors import cut_short, open_start, parse_limit, seal_start
from app.sandbox.routing import api, respond
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel

INVALID_USER = answers.error(400, "The value for the 'userId' parameter is invalid")


def routes(sandbox: Sandbox) -> list[Route]:
    """What an account may ask about itself, about people and about groups."""
    known = sandbox.world

    async def profile(request: Request, channel: Channel) -> Answer:
        """Of friends, and of those who wrote without blocking; everybody else is not found."""
        user_id = request.path_params["user_id"]
        if not USER_ID.fullmatch(user_id):
            return INVALID_USER
        no = known.providers[channel.provider_id].numbers.get(user_id)
        wrote = user_id in channel.wrote_at and user_id not in channel.blocked
        if no is None or profiles.is_deleted(sandbox, no) or not (user_id in channel.friends or wrote):
            return answers.NOT_FOUND
        return answers.ok(profiles.describe(sandbox, no, user_id, str(request.base_url)))

    async def info(request: Request, channel: Channel) -> Answer:
        return answers.ok(profiles.describe_account(channel, str(request.base_url)))

    async def follower_ids(request: Request, channel: Channel) -> Answer:
        """Friends in the order in which the sandbox met them; for verified accounts only."""
        if not channel.verified:
            return answers.FORBIDDEN
        limit = parse_limit(request.query_params.get("limit"), default=300, most=1000)
        after = open_start(channel, "followers", request.query_params.get("start"), sandbox.clock.now())
        numbers, last = sandbox.follower_lists.page(channel, after, cut_short(limit, sandbox.settings.follower_pages))
        user_ids = known.providers[channel.provider_id].user_ids
        answer: dict[str, Any] = {
            "userIds": [user_ids[no] for no in numbers if user_ids[no] in channel.friends],
        }
        if last is not None:
            answer["next"] = seal_start(channel, "followers", last, sandbox.clock.now())
        return answers.ok(answer)

    async def picture(request: Request) -> Response:
        user_id = request.path_params["user_id"]
        name = profiles.find_name(sandbox, user_id)
        if name is None:
            return respond(answers.NOT_FOUND)
        return Response(profiles.draw(user_id, name), media_type="image/svg+xml")

    return [
        api(sandbox, "GET", "/v2/bot/profile/{user_id}", profile),
        api(sandbox, "GET", "/v2/bot/info", info),
        api(sandbox, "GET", "/v2/bot/followers/ids", follower_ids),
        Route(profiles.PICTURE_PATH + "{user_id}.svg", picture, methods=["GET"]),
        *group_routes.routes(sandbox),
    ]
