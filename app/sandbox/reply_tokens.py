"""Reply tokens: one for each event that can be answered, good once, for a minute after delivery."""

import secrets
from dataclasses import dataclass, field
from itertools import islice

_EVENT_SECONDS = 20 * 60
"""After this a redelivered event's token is dead. Also how long a token is remembered after its delivery."""
NOBODY = -1
"""Instead of a person, where a group is answered."""


@dataclass(slots=True)
class ReplyToken:
    """What may be answered, and to whom. Times are of the sandbox's clock."""

    channel_no: int
    person_no: int
    event_at: float
    delivered_at: float
    used: bool = False
    group_id: str | None = None
    """The group or room that is answered, instead of a person."""


@dataclass(slots=True)
class ReplyTokens:
    """All tokens that may still be used, oldest first."""

    _tokens: dict[str, ReplyToken] = field(default_factory=dict)

    def issue(self, channel_no: int, person_no: int, now: float, group_id: str | None = None) -> str:
        """A new token, valid from now."""
        for text, token in list(islice(self._tokens.items(), 2)):
            if now - token.delivered_at > _EVENT_SECONDS:
                del self._tokens[text]
        text = secrets.token_hex(16)
        self._tokens[text] = ReplyToken(channel_no, person_no, now, now, group_id=group_id)
        return text

    def mark_delivered(self, text: str | None, now: float) -> None:
        """Start the minute of a token again: its event is being delivered, or redelivered."""
        token = self._tokens.get(text or "")
        if token is not None and now - token.event_at <= _EVENT_SECONDS:
            token.delivered_at = now

    def find(self, text: str, channel_no: int, now: float, seconds: float) -> ReplyToken | None:
        """The token if this channel may use it now."""
        token = self._tokens.get(text)
        if token is None or token.used or token.channel_no != channel_no:
            return None
        return token if now - token.delivered_at < seconds else None

    def reset(self) -> None:
        self._tokens.clear()
