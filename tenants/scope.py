"""Scope: a brand, with all of its stores or some."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Scope:
    """What one transaction may see: one brand, and in it all stores (`store_nos` None) or those of these numbers."""

    brand_id: UUID
    store_nos: frozenset[int] | None = None

    def brand_wide(self) -> "Scope":
        """The same brand with all of its stores, for verbs that must look over the stores' wall."""
        return Scope(self.brand_id)

    def sees_store(self, store_no: int | None) -> bool:
        """Whether a row of this store lies inside the scope; a row of head office (None) only lies in a whole brand."""
        return self.store_nos is None or store_no in self.store_nos
