"""Facts of campaigns."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class CampaignEnded(Fact):
    """A scheduled campaign ended before it began to send: `status` is `expired` or `failed`, `detail` says why."""

    type: ClassVar[str] = "campaign.ended"
    once_by: ClassVar[tuple[str, ...]] = ("campaign_id",)

    campaign_id: UUID
    status: str
    detail: str
