"""Facts of the weather."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class WeatherDecided(Fact):
    """A weather rule fired for a store. Decisions not to fire are rows only: they are many, and nothing follows."""

    type: ClassVar[str] = "weather.decided"
    once_by: ClassVar[tuple[str, ...]] = ("decision_id",)

    decision_id: UUID
    weather_rule_id: UUID
    store_id: UUID
    business_on: str
    reason: str
