"""Facts of imports."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class ImportFinished(Fact):
    """A file of customers was taken in; of the people in it no events tell one by one."""

    type: ClassVar[str] = "import.finished"
    once_by: ClassVar[tuple[str, ...]] = ("operation_id",)
    operation_id: UUID
    rows: int
    created: int
    changed: int
    unchanged: int
    failed: int
