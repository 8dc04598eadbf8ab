"""Webhook events as LINE writes them: what is true for every kind, and what each kind adds."""

from collections.abc import Mapping
from typing import Any

from app.sandbox.chats.state import new_read_token
from app.sandbox.ids import new_ulid, quote_token
from app.sandbox.reply_tokens import NOBODY
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, user_id_in

Event = dict[str, Any]

UNANSWERABLE = frozenset({"unsend", "unfollow", "leave", "memberLeft", "deactivated", "botSuspended", "botResumed"})
"""Kinds that carry no reply token, like those that name nobody."""
_QUOTABLE = ("text", "image", "video", "sticker")


def new_event(
    sandbox: Sandbox, channel: Channel, person_no: int, kind: str, *, answerable: bool = True, **members: Any
) -> Event:
    """An event of this person in the chat with this account, with a reply token if it can be answered.

    A channel on standby, because another one has the chat, hears it and may not answer.
    """
    now = sandbox.clock.now()
    event: Event = {
        "type": kind,
        "webhookEventId": new_ulid(int(now * 1000)),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(now * 1000),
        "source": {"type": "user", "userId": user_id_in(sandbox.world, channel, person_no)},
    }
    if answerable and not channel.standby:
        event["replyToken"] = sandbox.reply_tokens.issue(channel.no, person_no, now)
    return {**event, "mode": "standby" if channel.standby else "active", **members}


def complete(sandbox: Sandbox, channel: Channel, element: Mapping[str, Any]) -> Event:
    """An event that somebody wrote by hand, with the common fields that it lacks.

    A `replyToken` that is true becomes a real one if the source is somebody whom the channel's provider knows;
    everything else stays as it stands, however wrong.
    """
    now = sandbox.clock.now()
    common: Event = {
        "webhookEventId": new_ulid(int(now * 1000)),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(now * 1000),
        "mode": "standby" if channel.standby else "active",
    }
    event = {**element, **{name: value for name, value in common.items() if name not in element}}
    if event.get("replyToken") is True:
        source = event.get("source")
        user_id = source.get("userId") if isinstance(source, Mapping) else None
        person_no = sandbox.world.providers[channel.provider_id].numbers.get(str(user_id))
        del event["replyToken"]
        if person_no is not None:
            event["replyToken"] = sandbox.reply_tokens.issue(channel.no, person_no, now)
    return event


def followed(sandbox: Sandbox, channel: Channel, person_no: int, *, is_unblocked: bool) -> Event:
    return new_event(sandbox, channel, person_no, "follow", follow={"isUnblocked": is_unblocked})


def unfollowed(sandbox: Sandbox, channel: Channel, person_no: int) -> Event:
    return new_event(sandbox, channel, person_no, "unfollow", answerable=False)


def message_written(
    sandbox: Sandbox, channel: Channel, person_no: int, kind: str, message_no: int | None = None, **members: Any
) -> Event:
    """A message of any kind from this person. What has no value is left out, as LINE does."""
    number = sandbox.take_message_nos(1) if message_no is None else message_no
    message: dict[str, Any] = {"id": str(number), "type": kind}
    if kind in _QUOTABLE:
        message["quoteToken"] = quote_token(number)
    message["markAsReadToken"] = new_read_token(channel, user_id_in(sandbox.world, channel, person_no), str(number))
    message |= {name: value for name, value in members.items() if value is not None}
    return new_event(sandbox, channel, person_no, "message", message=message)


def text_written(sandbox: Sandbox, channel: Channel, person_no: int, text: str, **members: Any) -> Event:
    """A text; `members` are its emojis, mention and quotedMessageId."""
    return message_written(sandbox, channel, person_no, "text", text=text, **members)


def location_sent(
    sandbox: Sandbox, channel: Channel, person_no: int, latitude: float, longitude: float, **texts: str
) -> Event:
    place: dict[str, Any] = {**texts, "latitude": latitude, "longitude": longitude}
    return message_written(sandbox, channel, person_no, "location", **place)


def message_unsent(sandbox: Sandbox, channel: Channel, person_no: int, message_id: str) -> Event:
    return new_event(sandbox, channel, person_no, "unsend", answerable=False, unsend={"messageId": message_id})


def video_watched(sandbox: Sandbox, channel: Channel, person_no: int, tracking_id: str) -> Event:
    return new_event(sandbox, channel, person_no, "videoPlayComplete", videoPlayComplete={"trackingId": tracking_id})


def posted_back(
    sandbox: Sandbox, channel: Channel, person_no: int, data: str, params: dict[str, str] | None = None
) -> Event:
    postback: dict[str, Any] = {"data": data}
    if params:
        postback["params"] = params
    return new_event(sandbox, channel, person_no, "postback", postback=postback)


def beacon_met(
    sandbox: Sandbox, channel: Channel, person_no: int, hwid: str, kind: str, dm: str | None = None
) -> Event:
    beacon = {"hwid": hwid, "type": kind} | ({"dm": dm} if dm else {})
    return new_event(sandbox, channel, person_no, "beacon", beacon=beacon)


def happened_in(
    sandbox: Sandbox, channel: Channel, source: Mapping[str, str], kind: str, *, group_id: str | None, **members: Any
) -> Event:
    """An event in a group or room, which is answered there if `group_id` names it."""
    event = complete(sandbox, channel, {"type": kind, "source": dict(source), **members})
    if group_id is not None and not channel.standby:
        event["replyToken"] = sandbox.reply_tokens.issue(channel.no, NOBODY, sandbox.clock.now(), group_id)
    return event
