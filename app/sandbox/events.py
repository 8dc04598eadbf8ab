"""Webhook events as LINE writes them: what is true for every kind, and what each kind adds."""

import os
from typing import Any

from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, user_id_in

Event = dict[str, Any]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(milliseconds: int) -> str:
    """A ULID: 48 bits of time, 80 of chance, in Crockford's base 32."""
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def new_event(
    sandbox: Sandbox, channel: Channel, person_no: int, kind: str, *, answerable: bool = True, **members: Any
) -> Event:
    """An event of this person in the chat with this account, with a reply token if it can be answered."""
    now = sandbox.clock.now()
    event: Event = {
        "type": kind,
        "webhookEventId": new_ulid(int(now * 1000)),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(now * 1000),
        "source": {"type": "user", "userId": user_id_in(sandbox.world, channel, person_no)},
    }
    if answerable:
        event["replyToken"] = sandbox.reply_tokens.issue(channel.no, person_no, now)
    return {**event, "mode": "active", **members}


def followed(sandbox: Sandbox, channel: Channel, person_no: int, *, is_unblocked: bool) -> Event:
    return new_event(sandbox, channel, person_no, "follow", follow={"isUnblocked": is_unblocked})


def unfollowed(sandbox: Sandbox, channel: Channel, person_no: int) -> Event:
    return new_event(sandbox, channel, person_no, "unfollow", answerable=False)


def text_written(sandbox: Sandbox, channel: Channel, person_no: int, text: str) -> Event:
    message_id = str(sandbox.take_message_nos(1))
    message = {
        "id": message_id,
        "type": "text",
        "quoteToken": f"q{message_id}",
        "markAsReadToken": f"r{message_id}",
        "text": text,
    }
    return new_event(sandbox, channel, person_no, "message", message=message)


def location_sent(
    sandbox: Sandbox, channel: Channel, person_no: int, latitude: float, longitude: float, **texts: str
) -> Event:
    message_id = str(sandbox.take_message_nos(1))
    message = {
        "id": message_id,
        "type": "location",
        "latitude": latitude,
        "longitude": longitude,
        "markAsReadToken": f"r{message_id}",
        **texts,
    }
    return new_event(sandbox, channel, person_no, "message", message=message)


def posted_back(
    sandbox: Sandbox, channel: Channel, person_no: int, data: str, params: dict[str, str] | None = None
) -> Event:
    postback: dict[str, Any] = {"data": data}
    if params:
        postback["params"] = params
    return new_event(sandbox, channel, person_no, "postback", postback=postback)


def beacon_met(sandbox: Sandbox, channel: Channel, person_no: int, hwid: str, kind: str) -> Event:
    return new_event(sandbox, channel, person_no, "beacon", beacon={"hwid": hwid, "type": kind})
