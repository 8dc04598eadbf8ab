"""What a LIFF app writes into a chat in a person's name."""

from typing import Any

from app.sandbox import events, webhooks, world
from app.sandbox.chats.state import new_read_token
from app.sandbox.login.state import Access
from app.sandbox.messages import check_messages
from app.sandbox.phone.state import Said
from app.sandbox.state import Sandbox

_TYPES = ("text", "sticker", "image", "video", "audio", "location", "template", "flex")
_UNHEARD = ("template", "flex")
"""Types that LINE shows in the chat without telling the webhook."""


class Unsendable(Exception):
    """These messages cannot be sent; the text says why."""


def send_messages(sandbox: Sandbox, access: Access, messages: Any) -> None:
    """Send up to five messages as the person, in the chat where the app was opened. Raises Unsendable."""
    account = sandbox.world.channels.get(access.chat_channel_id or "")
    if account is None:
        raise Unsendable("the app was not opened in a chat")
    details = check_messages(messages, endpoint="push")
    if details:
        raise Unsendable(f"{details[0].get('property')}: {details[0].get('message')}")
    if unknown := [each["type"] for each in messages if each["type"] not in _TYPES]:
        raise Unsendable(f"messages of type {unknown[0]} cannot be sent")
    user_id = world.user_id_in(sandbox.world, account, access.person_no)
    if user_id in account.blocked:
        raise Unsendable("she blocks the account")
    world.write(sandbox.world, account, access.person_no, sandbox.clock.now())
    for message in messages:
        if message["type"] in _UNHEARD:
            said = Said(sandbox.take_message_nos(1), account.no, access.person_no, sandbox.clock.now(), message)
            sandbox.phones.say(said, sandbox.world.changes)
        else:
            message_id = str(sandbox.take_message_nos(1))
            read_token = new_read_token(account, user_id, message_id)
            heard = {"id": message_id, **_heard(message), "markAsReadToken": read_token}
            if message["type"] in ("text", "sticker", "image", "video"):
                heard["quoteToken"] = f"q{message_id}"
            webhooks.enqueue(
                sandbox, account, events.new_event(sandbox, account, access.person_no, "message", message=heard)
            )


def _heard(message: dict[str, Any]) -> dict[str, Any]:
    """A message object as a webhook tells it."""
    if "originalContentUrl" not in message:
        return {name: value for name, value in message.items() if name not in ("quickReply", "sender", "quoteToken")}
    urls = {name: message[name] for name in ("originalContentUrl", "previewImageUrl") if name in message}
    heard: dict[str, Any] = {"type": message["type"], "contentProvider": {"type": "external", **urls}}
    if "duration" in message:
        heard["duration"] = message["duration"]
    return heard
