"""The field `message`: what was sent to her, and what of it she followed."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from app.customers.models import Customer
from app.events.models import Event
from app.messaging.models import Batch, Delivery, DeliveryFailure, Run
from app.schemas import write_instant
from app.segments.fields.base import Asked, Leaf, Reference, Told, instant_words
from app.segments.fields.operands import Field, Operands


@dataclass(frozen=True, slots=True)
class _OfMessages(Leaf):
    """Something happened to a message of one of these campaigns, or any; within so many days, or ever."""

    campaigns: tuple[Reference, ...] = ()
    days: int | None = None
    never: ClassVar[tuple[str, str]]
    last: ClassVar[str]

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("cmp", campaign) for campaign in self.campaigns)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        return exists().where(*self._rows(asked)).correlate(Customer)

    def actual(self, asked: Asked) -> Any:
        last = select(func.max(self._happened_at())).where(*self._rows(asked))
        return last.correlate(Customer).scalar_subquery()

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, *self.never)
        en, ja = instant_words(value, asked)
        return Told(write_instant(value), f"{self.last}: {en}", f"最後は{ja}")

    @abstractmethod
    def _happened_at(self) -> Any:
        """The column that tells when."""

    @abstractmethod
    def _rows(self, asked: Asked) -> list[ColumnElement[bool]]:
        """What holds of the rows that say so."""


@dataclass(frozen=True, slots=True)
class Received(_OfMessages):
    """Was sent a message. LINE has taken it."""

    never: ClassVar[tuple[str, str]] = ("she received none", "受け取っていない")
    last: ClassVar[str] = "the last one"

    def _happened_at(self) -> Any:
        return col(Batch.done_at)

    def _rows(self, asked: Asked) -> list[ColumnElement[bool]]:
        failure = aliased(DeliveryFailure)
        failed = exists().where(
            col(failure.brand_id) == asked.brand_id,
            col(failure.run_id) == col(Delivery.run_id),
            col(failure.customer_id) == col(Delivery.customer_id),
            col(failure.slot) == col(Delivery.slot),
        )
        rows = [
            col(Delivery.brand_id) == asked.brand_id,
            col(Delivery.customer_id) == col(Customer.id),
            *asked.is_mine(Delivery.store_no),
            col(Batch.brand_id) == asked.brand_id,
            col(Batch.run_id) == col(Delivery.run_id),
            col(Batch.batch_no) == col(Delivery.batch_no),
            col(Batch.state) == "sent",
            ~failed.correlate(Delivery),
        ]
        if self.days is not None:
            rows.append(col(Batch.done_at) >= asked.now - timedelta(days=self.days))
        if self.campaigns:
            rows += [
                col(Run.brand_id) == asked.brand_id,
                col(Run.id) == col(Delivery.run_id),
                col(Run.campaign_id).in_(asked.ids("cmp", self.campaigns)),
            ]
        return rows


@dataclass(frozen=True, slots=True)
class Clicked(_OfMessages):
    """Followed a link in a message. Only links of her own tell that it was she."""

    never: ClassVar[tuple[str, str]] = ("she followed no link", "リンクを開いていない")
    last: ClassVar[str] = "the last link"

    def _happened_at(self) -> Any:
        return col(Event.occurred_at)

    def _rows(self, asked: Asked) -> list[ColumnElement[bool]]:
        rows = [
            col(Event.brand_id) == asked.brand_id,
            col(Event.type) == "link.clicked",
            col(Event.customer_id) == col(Customer.id),
            *asked.is_mine(Event.store_no),
        ]
        if self.days is not None:
            rows.append(col(Event.occurred_at) >= asked.now - timedelta(days=self.days))
        if self.campaigns:
            campaign_id = col(Event.data)["campaign_id"].astext
            rows.append(campaign_id.in_([str(one) for one in asked.ids("cmp", self.campaigns)]))
        return rows


def _read(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    members = operands.members(value, at, ("campaign_id", "within_days"))
    if members is None:
        return None
    campaigns: tuple[Reference, ...] = ()
    days = None
    if "campaign_id" in members:
        campaigns = operands.references("cmp", members["campaign_id"], f"{at}/campaign_id")
        if not campaigns:
            return None
    if "within_days" in members:
        days = operands.days(members["within_days"], f"{at}/within_days")
        if days is None:
            return None
    return Received(campaigns, days) if op == "received" else Clicked(campaigns, days)


FIELDS = {"message": Field(("received", "clicked"), _read)}
