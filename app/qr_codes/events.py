"""Facts about where friends come from."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class FriendSourced(Fact):
    """It became known by which QR code a person added an account: once for a friendship."""

    type: ClassVar[str] = "friend.sourced"
    once_by: ClassVar[tuple[str, ...]] = ("friend_id",)
    friend_id: UUID
    line_account_id: UUID
    qr_code_id: UUID
    name: str
    """The code's name at that moment."""
    kind: str
    label: str | None
