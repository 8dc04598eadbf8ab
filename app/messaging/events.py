"""Facts of sending."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class SendingStopped(Fact):
    """Somebody stopped all sending of the brand, or of one account."""

    type: ClassVar[str] = "sending.stopped"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "occurred_at")

    line_account_id: UUID | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class SendingResumed(Fact):
    """Somebody let the brand, or one account, send again."""

    type: ClassVar[str] = "sending.resumed"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "occurred_at")

    line_account_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class RunFinished(Fact):
    """A run has no batch left to send: `sent` says how many people each store and account stands behind."""

    type: ClassVar[str] = "run.finished"
    once_by: ClassVar[tuple[str, ...]] = ("run_id",)

    run_id: UUID
    status: str
    campaign_id: UUID | None
    weather_rule_id: UUID | None
    coupon_id: UUID | None
    sent: list[dict[str, Any]]
    chosen: int
    left_out: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class QuotaAlerted(Fact):
    """An account has used four fifths, or all, of what it may send in a month: each is told once."""

    type: ClassVar[str] = "quota.alerted"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "month", "percent")

    line_account_id: UUID
    month: str
    """Such as 2026-11."""
    percent: int
    """80 or 100."""
    used: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class QuotaUsedElsewhere(Fact):
    """Somebody else sends from an account, such as in LINE's manager: told once a month, when it is noticed."""

    type: ClassVar[str] = "quota.used_elsewhere"
    once_by: ClassVar[tuple[str, ...]] = ("line_account_id", "month")

    line_account_id: UUID
    month: str
    others: int
    """Messages, at least."""
