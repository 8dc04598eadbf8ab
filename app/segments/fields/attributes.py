"""The fields `attribute.<name>`: of the type that the brand declared, else of the type of the value given."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Text, and_, cast, func, literal, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from app.customers.models import Customer
from app.segments.fields.base import Asked, Leaf, Told
from app.segments.fields.figures import compare
from app.segments.fields.operands import COMPARISONS, TEXTS, Field, Operands
from app.segments.fields.person import match_text

PREFIX: Final = "attribute."


@dataclass(frozen=True, slots=True)
class Attributed(Leaf):
    """An attribute of this type compared with values. One of another type, or none, compares with nothing."""

    name: str
    type: str
    op: str
    values: tuple[Any, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        is_of_type = func.jsonb_typeof(self.actual(asked)) == _JSON_TYPES[self.type]
        held: ColumnElement[bool] = and_(is_of_type, self._compared(asked)).is_(true())
        return held

    def _compared(self, asked: Asked) -> ColumnElement[bool]:
        if self.type in ("number", "boolean"):
            # As JSON, in which numbers compare as numbers: a cast would fail for a value of another type.
            values = [_json(value) for value in self.values]
            return compare(self.actual(asked), self.op, [(value, value) for value in values])
        written = col(Customer.attributes)[self.name].astext
        if self.type == "date":
            days = [literal(day.isoformat(), Text) for day in self.values]
            # Dates as they are written out are in order as texts.
            is_day = written.regexp_match("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
            return and_(is_day, compare(written.collate("C"), self.op, [(day, day) for day in days]))
        return match_text(written, self.op, self.values)

    def actual(self, asked: Asked) -> Any:
        return col(Customer.attributes)[self.name]

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "she has none", "なし")
        if value == "":
            return Told("", "it is empty", "空")
        shown = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Told(value, f"it is {shown}", shown)


_JSON_TYPES: Final = {"text": "string", "choice": "string", "date": "string", "number": "number", "boolean": "boolean"}
_OPERATORS: Final = {
    "text": TEXTS, "choice": ("=", "in"), "date": COMPARISONS, "number": COMPARISONS, "boolean": ("=",),
}  # fmt: skip


def _json(value: Any) -> Any:
    # Written out here, since the text also goes to statements that know nothing of types.
    return cast(literal(orjson.dumps(value).decode(), Text), JSONB)


def field_of(name: str, value: object, operands: Operands) -> Field:
    """The field of an attribute, with the operators of its type."""
    declared = operands.declared().get(name.removeprefix(PREFIX))
    type_ = declared or _type_of(value)
    return Field(_OPERATORS[type_], lambda *leaf: _read(type_, *leaf))


def _type_of(value: object) -> str:
    """The type of an attribute that is not declared: what the rule compares it with."""
    sample = value[0] if isinstance(value, list) and value else value
    if isinstance(sample, bool):
        return "boolean"
    return "number" if isinstance(sample, int | float) else "text"


def _read(type_: str, name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    values: tuple[Any, ...]
    if type_ == "boolean":
        values = operands.compared(op, value, at, lambda entry, place: _flag(entry, place, operands))
    elif type_ == "number":
        values = operands.compared(op, value, at, lambda entry, place: _number(entry, place, operands))
    elif type_ == "date":
        values = operands.compared(op, value, at, lambda entry, place: _day(entry, place, operands))
    else:
        values = operands.matched(op, value, at, operands.text)
    return Attributed(name.removeprefix(PREFIX), type_, op, values) if values else None


def _flag(value: object, at: str, operands: Operands) -> bool | None:
    if isinstance(value, bool):
        return value
    operands.refuse(at, "Must be true or false.")
    return None


def _number(value: object, at: str, operands: Operands) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    operands.refuse(at, "Must be a number.")
    return None


def _day(value: object, at: str, operands: Operands) -> date | None:
    return operands.day(value, at)
