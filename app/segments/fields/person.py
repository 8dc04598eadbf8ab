"""The fields of who she is: gender, age, month of birth, where she lives, and how she became a friend."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, get_args

from sqlalchemy import ColumnElement, Integer, and_, exists, extract, func, literal, or_, true
from sqlmodel import col, select

from app.customers.addresses import PREFECTURES
from app.customers.models import Customer, Friend
from app.customers.schemas import Gender
from app.segments import queries
from app.segments.fields.base import Asked, Leaf, Told
from app.segments.fields.figures import compare
from app.segments.fields.operands import COMPARISONS, TEXTS, Field, Operands

OLDEST: Final = 150


@dataclass(frozen=True, slots=True)
class Matched(Leaf):
    """A text of her row is one of these, or begins with one (starts_with)."""

    field: str
    op: str
    values: tuple[str, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        held: ColumnElement[bool] = match_text(_COLUMNS[self.field](), self.op, self.values).is_(true())
        return held

    def actual(self, asked: Asked) -> Any:
        return _COLUMNS[self.field]()

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "it is not known", "不明")
        shown = _JAPANESE.get(self.field, {}).get(value, value)
        return Told(value, f"it is {value}", shown)


_COLUMNS: Final[Mapping[str, Callable[[], Any]]] = {
    "gender": lambda: col(Customer.gender),
    "municipality": lambda: col(Customer.municipality_code),
    "prefecture": lambda: func.left(col(Customer.municipality_code), 2),
}
_JAPANESE: Final[Mapping[str, Mapping[str, str]]] = {
    "gender": {"female": "女性", "male": "男性", "other": "その他"},
    "prefecture": PREFECTURES,
}


def match_text(column: Any, op: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """Whether a text is one of these, or begins with the one."""
    if op == "starts_with":
        begins: ColumnElement[bool] = func.starts_with(column, values[0])
        return begins
    held: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return held


@dataclass(frozen=True, slots=True)
class Aged(Leaf):
    """Her age in whole years today. Who was born on 29 February has her birthday on 1 March in other years."""

    op: str
    values: tuple[int, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        born, today = col(Customer.birthday_on), asked.today
        low, high = self.values[0], self.values[-1]
        # Who is n years old or older was born on the day that many years ago, or before.
        held = {
            "=": and_(born <= _years_before(today, low), born > _years_before(today, low + 1)),
            "!=": or_(born > _years_before(today, low), born <= _years_before(today, low + 1)),
            "<": born > _years_before(today, low),
            "<=": born > _years_before(today, low + 1),
            ">": born <= _years_before(today, low + 1),
            ">=": born <= _years_before(today, low),
            "between": and_(born <= _years_before(today, low), born > _years_before(today, high + 1)),
        }[self.op]
        known: ColumnElement[bool] = held.is_(true())
        return known

    def actual(self, asked: Asked) -> Any:
        return col(Customer.birthday_on)

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "her birthday is not known", "誕生日が不明")
        age = asked.today.year - value.year - ((asked.today.month, asked.today.day) < (value.month, value.day))
        return Told(age, f"she is {age}", f"{age}歳")


def _years_before(day: date, years: int) -> date:
    """The same day so many years before; 28 February where there was no 29th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True, slots=True)
class BornInMonth(Leaf):
    """The month of her birthday, 1 to 12."""

    op: str
    values: tuple[int, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        numbers = [literal(value, Integer) for value in self.values]
        held: ColumnElement[bool] = compare(self.actual(asked), self.op, [(one, one) for one in numbers]).is_(true())
        return held

    def actual(self, asked: Asked) -> Any:
        return extract("month", col(Customer.birthday_on))

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "her birthday is not known", "誕生日が不明")
        month = int(value)
        return Told(month, f"it is {date(2000, month, 1):%B}", f"{month}月")


@dataclass(frozen=True, slots=True)
class CameBy(Leaf):
    """One of her friendships with accounts began so: `follow`, `qr_code`, `message`, `backfill`, `unknown`."""

    op: str
    values: tuple[str, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        begun = match_text(col(Friend.source), self.op, self.values)
        return exists().where(*_friendships(asked), begun).correlate(Customer)

    def actual(self, asked: Asked) -> Any:
        sources = select(func.array_agg(col(Friend.source).distinct())).where(*_friendships(asked))
        return sources.correlate(Customer).scalar_subquery()

    def tell(self, value: Any, asked: Asked) -> Told:
        sources = sorted(source for source in value or () if source is not None)
        if not sources:
            return Told([], "she is nobody's friend", "友だちではない")
        return Told(sources, f"it is {', '.join(sources)}", "、".join(sources))


def _friendships(asked: Asked) -> list[ColumnElement[bool]]:
    """Her ties to accounts that the scope sees."""
    same = [col(Friend.brand_id) == asked.brand_id, col(Friend.customer_id) == col(Customer.id)]
    if asked.store_nos is not None:
        same.append(col(Friend.account_no).in_(queries.list_account_nos_of_stores(asked.session, asked.store_nos)))
    return same


def _read_gender(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    def read(entry: object, place: str) -> str | None:
        if op == "starts_with" or entry in get_args(Gender):
            return operands.text(entry, place)
        operands.refuse(place, f"Must be one of {', '.join(get_args(Gender))}.")
        return None

    return _matched(name, op, operands.matched(op, value, at, read))


def _read_prefecture(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    def read(entry: object, place: str) -> str | None:
        if op == "starts_with" and isinstance(entry, str) and entry in _FIRST_DIGITS:
            return entry
        if isinstance(entry, str) and entry in _PREFECTURE_CODES:
            return _PREFECTURE_CODES[entry]
        operands.refuse(place, "Must be a prefecture's two digits (JIS X 0401) or its Japanese name.")
        return None

    return _matched(name, op, operands.matched(op, value, at, read))


_FIRST_DIGITS: Final = frozenset(code[0] for code in PREFECTURES)
_PREFECTURE_CODES: Final = {
    spelled: code
    for code, name in PREFECTURES.items()
    for spelled in (code, name, name if name == "北海道" else name[:-1])
}


def _read_municipality(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    def read(entry: object, place: str) -> str | None:
        least = 1 if op == "starts_with" else 5
        if isinstance(entry, str) and entry.isascii() and entry.isdecimal() and least <= len(entry) <= 5:
            return entry
        operands.refuse(place, "Must be a municipality's five digits (JIS X 0402) or, for starts_with, the first ones.")
        return None

    return _matched(name, op, operands.matched(op, value, at, read))


def _matched(name: str, op: str, values: tuple[str, ...]) -> Leaf | None:
    return Matched(name, op, values) if values else None


def _read_age(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    years = operands.compared(op, value, at, lambda entry, place: operands.whole(entry, place, 0, OLDEST))
    return Aged(op, years) if years else None


def _read_month(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    months = operands.compared(op, value, at, lambda entry, place: operands.whole(entry, place, 1, 12))
    return BornInMonth(op, months) if months else None


def _read_source(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    sources = operands.matched(op, value, at, operands.text)
    return CameBy(op, sources) if sources else None


FIELDS = {
    "gender": Field(TEXTS, _read_gender),
    "age": Field(COMPARISONS, _read_age),
    "birthday_month": Field(COMPARISONS, _read_month),
    "prefecture": Field(TEXTS, _read_prefecture),
    "municipality": Field(TEXTS, _read_municipality),
    "friend_source": Field(TEXTS, _read_source),
}
