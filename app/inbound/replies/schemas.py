"""What crosses the wire about answers to LINE's events."""

from typing import Annotated, Literal

from pydantic import Field

from app.schemas import AutoReplyId, CustomerId, Instant, Read

Status = Literal["waiting", "sent", "dropped", "failed"]
Reason = Literal[
    "too_late",
    "erased",
    "archived",
    "suspended",
    "no_greeting",
    "no_text",
    "no_test_host",
    "secret_shut",
    "unrenderable",
    "refused",
    "slowed_down",
    "unclear",
]

Kind = Annotated[
    Literal["greeting", "nearest_stores", "auto_reply"],
    Field(description="What it says: the account's greeting or a welcome, the stores near her, an auto-reply's words."),
]


class ReplyRead(Read):
    """One answer to one event, or why there was none. A reply token lives for a minute; nothing is sent after it."""

    webhook_event_id: str = Field(description="LINE's id of the event.")
    customer_id: CustomerId
    kind: Kind
    auto_reply_id: AutoReplyId | None
    status: Status = Field(description="`dropped`: LINE was not asked. `failed`: it said no.")
    reason: Reason | None = Field(description="`unclear`: an earlier attempt had no answer and may have been taken.")
    detail: str | None = Field(description="LINE's words, where it said any.")
    attempts: int
    created_at: Instant
    expires_at: Instant = Field(description="When the reply token is no longer used.")
    settled_at: Instant | None
