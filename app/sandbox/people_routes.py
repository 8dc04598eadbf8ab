"""`/_sandbox/people`: making people, being one, and reading what she received."""

import secrets
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import events, webhooks, world
from app.sandbox.clock import format_instant
from app.sandbox.controls import (
    JsonObject,
    Mistaken,
    answer,
    control,
    get_channel,
    get_person,
    number_of,
    query_number,
    read_object,
    text_of,
)
from app.sandbox.events import Event
from app.sandbox.insight import engine
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, Impossible, Tie

_MAX_PAGE = 1_000

Act = Callable[[Sandbox, Channel, int, JsonObject], Event | None]
"""What a person does in the chat with an account; None if LINE would tell nobody."""


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
        *(_act_route(sandbox, name, act) for name, act in _ACTS.items()),
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
        no = get_person(sandbox, request.path_params["person_id"])
        body = await read_object(request)
        channel = get_channel(sandbox, text_of(body, "channel"))
        event = act(sandbox, channel, no, body)
        sent = event is not None and webhooks.enqueue(sandbox, channel, event)
        return answer({"webhook_event_id": event["webhookEventId"] if event and sent else None}, 202)

    return control(f"/people/{{person_id}}/{name}", "POST", endpoint)


def _follow(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    return _tied(sandbox, channel, no, world.follow(sandbox.world, channel, no))


def _block(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    return _tied(sandbox, channel, no, world.block(sandbox.world, channel, no))


def _unblock(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    return _tied(sandbox, channel, no, world.unblock(sandbox.world, channel, no))


def _tied(sandbox: Sandbox, channel: Channel, no: int, tie: Tie | None) -> Event | None:
    if tie is None:
        return None
    if tie is Tie.BLOCKED:
        return events.unfollowed(sandbox, channel, no)
    return events.followed(sandbox, channel, no, is_unblocked=tie is Tie.UNBLOCKED)


def _write(sandbox: Sandbox, channel: Channel, no: int) -> None:
    """She writes in the chat, which she need not be a friend for."""
    user_id = world.user_id_in(sandbox.world, channel, no)
    if user_id in channel.blocked:
        raise Mistaken(f"{sandbox.world.person_ids[no]} blocks channel {channel.channel_id}", 409)
    world.write(sandbox.world, channel, no, sandbox.clock.now())


def _message(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    text = text_of(body, "text")
    _write(sandbox, channel, no)
    return events.text_written(sandbox, channel, no, text)


def _postback(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    data, params = text_of(body, "data"), body.get("params")
    if not isinstance(params, dict | None):
        raise Mistaken("params is an object")
    _write(sandbox, channel, no)
    return events.posted_back(sandbox, channel, no, data, params)


def _location(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    latitude, longitude = number_of(body, "latitude"), number_of(body, "longitude")
    texts = {name: text_of(body, name) for name in ("title", "address") if name in body}
    _write(sandbox, channel, no)
    return events.location_sent(sandbox, channel, no, latitude, longitude, **texts)


def _beacon(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    hwid, kind = text_of(body, "hwid", "a1b2c3d4e5"), text_of(body, "type", "enter")
    return events.beacon_met(sandbox, channel, no, hwid, kind)


def _tap(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    """She taps a button with this action; one that opens a page is counted, and tells LINE's webhook nothing."""
    action: Any = body.get("action")
    if not isinstance(action, dict):
        raise Mistaken("action is a LINE action object")
    match action.get("type"):
        case "message":
            return _message(sandbox, channel, no, action)
        case "postback" | "datetimepicker":
            return _postback(sandbox, channel, no, action)
        case "uri":
            engine.click(sandbox, channel, no, action.get("linkUri") or action.get("uri"))
            return None
        case "clipboard":
            return None
        case other:
            raise Mistaken(f"nobody can tap an action of type {other!r} here")


_ACTS: dict[str, Act] = {
    "follow": _follow,
    "block": _block,
    "unblock": _unblock,
    "message": _message,
    "postback": _postback,
    "location": _location,
    "beacon": _beacon,
    "tap": _tap,
}
