"""Facts of sending."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from app.events.facts import Fact


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
