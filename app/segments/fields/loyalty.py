"""The fields `points` and `rank`: what she may spend, and her rank. Both are the brand's, the same to every store."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, func, literal, true
from sqlmodel import col, select

from app.customers.models import Customer
from app.loyalty.models import LoyaltyMember
from app.loyalty.queries import find_lowest_rank, map_rank_names
from app.segments.fields.base import Asked, Leaf, Told
from app.segments.fields.figures import compare
from app.segments.fields.operands import COMPARISONS, TEXTS, Field, Operands
from app.segments.fields.person import match_text


@dataclass(frozen=True, slots=True)
class HasPoints(Leaf):
    """What she may spend, compared with one number, or for `between` with two; who has a debt has none."""

    op: str
    values: tuple[int, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        numbers = [literal(value, BigInteger) for value in self.values]
        return compare(self.actual(asked), self.op, [(number, number) for number in numbers])

    def actual(self, asked: Asked) -> Any:
        return func.greatest(func.coalesce(_of_member(LoyaltyMember.points, asked), 0), 0)

    def tell(self, value: Any, asked: Asked) -> Told:
        return Told(int(value), f"she has {int(value):,}", f"{int(value):,}ポイント")


@dataclass(frozen=True, slots=True)
class HasRank(Leaf):
    """Her rank's key is one of these, or begins with one (starts_with)."""

    op: str
    values: tuple[str, ...]

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        held: ColumnElement[bool] = match_text(self.actual(asked), self.op, self.values).is_(true())
        return held

    def actual(self, asked: Asked) -> Any:
        """Of one who never did anything that for which nothing is needed."""
        hers = _of_member(LoyaltyMember.rank, asked)
        lowest = find_lowest_rank(asked.session, asked.now)
        return func.coalesce(hers, literal(lowest, Text)) if lowest is not None else hers

    def tell(self, value: Any, asked: Asked) -> Told:
        if value is None:
            return Told(None, "she has none", "なし")
        name_ja, name_en = map_rank_names(asked.session, asked.now).get(value, (value, value))
        return Told(value, f"it is {name_en}", name_ja)


def _of_member(column: Any, asked: Asked) -> Any:
    same = (
        col(LoyaltyMember.brand_id) == asked.brand_id,
        col(LoyaltyMember.customer_id) == col(Customer.id),
    )
    return select(column).where(*same).correlate(Customer).scalar_subquery()


def _read_points(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    numbers = operands.compared(op, value, at, operands.number)
    return HasPoints(op, numbers) if numbers else None


def _read_rank(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    keys = operands.matched(op, value, at, operands.text)
    return HasRank(op, keys) if keys else None


FIELDS = {"points": Field(COMPARISONS, _read_points), "rank": Field(TEXTS, _read_rank)}
