"""LINE's paths about groups and rooms: what a group is called, who is in it, and leaving it."""

import re
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from app.sandbox import answers, webhooks
from app.sandbox.accounts import groups, profiles
from app.sandbox.accounts.state import Group
from app.sandbox.answers import Answer, Refusal
from app.sandbox.cursors import cut_short, open_start, seal_start
from app.sandbox.routing import api
from app.sandbox.state import Sandbox
from app.sandbox.world import USER_ID, Channel

_PAGE = 100
_IDS = {"group": re.compile("C[0-9a-f]{32}"), "room": re.compile("R[0-9a-f]{32}")}


def routes(sandbox: Sandbox) -> list[Route]:
    """Both kinds; only groups have a summary."""
    return [*_routes_of(sandbox, "group"), *_routes_of(sandbox, "room")]


def _routes_of(sandbox: Sandbox, kind: str) -> list[Route]:
    def find(request: Request, channel: Channel) -> Group:
        """The group, if the account is in it. Raises Refusal."""
        group_id = request.path_params["group_id"]
        if not _IDS[kind].fullmatch(group_id):
            raise Refusal(answers.error(400, f"The value for the '{kind}Id' parameter is invalid"))
        group = sandbox.groups.find(channel.no, group_id)
        if group is None:
            raise Refusal(answers.NOT_FOUND)
        return group

    async def summary(request: Request, channel: Channel) -> Answer:
        group = find(request, channel)
        shown = {"groupId": group.id, "groupName": group.name or ""}
        if group.picture:
            shown["pictureUrl"] = profiles.picture_url(str(request.base_url), group.id)
        return answers.ok(shown)

    async def count(request: Request, channel: Channel) -> Answer:
        """People alone; the account does not count."""
        return answers.ok({"count": len(find(request, channel).people)})

    async def member_ids(request: Request, channel: Channel) -> Answer:
        """For verified accounts only."""
        if not channel.verified:
            return answers.FORBIDDEN
        group, now = find(request, channel), sandbox.clock.now()
        after = open_start(channel, group.id, request.query_params.get("start"), now)
        people = sorted(no for no in group.people if no > after)
        page = people[: cut_short(_PAGE, sandbox.settings.follower_pages)]
        user_ids = sandbox.world.providers[channel.provider_id].user_ids
        answer: dict[str, Any] = {"memberIds": [user_ids[no] for no in page]}
        if len(people) > len(page):
            answer["next"] = seal_start(channel, group.id, page[-1], now)
        return answers.ok(answer)

    async def member(request: Request, channel: Channel) -> Answer:
        """The profile of somebody in it, friend or not; her language and status LINE does not tell here."""
        group, user_id = find(request, channel), request.path_params["user_id"]
        if not USER_ID.fullmatch(user_id):
            return answers.error(400, "The value for the 'userId' parameter is invalid")
        no = sandbox.world.providers[channel.provider_id].numbers.get(user_id)
        if no is None or no not in group.people:
            return answers.NOT_FOUND
        shown = profiles.describe(sandbox, no, user_id, str(request.base_url))
        return answers.ok({name: shown[name] for name in ("displayName", "userId", "pictureUrl") if name in shown})

    async def leave(request: Request, channel: Channel) -> Answer:
        for event in groups.leave(sandbox, find(request, channel), channel):
            webhooks.enqueue(sandbox, channel, event)
        return answers.EMPTY

    path = f"/v2/bot/{kind}/{{group_id}}"
    found = [
        api(sandbox, "GET", f"{path}/members/count", count),
        api(sandbox, "GET", f"{path}/members/ids", member_ids),
        api(sandbox, "GET", path + "/member/{user_id}", member),
        api(sandbox, "POST", f"{path}/leave", leave),
    ]
    return [api(sandbox, "GET", f"{path}/summary", summary), *found] if kind == "group" else found
