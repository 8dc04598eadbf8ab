"""The overlap of stores' customers as it crosses the wire."""

from pydantic import Field

from app.reports.overlap.queries import By
from app.schemas import Instant, Read, StoreId


class SharedWith(Read):
    """Customers whom one store has in common with another."""

    store_id: StoreId
    customers: int
    ratio: float | None = Field(description="Of the first store's customers; null where it has none.", examples=[0.12])


class StoreOverlap(Read):
    """One row of the matrix: a store, and whom it shares with each of the others."""

    store_id: StoreId
    customers: int = Field(description="All that this store has.")
    shared: int = Field(description="Those whom it has in common with at least one of the others, each once.")
    others: list[SharedWith] = Field(description="Every other store of the request, in the order of the rows.")


class Overlap(Read):
    """Whom stores have in common. The matrix is symmetric: what one shares with another, that one shares with it."""

    by: By
    customers: int = Field(description="Customers of any of these stores, each once.")
    items: list[StoreOverlap]
    fresh_at: Instant
