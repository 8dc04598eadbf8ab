"""The field `coupon`: copies that she holds or has used."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func
from sqlmodel import col, select

from app.coupons.models import IssuedCoupon, Redemption
from app.customers.models import Customer
from app.segments.fields.base import Asked, Leaf, Reference, Told
from app.segments.fields.operands import Field, Operands
from tenants.ids import encode_id


@dataclass(frozen=True, slots=True)
class HasCoupon(Leaf):
    """Holds a copy of one of the coupons that is still good (holds), has used one (used), or holds one that ends within
    so many days (expires_within_days): of these coupons, or there of any where none is named."""

    op: str
    coupons: tuple[Reference, ...] = ()
    days: int = 0

    def named(self) -> Iterator[tuple[str, Reference]]:
        return (("cpn", coupon) for coupon in self.coupons)

    def condition(self, asked: Asked) -> ColumnElement[bool]:
        return exists().where(*self._rows(asked)).correlate(Customer)

    def actual(self, asked: Asked) -> Any:
        """The ids of the coupons of which she has such a copy."""
        coupon_id = Redemption.coupon_id if self.op == "used" else IssuedCoupon.coupon_id
        hers = select(func.array_agg(col(coupon_id).distinct())).where(*self._rows(asked))
        return hers.correlate(Customer).scalar_subquery()

    def tell(self, value: Any, asked: Asked) -> Told:
        ids = sorted(encode_id("cpn", one) for one in value or ())
        labels = {thing.id: thing.label for thing in asked.things("cpn", self.coupons)}
        names = "、".join(sorted(labels.get(one, encode_id("cpn", one)) for one in value or ()))
        if self.op == "used":
            en, ja = (f"she used {names}", f"{names}を使った") if ids else ("she used none", "使っていない")
        else:
            en, ja = (f"she holds {names}", f"{names}を持っている") if ids else ("she holds none", "持っていない")
        return Told(ids, en, ja)

    def _rows(self, asked: Asked) -> list[ColumnElement[bool]]:
        rows: list[ColumnElement[bool]]
        table: Any = Redemption if self.op == "used" else IssuedCoupon
        rows = [
            col(table.brand_id) == asked.brand_id,
            col(table.customer_id) == col(Customer.id),
            *asked.is_mine(table.store_no),
        ]
        if self.coupons:
            rows.append(col(table.coupon_id).in_(asked.ids("cpn", self.coupons)))
        if self.op == "used":
            return [*rows, col(Redemption.reversed_at).is_(None)]
        rows += [col(IssuedCoupon.status) == "issued", col(IssuedCoupon.expires_at) > asked.now]
        if self.op == "expires_within_days":
            rows.append(col(IssuedCoupon.expires_at) <= asked.now + timedelta(days=self.days))
        return rows


def _read(name: str, op: str, value: Any, at: str, operands: Operands) -> Leaf | None:
    if op != "expires_within_days":
        coupons = operands.references("cpn", value, at)
        return HasCoupon(op, coupons) if coupons else None
    if not isinstance(value, dict):
        days = operands.days(value, at)
        return None if days is None else HasCoupon(op, days=days)
    members = operands.members(value, at, ("days", "coupon_id"))
    if members is None:
        return None
    days = operands.days(members.get("days"), f"{at}/days")
    coupons = operands.references("cpn", members["coupon_id"], f"{at}/coupon_id") if "coupon_id" in members else ()
    if days is None or ("coupon_id" in members and not coupons):
        return None
    return HasCoupon(op, coupons, days)


FIELDS = {"coupon": Field(("holds", "used", "expires_within_days"), _read)}
