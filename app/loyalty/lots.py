"""Which of a customer's points are left, and when they expire: worked out of her entries, in whatever order they came.

Points of one source are a lot. Refunds and expiries lessen their own lot; what was spent is taken from those that
expire first, whenever it was spent. So the answer depends on what the entries are and not on how they came together,
which is what lets a merge move them and its undoing give them back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """What an entry says of points; `lot_id` is None of what lessens them without saying which."""

    kind: str
    delta: int
    lot_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """Points of one source that are left, and when they expire."""

    id: UUID
    left: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What she has: lots of which something is left, those that expire first ahead; or else a debt."""

    lots: tuple[Lot, ...]
    debt: int = 0

    @property
    def points(self) -> int:
        """The sum of her entries; below zero it is a debt."""
        return sum(lot.left for lot in self.lots) - self.debt


def hold(lines: Iterable[Line]) -> Holding:
    """What these entries, in any order, come to."""
    owed = 0
    held: dict[UUID, int] = {}
    ends: dict[UUID, datetime] = {}
    for line in lines:
        if line.lot_id is None:
            owed -= line.delta
            continue
        held[line.lot_id] = held.get(line.lot_id, 0) + line.delta
        if line.delta > 0 and line.kind != "expire":
            ends[line.lot_id] = max(ends.get(line.lot_id, line.expires_at or NEVER), line.expires_at or NEVER)
    # An entry that lessens a lot may be hers while the lot is another's: only until that merge is settled.
    owed -= sum(left for left in held.values() if left < 0)
    lots = []
    for lot_id, capacity in sorted(held.items(), key=lambda one: (ends.get(one[0], NEVER), one[0])):
        taken = min(owed, max(0, capacity))
        owed -= taken
        if capacity > taken:
            end = ends.get(lot_id, NEVER)
            lots.append(Lot(lot_id, capacity - taken, None if end == NEVER else end))
    return Holding(tuple(lots), owed)
