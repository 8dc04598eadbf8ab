"""Facts about links."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class LinkClicked(Fact):
    """Somebody followed a tracked link. Each time is a fact of its own; `customer_id` null: nobody knows who."""

    type: ClassVar[str] = "link.clicked"
    once_by: ClassVar[tuple[str, ...]] = ("click_id",)

    click_id: UUID
    link_id: UUID
    run_id: UUID
    campaign_id: UUID | None
    weather_rule_id: UUID | None
    variant: int | None
    url: str
    """Where it led, without what was added."""
