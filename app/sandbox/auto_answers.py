"""What LINE's manager says by itself beside the webhook's owner: a greeting, and an answer to each message.

No API switches it off, so people who were not told to do so by hand get two answers. Neither counts for the quota.
"""

import time
import uuid
from typing import TYPE_CHECKING, Any

import orjson

from app.sandbox.ledger import AcceptedCall, Kind
from app.sandbox.world import Channel

if TYPE_CHECKING:
    from app.sandbox.state import Sandbox


def answer(sandbox: "Sandbox", channel: Channel, event: dict[str, Any]) -> None:
    """Lay into her inbox what the manager says to an event, if it was told to say anything."""
    match event["type"]:
        case "follow":
            kind, text = Kind.GREETING, channel.greeting
        case "message":
            kind, text = Kind.AUTO_RESPONSE, channel.auto_response
        case _:
            return
    source = event.get("source") or {}
    user_id = source.get("userId") if source.get("type") == "user" else None  # In groups the manager keeps silent.
    person_no = sandbox.world.providers[channel.provider_id].numbers.get(str(user_id))
    if text is None or person_no is None:
        return
    sandbox.ledger.append(
        AcceptedCall(
            at=time.time(),
            clock_at=sandbox.clock.now(),
            kind=kind,
            channel_no=channel.no,
            request_id=uuid.uuid4().bytes,
            retry_key=None,
            first_message_no=sandbox.take_message_nos(1),
            messages=orjson.dumps([{"type": "text", "text": text}]),
            people=[person_no],
        )
    )
