"""Facts of sales and visits."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.events.facts import Fact


@dataclass(frozen=True, kw_only=True)
class OrderPaid(Fact):
    """Somebody bought something, or what is known of it changed.

    A change is told by its difference, so that the sum over all facts is what the orders come to. Another amount is one
    fact with `orders_delta` 0; another store, customer or time is one that takes the order away (-1) and one that adds
    it.
    """

    type: ClassVar[str] = "order.paid"
    once_by: ClassVar[tuple[str, ...]] = ("order_id", "told_at", "orders_delta")
    order_id: UUID
    amount_yen: int
    orders_delta: int
    told_at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderRefunded(Fact):
    """Money of an order was given back. The sum over `order.paid` less the sum of these is what the orders come to."""

    type: ClassVar[str] = "order.refunded"
    once_by: ClassVar[tuple[str, ...]] = ("refund_id",)
    order_id: UUID
    refund_id: UUID
    amount_yen: int
    left_yen: int


@dataclass(frozen=True, kw_only=True)
class VisitRecorded(Fact):
    """Somebody came to a store, or what is known of it changed.

    A visit of another store, customer or time is told by one fact that takes the former away (-1) and one that adds it,
    so that the sum over all facts is the number of visits.
    """

    type: ClassVar[str] = "visit.recorded"
    once_by: ClassVar[tuple[str, ...]] = ("visit_id", "told_at", "visits_delta")
    visit_id: UUID
    visits_delta: int
    told_at: datetime
