"""`/_sandbox` for webhooks: events by hand, bursts, chaos, holding back, the secret, and what went out.

- `POST /_sandbox/channels/{id}/events {"event": {…}}` or `{"events": […]}`: what people cannot do. The common fields
  that an event lacks are added; `"replyToken": true` makes a real one. 202 with their ids, null if the webhook is off.
- `POST /_sandbox/channels/{id}/probe`: calls the webhook with no events and says how that ended.
- `POST /_sandbox/channels/{id}/burst {"events", "people", "per_second"}`: that many friends, in turn, write or tap.
- `POST /_sandbox/channels/{id}/reissue-secret {"channel_secret"}`: a new secret, made up unless given; the old one, and
  the stateless tokens signed with it, are dead at once.
- `PUT /_sandbox/chaos`, `GET …` (chaos.py).
- `PUT /_sandbox/webhooks {"held": true}` holds everything back, `false` lets all of it go at once.
- `GET /_sandbox/webhooks?channel=`: the last events sent and how that ended, with counts of all.
"""

import re
import secrets
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox import bursts, chaos, events, webhooks
from app.sandbox.controls import Mistaken, answer, control, done, get_channel, number_of, objects_of, read_object
from app.sandbox.state import Sandbox

_MAX_BURST = 1_000_000
_SECRET = re.compile(r"[0-9a-f]{32}")


def routes(sandbox: Sandbox) -> list[Route]:
    """Everything about webhooks that LINE itself would do."""
    return [*_channel_routes(sandbox), *_sender_routes(sandbox)]


def _channel_routes(sandbox: Sandbox) -> list[Route]:
    async def post_events(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        elements = objects_of({"events": [body["event"]]}, "events") if "event" in body else objects_of(body, "events")
        if not elements:
            raise Mistaken("event is an object, or events a list of them")
        ids = []
        for element in elements:
            event = events.complete(sandbox, channel, element)
            ids.append(event["webhookEventId"] if webhooks.enqueue(sandbox, channel, event) else None)
        return answer({"webhook_event_ids": ids}, 202)

    async def probe(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        if webhooks.find_url(sandbox, channel) is None:
            raise Mistaken(f"channel {channel.channel_id} has no webhook", 409)
        return answer(asdict(await webhooks.call_webhook(sandbox, channel, [])))

    async def burst(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        body = await read_object(request)
        count = _count(body, "events")
        people = list(channel.friends.values())[: _count(body, "people", len(channel.friends))]
        if not people or len(people) < body.get("people", 1):
            raise Mistaken(f"channel {channel.channel_id} has only {len(channel.friends)} friends", 409)
        per_second = number_of({"per_second": 0, **body}, "per_second")
        bursts.start(sandbox, channel, count, people, per_second)
        return answer({"events": count, "people": len(people)}, 202)

    async def reissue_secret(request: Request) -> Response:
        channel = get_channel(sandbox, request.path_params["channel"])
        secret = (await read_object(request)).get("channel_secret") or secrets.token_hex(16)
        if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
            raise Mistaken("channel_secret is 32 hexadecimal digits")
        channel.channel_secret = secret
        sandbox.tokens.forget_seen()
        sandbox.world.version += 1
        return answer({"channel_secret": secret})

    return [
        control("/channels/{channel}/events", "POST", post_events),
        control("/channels/{channel}/probe", "POST", probe),
        control("/channels/{channel}/burst", "POST", burst),
        control("/channels/{channel}/reissue-secret", "POST", reissue_secret),
    ]


def _sender_routes(sandbox: Sandbox) -> list[Route]:
    async def put_chaos(request: Request) -> Response:
        try:
            sandbox.chaos = chaos.parse(await read_object(request))
        except chaos.MalformedChaos as mistake:
            raise Mistaken(str(mistake)) from None
        return done()

    async def get_chaos(request: Request) -> Response:
        return answer(chaos.show(sandbox.chaos))

    async def put_webhooks(request: Request) -> Response:
        held = (await read_object(request)).get("held")
        if not isinstance(held, bool):
            raise Mistaken("held is true or false")
        if held:
            sandbox.outbox.held = True
        else:
            webhooks.release(sandbox)
        return done()

    async def get_webhooks(request: Request) -> Response:
        channel_id = request.query_params.get("channel")
        outbox, channels = sandbox.outbox, sandbox.world.channels_by_no
        return answer(
            {
                "items": [each for each in sandbox.webhook_log if channel_id in (None, each["channel"])],
                "held": outbox.held,
                "waiting": outbox.count_waiting(),
                "to_redeliver": sum(len(each.events) for each in outbox.redeliveries),
                "delivered": outbox.delivered,
                "failed": outbox.failed,
                "suspended": [channels[no].channel_id for no in sorted(outbox.suspended)],
            }
        )

    return [
        control("/chaos", "PUT", put_chaos),
        control("/chaos", "GET", get_chaos),
        control("/webhooks", "PUT", put_webhooks),
        control("/webhooks", "GET", get_webhooks),
    ]


def _count(body: dict[str, Any], name: str, default: int | None = None) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_BURST:
        raise Mistaken(f"{name} is a whole number from 0 to {_MAX_BURST:,}")
    return value
