"""Facts of customers' lives, as timeline, reports and webhooks carry them."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class CustomerCreated(Fact):
    """A person became known."""

    type: ClassVar[str] = "customer.created"
    once_by: ClassVar[tuple[str, ...]] = ("customer_id",)
    source: str
    """How: `line` or `api`."""


@dataclass(frozen=True, kw_only=True)
class CustomerUpdated(Fact):
    """Some of what is known of a person changed."""

    type: ClassVar[str] = "customer.updated"
    once_by: ClassVar[tuple[str, ...]] = ("customer_id", "occurred_at")
    fields: tuple[str, ...]
    """The names of what changed; never the values."""


@dataclass(frozen=True, kw_only=True)
class CustomerErased(Fact):
    """A person's data was erased."""

    type: ClassVar[str] = "customer.erased"
    once_by: ClassVar[tuple[str, ...]] = ("customer_id",)


@dataclass(frozen=True, kw_only=True)
class FriendFollowed(Fact):
    """A person added an account, or unblocked it."""

    type: ClassVar[str] = "friend.followed"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "webhook_event_id")
    friend_id: UUID
    line_account_id: UUID
    webhook_event_id: str
    is_unblocked: bool
    """What LINE says, which is not always right."""


@dataclass(frozen=True, kw_only=True)
class FriendBlocked(Fact):
    """A person blocked an account."""

    type: ClassVar[str] = "friend.blocked"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "webhook_event_id")
    friend_id: UUID
    line_account_id: UUID
    webhook_event_id: str


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Fact):
    """A person wrote to an account or pressed one of its buttons."""

    type: ClassVar[str] = "message.received"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "webhook_event_id")
    friend_id: UUID
    line_account_id: UUID
    webhook_event_id: str
    message_type: str
    """LINE's type, such as `text` or `sticker`; `postback` for a button."""
    text: str | None
    postback_data: str | None
    message_id: str | None = None
    """LINE's, by which the content of a picture, video, recording or file is fetched."""
