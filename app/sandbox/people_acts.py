"""What a person does in the chat with an account, and the event that LINE makes of it.

What she sends besides text, and LINE keeps for a while, is in contents/.
"""

from collections.abc import Callable
from typing import Any

from app.sandbox import events, world
from app.sandbox.controls import JsonObject, Mistaken, list_of, number_of, text_of
from app.sandbox.events import Event
from app.sandbox.insight import engine
from app.sandbox.state import Sandbox
from app.sandbox.world import Channel, Tie

Act = Callable[[Sandbox, Channel, int, JsonObject], Event | None]
"""None if LINE would tell nobody."""


def write(sandbox: Sandbox, channel: Channel, no: int) -> None:
    """She writes in the chat, which she need not be a friend for. Raises Mistaken if she blocks the account."""
    if world.user_id_in(sandbox.world, channel, no) in channel.blocked:
        raise Mistaken(f"{sandbox.world.person_ids[no]} blocks channel {channel.channel_id}", 409)
    world.write(sandbox.world, channel, no, sandbox.clock.now())


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


def _message(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    """A text, with `emojis` and `mention` as LINE writes them, and the message that it quotes."""
    text, mention = text_of(body, "text"), body.get("mention")
    if not isinstance(mention, dict | None):
        raise Mistaken("mention is an object with mentionees")
    emojis, quoted = list_of(body, "emojis") or None, body.get("quotedMessageId")
    write(sandbox, channel, no)
    return events.text_written(sandbox, channel, no, text, emojis=emojis, mention=mention, quotedMessageId=quoted)


def _sticker(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    sticker: dict[str, Any] = {
        "packageId": text_of(body, "packageId", "446"),
        "stickerId": text_of(body, "stickerId", "1988"),
        "stickerResourceType": text_of(body, "stickerResourceType", "STATIC"),
        "keywords": list_of(body, "keywords") or None,
        "text": body.get("text"),
        "quotedMessageId": body.get("quotedMessageId"),
    }
    write(sandbox, channel, no)
    return events.message_written(sandbox, channel, no, "sticker", **sticker)


def _postback(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    data, params = text_of(body, "data"), body.get("params")
    if not isinstance(params, dict | None):
        raise Mistaken("params is an object")
    write(sandbox, channel, no)
    return events.posted_back(sandbox, channel, no, data, params)


def _location(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    latitude, longitude = number_of(body, "latitude"), number_of(body, "longitude")
    texts = {name: text_of(body, name) for name in ("title", "address") if name in body}
    write(sandbox, channel, no)
    return events.location_sent(sandbox, channel, no, latitude, longitude, **texts)


def _beacon(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    hwid, kind = text_of(body, "hwid", "a1b2c3d4e5"), text_of(body, "type", "enter")
    return events.beacon_met(sandbox, channel, no, hwid, kind, body.get("dm"))


def _video_watched(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    """She saw a video of the account's to its end. LINE tells it again each time that she opens the chat anew."""
    return events.video_watched(sandbox, channel, no, text_of(body, "tracking_id"))


def _unsend(sandbox: Sandbox, channel: Channel, no: int, body: JsonObject) -> Event | None:
    """She takes a message of hers back: its content is gone for everybody."""
    message_id = text_of(body, "message_id")
    kept = sandbox.contents.find(message_id)
    if kept is not None and (kept.channel_no, kept.person_no) != (channel.no, no):
        raise Mistaken(f"message {message_id} is not of {sandbox.world.person_ids[no]} in this chat", 409)
    if kept is not None:
        sandbox.contents.unsend(message_id, sandbox.world.changes)
    return events.message_unsent(sandbox, channel, no, message_id)


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


ACTS: dict[str, Act] = {
    "follow": _follow,
    "block": _block,
    "unblock": _unblock,
    "message": _message,
    "sticker": _sticker,
    "unsend": _unsend,
    "video-watched": _video_watched,
    "postback": _postback,
    "location": _location,
    "beacon": _beacon,
    "tap": _tap,
}
"""By the last part of `POST /_sandbox/people/{id}/…`."""
