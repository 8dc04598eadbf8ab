"""Leaf: one comparison of a rule, whatever its field; and what it is asked with."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, any_, false, func, literal, or_
from sqlmodel import col, select

from app.customers.models import Customer, CustomerStore
from app.segments.naming import Named, Thing
from tenants.brands.queries import get_brand
from tenants.session import ScopedSession

FEW = 8
"""So many numbers are looked for in an array one by one, with an operator that Postgres holds for leakproof.

It then asks the policy only of the rows that have them; of the overlap of two arrays it asks the policy first, for each
row of the brand.
"""


@dataclass(frozen=True, slots=True)
class Reference:
    """Something a leaf names: the id, or a tag's name, and where it stands in the document."""

    key: UUID | str
    at: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer has of what a leaf asks: as JSON, and in words that say no more than the caller may see."""

    actual: Any
    en: str
    ja: str


class Leaf(ABC):
    """One comparison. It is true or false of every customer and never unknown, so that `not` can stand before it."""

    __slots__ = ()

    @abstractmethod
    def condition(self, asked: "Asked") -> ColumnElement[bool]:
        """The comparison as a condition on `Customer`, with all that it needs: it also stands in statements that look
        over the stores' wall, so a store's own numbers are written into it."""

    @abstractmethod
    def actual(self, asked: "Asked") -> Any:
        """The value of a customer that the comparison looks at, for `tell`."""

    @abstractmethod
    def tell(self, value: Any, asked: "Asked") -> Told:
        """What that value says."""

    def named(self) -> Iterator[tuple[str, Reference]]:
        """What the leaf names, each with the prefix of its ids."""
        return iter(())


@dataclass
class Asked:
    """What a rule's leaves are asked with: whose eyes, which moment, and what was found of all that they name."""

    session: ScopedSession
    named: Named
    now: datetime
    joined: bool = False
    """Whether the statement is one of `queries.of_scope`, where a single store's figures stand beside the customer."""
    chosen: Mapping[UUID, ColumnElement[bool]] = field(default_factory=dict)
    """The conditions of the segments that are named."""

    @property
    def store_nos(self) -> list[int] | None:
        """The stores whose eyes ask; None for the whole brand."""
        mine = self.session.scope.store_nos
        return None if mine is None else sorted(mine)

    @property
    def brand_id(self) -> UUID:
        """The brand, for statements that the session's own filter does not reach."""
        return self.session.scope.brand_id

    @cached_property
    def zone(self) -> ZoneInfo:
        """The brand's zone."""
        return ZoneInfo(get_brand(self.session, self.brand_id).timezone)

    @property
    def today(self) -> date:
        """The date in the brand's zone."""
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The first instant of a day in the brand's zone."""
        return datetime.combine(day, time(), tzinfo=self.zone)

    def things(self, kind: str, references: Iterable[Reference]) -> list[Thing]:
        """What was found of these, in the order in which they are named."""
        found = self.named.things.get(kind, {})
        return [found[one.key] for one in references if one.key in found]

    def nos(self, kind: str, references: Iterable[Reference]) -> set[int]:
        """The numbers of what was found of these."""
        return {no for thing in self.things(kind, references) for no in thing.nos}

    def ids(self, kind: str, references: Iterable[Reference]) -> list[UUID]:
        """The ids of what was found of these."""
        return [thing.id for thing in self.things(kind, references)]

    def is_mine(self, store_no: Any) -> list[ColumnElement[bool]]:
        """The condition that a row is of a store in scope; none for the whole brand."""
        return [] if self.store_nos is None else [col(store_no).in_(self.store_nos)]

    def summary(self, name: str) -> Any:
        """A count, an amount or a date: of the whole brand, or of the stores in scope."""
        store_nos = self.store_nos
        if store_nos is None:
            return getattr(Customer, name)
        value: Any = col(getattr(CustomerStore, name))
        if self.joined and len(store_nos) == 1:
            return value
        is_instant = name.endswith("_at")
        if len(store_nos) > 1:  # adding up one row takes longer than reading it
            value = func.max(value) if is_instant else func.sum(value)
        mine = select(value).where(*self.ties(), col(CustomerStore.store_no).in_(store_nos))
        summary: Any = mine.correlate(Customer).scalar_subquery()
        return summary if is_instant else func.coalesce(summary, 0)

    def ties(self) -> tuple[ColumnElement[bool], ...]:
        """What joins a customer to her rows at stores."""
        return (
            col(CustomerStore.brand_id) == self.brand_id,
            col(CustomerStore.customer_id) == col(Customer.id),
        )


def overlap(column: Any, nos: Collection[int]) -> ColumnElement[bool]:
    """Whether an array of the customer's row holds one of these numbers."""
    if len(nos) <= FEW:
        return or_(false(), *(literal(no, Integer) == any_(column) for no in sorted(nos)))
    held: ColumnElement[bool] = column.overlap(sorted(nos))
    return held


def instant_words(moment: datetime, asked: Asked) -> tuple[str, str]:
    """A moment as its local date and how many days ago it was, in English and in Japanese."""
    on = moment.astimezone(asked.zone).date().isoformat()
    days = (asked.now - moment).days
    if days < 0:
        return f"{on} is to come", f"{on}（これから）"
    return f"{on} is {days} day{'' if days == 1 else 's'} ago", f"{on}（{days}日前）"


def join_labels(things: Sequence[Thing]) -> str:
    """The names of things, with commas."""
    return "、".join(thing.label for thing in things)
