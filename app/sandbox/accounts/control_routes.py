"""`/_sandbox` about how people look, that they go, and the groups they chat in.

PUT  /_sandbox/people/{id}/profile {"name", "language", "picture": false, "status_message"}
                                    → 200 the profile; null puts back what is usual, language "" is none
POST /_sandbox/people/{id}/delete   → 204; her LINE account is gone for good
POST /_sandbox/groups {"name", "people": [ids], "channel", "picture"}   → 201 the group; without a name a room
GET  /_sandbox/groups, /_sandbox/groups/{group}
POST /_sandbox/groups/{group}/invite {"channel"} · /remove · /add {"people"} · /drop {"people"}
     · /message {"person", "text"}  → 202 {"webhook_event_ids": […]}
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import webhooks, world
from app.sandbox.accounts import groups, profiles
from app.sandbox.accounts.groups import NotPossible
from app.sandbox.accounts.state import Group
from app.sandbox.controls import (
    JsonObject,
    Mistaken,
    answer,
    control,
    done,
    get_channel,
    get_person,
    list_of,
    read_object,
    text_of,
)
from app.sandbox.events import Event
from app.sandbox.state import Sandbox

_TEXTS = (profiles.LANGUAGE, profiles.STATUS)


def routes(sandbox: Sandbox) -> list[Route]:
    """Profiles and groups."""
    return [*_person_routes(sandbox), *_group_routes(sandbox)]


def _person_routes(sandbox: Sandbox) -> list[Route]:
    async def put_profile(request: Request) -> Response:
        no, body = get_person(sandbox, request.path_params["person_id"]), await read_object(request)
        for name in _TEXTS:
            if not isinstance(body.get(name), str | None):
                raise Mistaken(f"{name} is a text")
        if not isinstance(body.get(profiles.PICTURE), bool | None):
            raise Mistaken("picture is true or false")
        if "name" in body:
            world.put_person(sandbox.world, sandbox.world.person_ids[no], text_of(body, "name"), {})
        for name in (*_TEXTS, profiles.PICTURE):
            if name in body:
                world.set_trait(sandbox.world, no, name, body[name])
        shown = profiles.describe(sandbox, no, "", str(request.base_url))
        return answer(
            {
                **{name: shown.get(name) for name in ("displayName", "language", "statusMessage")},
                "picture": "pictureUrl" in shown,
            }
        )

    async def delete(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        profiles.delete(sandbox, no)
        groups.forget(sandbox, no)
        return done()

    return [
        control("/people/{person_id}/profile", "PUT", put_profile),
        control("/people/{person_id}/delete", "POST", delete),
    ]


def _group_routes(sandbox: Sandbox) -> list[Route]:
    def find(request: Request) -> Group:
        group = sandbox.groups.by_id.get(request.path_params["group"])
        if group is None:
            raise Mistaken("there is no such group", 404)
        return group

    def people_of(body: JsonObject) -> list[int]:
        return [get_person(sandbox, str(person_id)) for person_id in list_of(body, "people")]

    def shown(group: Group) -> dict[str, Any]:
        channels = sandbox.world.channels_by_no
        return {
            "id": group.id,
            "kind": "room" if group.is_room else "group",
            "name": group.name,
            "people": [sandbox.world.person_ids[no] for no in group.people],
            "channel": None if group.channel_no is None else channels[group.channel_no].channel_id,
        }

    def tell(group_channel_no: int | None, happened: list[Event]) -> list[str]:
        """Send the events; their ids, of those that go out."""
        if group_channel_no is None:
            return []
        channel = sandbox.world.channels_by_no[group_channel_no]
        return [each["webhookEventId"] for each in happened if webhooks.enqueue(sandbox, channel, each)]

    async def create(request: Request) -> Response:
        body = await read_object(request)
        name, picture = body.get("name"), body.get("picture", True)
        if not isinstance(picture, bool):
            raise Mistaken("picture is true or false")
        channel = get_channel(sandbox, text_of(body, "channel")) if body.get("channel") is not None else None
        group = groups.create(
            sandbox, None if name is None else text_of(body, "name"), people_of(body), picture=picture
        )
        if channel is not None:
            tell(channel.no, groups.invite(sandbox, group, channel))
        return answer(shown(group), 201)

    async def list_groups(request: Request) -> Response:
        return answer({"items": [shown(group) for group in sandbox.groups.by_id.values()]})

    async def get(request: Request) -> Response:
        return answer(shown(find(request)))

    def act(name: str) -> Route:
        async def endpoint(request: Request) -> Response:
            group, body = find(request), await read_object(request)
            before = group.channel_no
            try:
                happened = _act(name, group, body)
            except NotPossible as reason:
                raise Mistaken(str(reason), 409) from None
            return answer({"webhook_event_ids": tell(group.channel_no if before is None else before, happened)}, 202)

        return control(f"/groups/{{group}}/{name}", "POST", endpoint)

    def _act(name: str, group: Group, body: JsonObject) -> list[Event]:
        match name:
            case "invite":
                return groups.invite(sandbox, group, get_channel(sandbox, text_of(body, "channel")))
            case "remove":
                if group.channel_no is None:
                    raise NotPossible("no account is in it")
                return groups.leave(sandbox, group, sandbox.world.channels_by_no[group.channel_no])
            case "add":
                return groups.add(sandbox, group, people_of(body))
            case "drop":
                return groups.drop(sandbox, group, people_of(body))
            case _:
                person_no = get_person(sandbox, text_of(body, "person"))
                return groups.write(sandbox, group, person_no, text_of(body, "text"))

    return [
        control("/groups", "POST", create),
        control("/groups", "GET", list_groups),
        control("/groups/{group}", "GET", get),
        *(act(name) for name in ("invite", "remove", "add", "drop", "message")),
    ]
