"""Facts of the safety stop."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class SafetyStopped(Fact):
    """A store's invitations stopped or are held back: `kind` says which, `warnings` are JMA's codes."""

    type: ClassVar[str] = "safety.stopped"
    once_by: ClassVar[tuple[str, ...]] = ("safety_stop_id", "kind")

    safety_stop_id: UUID
    store_id: UUID
    kind: str
    cause: str
    warnings: list[str]


@dataclass(frozen=True, kw_only=True)
class SafetyResumed(Fact):
    """A store's invitations go out again, by the rule or because a person said so."""

    type: ClassVar[str] = "safety.resumed"
    once_by: ClassVar[tuple[str, ...]] = ("safety_stop_id",)

    safety_stop_id: UUID
    store_id: UUID
    ended_by: str
    reason: str
