"""Facts of consents."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(Fact):
    """A person allowed or withdrew a purpose by a channel."""

    type: ClassVar[str] = "consent.changed"
    once_by: ClassVar[tuple[str, ...]] = ("consent_id",)
    consent_id: UUID
    purpose: str
    channel: str
    is_granted: bool
