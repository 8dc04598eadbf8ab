"""Where an account shows that it is typing, and up to which message it has read."""

import hmac
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.world import Channel, derive


@dataclass(slots=True)
class Chats:
    """By channel number and user id. Times are of the sandbox's clock."""

    _loading_until: dict[tuple[int, str], float] = field(default_factory=dict)
    _read_up_to: dict[tuple[int, str], int] = field(default_factory=dict)

    def saved(self) -> Any:
        """What was read; an animation lasts for a minute at most."""
        return {"read_up_to": [[*key, message_no] for key, message_no in self._read_up_to.items()]}

    def restore(self, value: Any) -> None:
        """Take it back."""
        self._read_up_to = {(no, user_id): message_no for no, user_id, message_no in value["read_up_to"]}

    def show_loading(self, channel: Channel, user_id: str, until: float) -> None:
        """The animation is there until then, or until a message comes, which is for the page to see."""
        self._loading_until[channel.no, user_id] = until

    def get_loading_until(self, channel: Channel, user_id: str, now: float) -> float | None:
        """Until when the animation shows, None if none does."""
        until = self._loading_until.get((channel.no, user_id), 0.0)
        return until if now < until else None

    def mark_read(self, channel: Channel, user_id: str, message_no: int) -> None:
        """Everything she wrote up to this message is marked as read."""
        key = (channel.no, user_id)
        self._read_up_to[key] = max(message_no, self._read_up_to.get(key, 0))

    def get_read_up_to(self, channel: Channel, user_id: str) -> int | None:
        """The number of the last message of hers that the account has marked as read."""
        return self._read_up_to.get((channel.no, user_id))

    def reset(self) -> None:
        self._loading_until.clear()
        self._read_up_to.clear()


def new_read_token(channel: Channel, user_id: str, message_id: str) -> str:
    """The `markAsReadToken` of a message from a person to this channel. It says itself what for, and never ends."""
    return f"{message_id}.{user_id}.{derive('read', channel.channel_id, user_id, message_id)}"


def open_read_token(channel: Channel, token: str) -> tuple[str, int] | None:
    """The person and the message number, or None if this channel was never given such a token."""
    message_id, _, rest = token.partition(".")
    user_id = rest.partition(".")[0]
    if not message_id.isascii() or not message_id.isdigit():
        return None
    expected = new_read_token(channel, user_id, message_id)
    return (user_id, int(message_id)) if hmac.compare_digest(expected.encode(), token.encode()) else None
