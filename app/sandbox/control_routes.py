"""`/_sandbox` besides people: the world, what was delivered, faults, weather, clock, settings, reset."""

import asyncio
import gc
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import outages, settings, world
from app.sandbox.chaos import Chaos
from app.sandbox.clock import format_instant, month_of, parse_instant
from app.sandbox.controls import (
    JsonObject,
    Mistaken,
    answer,
    control,
    done,
    get_channel,
    list_of,
    number_of,
    objects_of,
    query_instant,
    query_number,
    read_object,
    text_of,
)
from app.sandbox.faults import MalformedFault
from app.sandbox.insight import engine
from app.sandbox.ledger import Ledger, format_uuid
from app.sandbox.login.channels import put_login_channel
from app.sandbox.richmenus import service as menus
from app.sandbox.settings import Settings
from app.sandbox.state import Sandbox
from app.sandbox.weather.state import UnknownWeather
from app.sandbox.world import Impossible, World

_MAX_PAGE = 5_000
_PEOPLE_AT_ONCE = 500
_END_OF_TIME = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything that is not about one person."""
    return [*_world_routes(sandbox), *_ledger_routes(sandbox), *_behaviour_routes(sandbox)]


def _world_routes(sandbox: Sandbox) -> list[Route]:
    async def put_world(request: Request) -> Response:
        body = await read_object(request)
        people_before = len(sandbox.world.person_ids)
        try:
            await _fill(sandbox.world, body, month_of(sandbox.clock.now()))
            for login_channel in objects_of(body, "login_channels"):
                put_login_channel(sandbox.login.channels, sandbox.world, login_channel)
        except Impossible as contradiction:
            raise Mistaken(str(contradiction), 409) from None
        finally:
            sandbox.tokens.forget_seen()
        if len(sandbox.world.person_ids) - people_before >= _PEOPLE_AT_ONCE:
            # A crowd stays. Without this each full collection looks at all of it: some 40 ms for a million people.
            gc.freeze()
        return answer(
            {
                "providers": len(sandbox.world.providers),
                "channels": len(sandbox.world.channels),
                "people": len(sandbox.world.person_ids),
                "people_added": len(sandbox.world.person_ids) - people_before,
            }
        )

    async def get_channel_(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        shown = {name: getattr(channel, name) for name in world.CHANNEL_SETTINGS}
        return answer(
            {
                "channel_id": channel.channel_id,
                "provider_id": channel.provider_id,
                **shown,
                "used": channel.used.get(month_of(sandbox.clock.now()), 0),
                "friends": len(channel.friends),
                "blocked": len(channel.blocked),
                "webhook_suspended": channel.no in sandbox.outbox.suspended,
            }
        )

    async def list_channels(request: Request) -> Response:
        names = ("channel_id", "provider_id", "display_name", "webhook_url")
        channels = sandbox.world.channels_by_no
        return answer({"items": [{name: getattr(each, name) for name in names} for each in channels]})

    return [
        control("/world", "POST", put_world),
        control("/channels", "GET", list_channels),
        control("/channels/{channel}", "GET", get_channel_),
    ]


async def _fill(into: World, body: JsonObject, month: str) -> None:
    for provider in objects_of(body, "providers"):
        world.put_provider(into, text_of(provider, "id"), provider.get("name"))
    for channel in objects_of(body, "channels"):
        world.put_channel(into, text_of(channel, "channel_id"), channel.get("provider_id"), channel, month)
    for position, person in enumerate(objects_of(body, "people")):
        if position % _PEOPLE_AT_ONCE == 0:
            await asyncio.sleep(0)  # Tens of thousands take a while, and sends go on meanwhile.
        user_ids = person.get("line_user_ids") or {}
        # Without an id of its own a person goes by the first of her user ids, which costs a crowd no memory.
        no = world.put_person(
            into, text_of(person, "id", next(iter(user_ids.values()), None)), person.get("name"), user_ids
        )
        world.seed_ties(into, no, list_of(person, "follows"), list_of(person, "blocks"))


def _ledger_routes(sandbox: Sandbox) -> list[Route]:
    async def deliveries(request: Request) -> Response:
        channel_id = request.query_params.get("channel")
        page, next_position = sandbox.ledger.list_deliveries(
            start=query_number(request, "cursor", 0, least=0, most=2**63),
            limit=query_number(request, "limit", 200, least=1, most=_MAX_PAGE),
            since=query_instant(request, "since"),
            channel_no=get_channel(sandbox, channel_id).no if channel_id else None,
        )
        items = []
        shown: dict[int, JsonObject] = {}
        for delivery in page:
            call = shown.get(delivery.call_no)
            if call is None:
                call = shown[delivery.call_no] = _shown_call(sandbox, delivery.call_no)
            channel = sandbox.world.channels[call["channel"]]
            items.append({**call, "line_user_id": world.user_id_in(sandbox.world, channel, delivery.person_no)})
        return answer({"items": items, "next_cursor": None if next_position is None else str(next_position)})

    async def stats(request: Request) -> Response:
        return answer(sandbox.ledger.stats(query_instant(request, "since")))

    return [
        control("/deliveries", "GET", deliveries),
        control("/stats", "GET", stats),
    ]


def _shown_call(sandbox: Sandbox, call_no: int) -> JsonObject:
    call = sandbox.ledger.get(call_no)
    return {
        "channel": sandbox.world.channels_by_no[call.channel_no].channel_id,
        "messages": orjson.Fragment(call.messages),
        "retry_key": format_uuid(call.retry_key),
        "request_id": format_uuid(call.request_id),
        "kind": call.kind.name.lower(),
        "unit": call.unit,
        "silent": call.silent,
        "at": format_instant(call.at),
    }


def _behaviour_routes(sandbox: Sandbox) -> list[Route]:
    async def put_faults(request: Request) -> Response:
        body = await read_object(request)
        try:
            sandbox.faults.put(list_of(body, "faults"), int(body.get("seed") or 0))
        except (MalformedFault, TypeError, ValueError) as mistake:
            raise Mistaken(str(mistake)) from None
        return done()

    async def put_outage(request: Request) -> Response:
        body = await read_object(request)
        try:
            sandbox.faults.put(outages.plan(body), int(body.get("seed") or 0))
        except (MalformedFault, TypeError, ValueError) as mistake:
            raise Mistaken(str(mistake)) from None
        return done()

    async def put_clock(request: Request) -> Response:
        body = await read_object(request)
        if "now" in body and body["now"] is None:
            sandbox.clock.advance(-sandbox.clock.offset_seconds)
        elif "now" in body:
            try:
                sandbox.clock.set(parse_instant(text_of(body, "now")))
            except ValueError as malformed:
                raise Mistaken(f"now: {malformed}") from None
        else:
            seconds = number_of(body, "advance_seconds")
            if not 0 <= sandbox.clock.now() + seconds < _END_OF_TIME:
                raise Mistaken("advance_seconds leads out of time")
            sandbox.clock.advance(seconds)
        return done()

    async def get_clock(request: Request) -> Response:
        return answer({"now": format_instant(sandbox.clock.now()), "real": format_instant(time.time())})

    async def put_settings(request: Request) -> Response:
        body = await read_object(request)
        rate_limits = body.pop("rate_limits", sandbox.limits.enabled)
        try:
            sandbox.use(settings.change(sandbox.settings, body))
        except settings.NoSuchSetting as mistake:
            raise Mistaken(str(mistake)) from None
        sandbox.limits.enabled = bool(rate_limits)
        return answer({"rate_limits": sandbox.limits.enabled, **asdict(sandbox.settings)})

    async def get_settings(request: Request) -> Response:
        return answer({"rate_limits": sandbox.limits.enabled, **asdict(sandbox.settings)})

    async def post_reset(request: Request) -> Response:
        body = await read_object(request)
        reset(sandbox, world_too=bool(body.get("world")))
        return done()

    return [
        control("/faults", "PUT", put_faults),
        control("/outage", "PUT", put_outage),
        *_weather_routes(sandbox),
        control("/clock", "PUT", put_clock),
        control("/clock", "GET", get_clock),
        control("/settings", "PUT", put_settings),
        control("/settings", "GET", get_settings),
        control("/reset", "POST", post_reset),
    ]


def _weather_routes(sandbox: Sandbox) -> list[Route]:
    async def put_weather(request: Request) -> Response:
        body = await read_object(request)
        offices = list_of(body, "offices") if body.get("offices") is not None else None
        warnings = list_of(body, "warnings") if body.get("warnings") is not None else None
        try:
            if "scenario" in body or warnings is None:
                sandbox.weather.put(text_of(body, "scenario"), offices)
            if warnings is not None:
                sandbox.weather.warn(map(_warning_of, warnings), sandbox.clock.now())
        except UnknownWeather as unknown:
            raise Mistaken(str(unknown)) from None
        return done()

    async def get_weather(request: Request) -> Response:
        return answer({"scenarios": sandbox.weather.scenarios, "warnings": sandbox.weather.warnings})

    return [control("/weather", "PUT", put_weather), control("/weather", "GET", get_weather)]


def _warning_of(entry: Any) -> tuple[str, str, str]:
    """A class20, code and status of what a tester puts. Raises Mistaken."""
    if not isinstance(entry, dict):
        raise Mistaken("each warning must be an object")
    return text_of(entry, "class20"), text_of(entry, "code"), text_of({"status": "発表", **entry}, "status")


def reset(sandbox: Sandbox, *, world_too: bool) -> None:
    """Forget what happened: deliveries, retry keys, quota used, faults, moved clock, weather, sign-ins, webhooks.

    Providers, channels, people and their ties stay, as do those who can sign in, unless `world_too`.
    """
    sandbox.ledger = Ledger()
    sandbox.resets += 1
    sandbox.reply_tokens.reset()
    sandbox.limits.reset()
    sandbox.flood.reset()
    sandbox.quotas.reset()
    engine.forget(sandbox)
    sandbox.chats.reset()
    sandbox.faults.put((), 0)
    sandbox.weather.reset()
    sandbox.oidc.reset(everyone=world_too)
    menus.reset(sandbox, menus_too=world_too)
    sandbox.follower_lists.reset()
    sandbox.coupons.reset(sandbox.world.changes, coupons_too=world_too)
    sandbox.login.reset(everyone=world_too)
    sandbox.use(Settings())
    sandbox.clock.offset_seconds = 0.0
    sandbox.webhook_log.clear()
    sandbox.outbox.reset()
    sandbox.contents.reset(sandbox.world.changes)
    sandbox.phones.reset(sandbox.world.changes, everyone=world_too)
    sandbox.chaos = Chaos()
    for channel in sandbox.world.channels_by_no:
        channel.used.clear()
    if world_too:
        sandbox.world.clear()
        sandbox.tokens.clear()
        sandbox.groups.by_id.clear()
    sandbox.world.version += 1
    sandbox.tokens.forget_seen()
