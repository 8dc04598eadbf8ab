"""The fields that compare numbers and instants of the summary: what she bought, when she came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, func, literal, or_, true
from sqlmodel import col

from app.customers.models import Customer
from app.schemas import write_instant
from app.segments.fields.base import Asked, Leaf, Told, instant_words
from app.segments.fields.operands import COMPARISONS, SPANS_OF_DAYS, Field, Moment, Operands


@dataclass(frozen=True, slots=True)
class Compared(Leaf):
    """A count or an amount compared with one number, or for `between` with the lowest and the highest that will do."""

    field: str
    op: str
    values: tuple[int, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        numbers = [literal(value, BigInteger) for value in self.values]
        return compare(asked.summary(self.field), self.op, [(number, number) for number in numbers])

    def actual(self, asked: Asked) -> Any:
        return asked.summary(self.field)

    def tell(self, value: Any, asked: Asked) -> Told:
        number = int(value)
        if self.field == "spend_yen":
            return Told(number, f"it is {number:,} yen", f"{number:,}円")
        return Told(number, f"it is {number:,}", f"{number:,}回")


@dataclass(frozen=True, slots=True)
class Dated(Leaf):
    """An instant compared with moments (`values`) or with how long ago it was (`days`); `never` takes neither."""

    field: str
    op: str
    values: tuple[Moment, ...] = ()
    days: int = 0

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        column = self._column(asked)
        if self.op == "never":
            never: ColumnElement[bool] = column.is_(None)
            return never
        if self.op in SPANS_OF_DAYS:
            since = asked.now - timedelta(days=self.days)
            held = column >= since if self.op == "within_days" else column < since
        else:
            held = compare(column, self.op, [span(moment, asked) for moment in self.values])
        known: ColumnElement[bool] = held.is_(true())
        return known

    def actual(self, asked: Asked) -> Any:
        return self._column(asked)

    def _column(self, asked: Asked) -> Any:
        if self.field == "first_seen_at":
            return func.coalesce(col(Customer.first_seen_at), col(Customer.created_at))
        return asked.summary(self.field)

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "there is none", "なし")
        return Told(write_instant(value), *instant_words(value, asked))


def span(moment: Moment, asked: Asked) -> tuple[datetime, datetime]:
    """The first and the last instant of a moment: the same one, or those of a day in the brand's zone."""
    if isinstance(moment, datetime):
        return moment, moment
    return asked.midnight(moment), asked.midnight(moment + timedelta(days=1)) - timedelta(microseconds=1)


_COMPARISONS: dict[str, Callable[[Any, Any, Any], ColumnElement[bool]]] = {
    "=": lambda column, first, last: and_(column >= first, column <= last),
    "!=": lambda column, first, last: or_(column < first, column > last),
    "<": lambda column, first, last: column < first,
    "<=": lambda column, first, last: column <= last,
    ">": lambda column, first, last: column > last,
    ">=": lambda column, first, last: column >= first,
}
"""Each operator over a value that reaches from `first` to `last`: one number, one instant, or a whole day."""


def compare(column: Any, op: str, spans: Sequence[tuple[Any, Any]]) -> ColumnElement[bool]:
    """A comparison of a column with one span, or with two for `between`."""
    if op == "between":
        return and_(column >= spans[0][0], column <= spans[1][1])
    return _COMPARISONS[op](column, *spans[0])


def _read_number(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    numbers = operands.compared(op, value, at, operands.number)
    return Compared(name, op, numbers) if numbers else None


def _read_instant(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    if op == "never":
        return Dated(name, op)
    if op in SPANS_OF_DAYS:
        days = operands.days(value, at)
        return None if days is None else Dated(name, op, days=days)
    moments = operands.compared(op, value, at, operands.moment)
    return Dated(name, op, moments) if moments else None


_NUMBER = Field(COMPARISONS, _read_number)
_INSTANT = Field((*COMPARISONS, *SPANS_OF_DAYS, "never"), _read_instant)

FIELDS = {
    "order_count": _NUMBER,
    "spend_yen": _NUMBER,
    "last_order_at": _INSTANT,
    "last_visit_at": _INSTANT,
    "first_seen_at": _INSTANT,
}
