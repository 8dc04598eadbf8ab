"""Profiles, friends and bot info."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers
from app.sandbox.answers import Answer
from app.sandbox.cursors import open_start, parse_limit, seal_start
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel


def routes(sandbox: Sandbox) -> list[Route]:
    """What an account may ask about itself and about people."""
    world = sandbox.world

    async def profile(request: Request, channel: Channel) -> Answer:
        """Of friends, and of those who wrote without blocking; everybody else is not found."""
        user_id = request.path_params["user_id"]
        if not USER_ID.fullmatch(user_id):
            return answers.error(400, "The value for the 'userId' parameter is invalid")
        no = world.providers[channel.provider_id].numbers.get(user_id)
        wrote = user_id in channel.wrote_at and user_id not in channel.blocked
        if no is None or not (user_id in channel.friends or wrote):
            return answers.NOT_FOUND
        return answers.ok({"displayName": world.person_names[no], "userId": user_id, "language": "ja"})

    async def info(request: Request, channel: Channel) -> Answer:
        return answers.ok(
            {
                "userId": channel.bot_user_id,
                "basicId": channel.basic_id,
                "displayName": channel.display_name,
                "chatMode": "bot",
                "markAsReadMode": "auto",
            }
        )

    async def follower_ids(request: Request, channel: Channel) -> Answer:
        """Friends in the order in which the sandbox met them; for verified accounts only."""
        if not channel.verified:
            return answers.FORBIDDEN
        limit = parse_limit(request.query_params.get("limit"), default=300, most=1000)
        after = open_start(channel, "followers", request.query_params.get("start"), sandbox.clock.now())
        numbers = sorted(no for no in channel.friends.values() if no > after)
        page = numbers[:limit]
        user_ids = world.providers[channel.provider_id].user_ids
        answer: dict[str, Any] = {"userIds": [user_ids[no] for no in page]}
        if len(numbers) > limit:
            answer["next"] = seal_start(channel, "followers", page[-1], sandbox.clock.now())
        return answers.ok(answer)

    return [
        api(sandbox, "GET", "/v2/bot/profile/{user_id}", profile),
        api(sandbox, "GET", "/v2/bot/info", info),
        api(sandbox, "GET", "/v2/bot/followers/ids", follower_ids),
    ]
