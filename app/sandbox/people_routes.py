"""`/_sandbox/people`: making people, being one, and reading what she received."""

import secrets

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import webhooks, world
from app.sandbox.clock import format_instant
from app.sandbox.controls import (
    JsonObject,
    Mistaken,
    answer,
    control,
    get_channel,
    get_living,
    get_person,
    query_number,
    read_object,
    text_of,
)
from app.sandbox.events import Event
from app.sandbox.people_acts import ACTS, Act
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, Impossible

_MAX_PAGE = 1_000


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything about people."""

    async def create(request: Request) -> Response:
        body = await read_object(request)
        person_id = text_of(body, "id", "person_" + secrets.token_hex(8))
        user_ids = body.get("line_user_ids") or {}
        if not isinstance(user_ids, dict):
            raise Mistaken("line_user_ids is an object: provider id → user id")
        try:
            no = world.put_person(sandbox.world, person_id, text_of(body, "name"), user_ids)
        except Impossible as contradiction:
            raise Mistaken(str(contradiction), 409) from None
        return answer(_person(sandbox, no), 201)

    async def list_people(request: Request) -> Response:
        start = query_number(request, "cursor", 0, least=0, most=2**31)
        limit = query_number(request, "limit", 200, least=1, most=_MAX_PAGE)
        end = min(start + limit, len(sandbox.world.person_ids))
        more = end < len(sandbox.world.person_ids)
        items = [_person(sandbox, no) for no in range(start, end)]
        return answer({"items": items, "next_cursor": str(end) if more else None})

    async def get(request: Request) -> Response:
        return answer(_person(sandbox, get_person(sandbox, request.path_params["person_id"])))

    async def inbox(request: Request) -> Response:
        no = get_person(sandbox, request.path_params["person_id"])
        items = []
        for call_no in sandbox.ledger.list_received(no):
            call = sandbox.ledger.get(call_no)
            items.append(
                {
                    "channel": sandbox.world.channels_by_no[call.channel_no].channel_id,
                    "messages": orjson.Fragment(call.messages),
                    "at": format_instant(call.at),
                }
            )
        return answer({"items": items})

    return [
        control("/people", "POST", create),
        control("/people", "GET", list_people),
        control("/people/{person_id}", "GET", get),
        control("/people/{person_id}/inbox", "GET", inbox),
        *(_act_route(sandbox, name, act) for name, act in ACTS.items()),
    ]


def _person(sandbox: Sandbox, no: int) -> JsonObject:
    providers = sandbox.world.providers.values()
    user_ids = {provider.id: provider.user_ids[no] for provider in providers}
    channels = sandbox.world.channels_by_no
    return {
        "id": sandbox.world.person_ids[no],
        "name": sandbox.world.person_names[no],
        "line_user_ids": user_ids,
        "follows": [each.channel_id for each in channels if user_ids[each.provider_id] in each.friends],
        "blocks": [each.channel_id for each in channels if user_ids[each.provider_id] in each.blocked],
    }


def _act_route(sandbox: Sandbox, name: str, act: Act) -> Route:
    async def endpoint(request: Request) -> Response:
        no = get_living(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        channel = get_channel(sandbox, text_of(body, "channel"))
        return told(sandbox, channel, act(sandbox, channel, no, body))

    return control(f"/people/{{person_id}}/{name}", "POST", endpoint)


def told(sandbox: Sandbox, channel: Channel, event: Event | None) -> Response:
    """Send the event of an act, if there is one, and say by which id the webhook will know it and its message."""
    sent = event is not None and webhooks.enqueue(sandbox, channel, event)
    shown: JsonObject = {"webhook_event_id": event["webhookEventId"] if event and sent else None}
    if event and "message" in event:
        shown["message_id"] = event["message"]["id"]
    return answer(shown, 202)
