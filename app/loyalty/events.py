"""Facts of points."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class PointsChanged(Fact):
    """An entry was added to a customer's points. `points` and `debt` are what she had afterwards."""

    type: ClassVar[str] = "points.changed"
    once_by: ClassVar[tuple[str, ...]] = ("point_entry_id",)
    point_entry_id: UUID
    kind: str
    origin: str
    delta: int
    points: int
    debt: int
